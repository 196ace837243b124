// Measures over a whole recording: all of Availability::kBatch, and those which then have a chance
// level of their own, whatever they are live (PairHasChance, HasChance).
//
// Each person's signal from 0 to the plan's end, as far as the person was measured and there.
// Missing data stay missing. The artefact rules of the literature look at the raw intervals one
// after the other, as their papers do; the others at corrected signals (signal/stretch.h). Pure
// functions; the longest recording is kWholeMostUs.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_WHOLE_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_WHOLE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/replay/plan.h"

namespace attune::synchrony {

inline constexpr int64_t kWholeMostUs = int64_t{24} * 3600 * 1'000'000;

struct WholeNumbers {
  int a = 0;  // a person; 0: the group
  int b = 0;  // of a pair; 0: one person or the group
  std::vector<NamedNumber> numbers;
};

// Those of `measures` that MeasureWhole has; beyond 24 hours only batch ones, which it refuses
// then.
std::vector<Measure> OverTheWhole(const std::vector<Measure>& measures, int64_t length_us);

// `measures`: ascending; those that OverTheWhole leaves out are left out. Subjects without any
// number are left out. In the order people, pairs, group. `progress` (0..1) may be empty. Nothing
// when the plan is longer than kWholeMostUs.
std::vector<WholeNumbers> MeasureWhole(const Plan& plan, const std::vector<Measure>& measures,
                                       const Params& params,
                                       const std::function<void(double)>& progress);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_WHOLE_H_
