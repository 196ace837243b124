#include "edge/client/backoff.h"

#include <algorithm>

namespace attune::edge {

int64_t Backoff::NextDelayUs(int64_t hint_us) {
  if (hint_us > 0) {
    return hint_us + static_cast<int64_t>(random_.Unit() *
                                          static_cast<double>(hint_us / 4 + kBackoffFirstUs));
  }
  const int64_t delay_us = static_cast<int64_t>(random_.Unit() * static_cast<double>(ceiling_us_));
  ceiling_us_ = std::min(ceiling_us_ * 2, kBackoffMostUs);
  return delay_us;
}

}  // namespace attune::edge
