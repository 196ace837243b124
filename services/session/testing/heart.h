// Synthetic hearts for tests: deterministic, with the waves that synchrony lives on.
//
// The interval follows a mean plus a breathing wave, a low-frequency wave and noise. Two hearts
// with the same `wave_seed` share their low-frequency wave and come out coupled; others do not.
#ifndef ATTUNE_SERVICES_SESSION_TESTING_HEART_H_
#define ATTUNE_SERVICES_SESSION_TESTING_HEART_H_

#include <cstdint>
#include <vector>

namespace attune::session::testing {

struct HeartBeat {
  int64_t time_us = 0;
  uint32_t rr_1024 = 0;
};

struct HeartSpec {
  uint64_t seed = 1;       // of breathing and noise
  uint64_t wave_seed = 1;  // of the low-frequency wave
  double mean_rr_s = 0.85;
  int64_t from_us = 0;
  int64_t to_us = 0;
};

std::vector<HeartBeat> Heart(const HeartSpec& spec);

}  // namespace attune::session::testing

#endif  // ATTUNE_SERVICES_SESSION_TESTING_HEART_H_
