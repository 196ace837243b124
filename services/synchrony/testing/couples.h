// Simulated couples whose underlying signals correlate by a known amount; for tests only.
#ifndef ATTUNE_SERVICES_SYNCHRONY_TESTING_COUPLES_H_
#define ATTUNE_SERVICES_SYNCHRONY_TESTING_COUPLES_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony::testing {

inline constexpr int kCoupleSamples = 1600;  // 400 s at 4 Hz

// Noise in the band of slow waves and breathing at 4 Hz, standard deviation about 1.
std::vector<double> Waves(uint64_t seed);

// How beats come of waves w: each interval is mean_ms + 30 w ...
enum class HeartModel : uint8_t {
  kByItsBeginning,  // ... w where it begins
  kByIntegral,      // ... w on the way: a beat whenever the integral of 1 / (mean_ms + 30 w)
                    // reaches one (integral pulse frequency modulation)
};
std::vector<Beat> Heart(double mean_ms, const std::vector<double>& waves, HeartModel model);

// Two hearts, with means of 820 and 730 ms, whose waves correlate at `correlation`, the second's
// `lag_s` seconds after the first's (before it, when negative). Waves are Waves() of 3 seed ..
// 3 seed + 2, or those given: shared, own of the first, own of the second.
struct Couple {
  std::vector<Beat> first, second;
};
Couple CoupleOf(std::vector<std::vector<double>> waves, double correlation, int lag_s,
                HeartModel model);
Couple CoupleOf(uint64_t seed, double correlation, int lag_s,
                HeartModel model = HeartModel::kByItsBeginning);

}  // namespace attune::synchrony::testing

#endif  // ATTUNE_SERVICES_SYNCHRONY_TESTING_COUPLES_H_
