#include "edge/agent/loss_watch.h"

#include <algorithm>
#include <cmath>

namespace attune::edge {

int64_t LossWatch::HighUs() const {
  size_t i = kLimits - 1;
  while (i > 0 && limits_[i - 1].below >= kHighShare * limits_[i - 1].all) --i;
  return LimitUs(i);
}

bool LossWatch::Add(int64_t late_us) {
  const int64_t high_us = HighUs();
  bool lost = false;
  for (size_t i = 0; i < kLimits; ++i) {
    Limit& limit = limits_[i];
    if (late_us < LimitUs(i)) {
      const double keep = std::pow(1 - kForget, limit.run + 1);
      limit.all = limit.all * keep + limit.run + 1;
      limit.below = limit.below * keep + 1;
      if (limit.run > 0) {
        limit.longest = std::max(limit.longest, limit.run);
        ++limit.runs;
        limit.run = 0;
      }
      continue;
    }
    if (limit.run == 0) {
      limit.high_us = high_us;
      limit.high = 0;
    }
    if (limit.run >= kMostRun) limit = {};
    limit.run += 1;
    limit.high += late_us > limit.high_us;
    if (limit.below < kLeastBelow || limit.runs < kLeastRuns) continue;
    // What the counts themselves leave open is taken to be against it.
    const double share =
        std::min(kMostShare, (limit.below - 1.5 * std::sqrt(limit.below)) / limit.all);
    lost |= limit.run * -std::log1p(-share) > kImprobable &&
            limit.run > kTimesLongest * limit.longest && late_us > limit.high_us &&
            limit.high > kHighInRun * limit.run;
  }
  return lost;
}

}  // namespace attune::edge
