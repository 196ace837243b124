#include "services/node/group_distribution.h"

#include <cstdint>

namespace attune::node {

std::optional<double> ReleasedGroupValue(const v1::Report& released) {
  double sum = 0;
  uint64_t ticks = 0;
  for (const v1::GroupPhase& phase : released.group().phases()) {
    if (phase.r_mean_pairwise().outcome_case() != v1::Number::kValue) continue;
    sum += phase.r_mean_pairwise().value() * static_cast<double>(phase.ticks());
    ticks += phase.ticks();
  }
  if (ticks == 0) return std::nullopt;
  return sum / static_cast<double>(ticks);
}

void GroupDistribution::Add(double value) {
  waiting_.push_back(value);
  if (waiting_.size() < kGroupBatch) return;
  for (const double one : waiting_) histogram_.Observe(one);
  waiting_.clear();
}

prometheus::Histogram::BucketBoundaries GroupDistribution::Bounds() {
  return {-0.225, -0.125, -0.075, -0.025, 0.025, 0.075, 0.125,
          0.175,  0.225,  0.275,  0.325,  0.425, 0.525, 0.725};
}

}  // namespace attune::node
