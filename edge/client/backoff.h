// When to try again: exponential backoff with full jitter, so that agents that lost the same node
// do not come back together (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog,
// 2015).
#ifndef ATTUNE_EDGE_CLIENT_BACKOFF_H_
#define ATTUNE_EDGE_CLIENT_BACKOFF_H_

#include <cstdint>

#include "services/base/random.h"

namespace attune::edge {

inline constexpr int64_t kBackoffFirstUs = 250'000;
inline constexpr int64_t kBackoffMostUs = 15'000'000;

// Not thread-safe. `random` must outlive it.
class Backoff {
 public:
  explicit Backoff(RandomSource& random) : random_(random) {}
  // Uniform in [0, ceiling]; the ceiling starts at 0.25 s and doubles up to 15 s. A server's hint
  // is a floor: the delay is then uniform in [hint, 1.25 hint + 0.25 s].
  int64_t NextDelayUs(int64_t hint_us = 0);
  // After success.
  void Reset() { ceiling_us_ = kBackoffFirstUs; }

 private:
  RandomSource& random_;
  int64_t ceiling_us_ = kBackoffFirstUs;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_BACKOFF_H_
