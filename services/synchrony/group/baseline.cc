#include "services/synchrony/group/baseline.h"

#include <cmath>
#include <vector>

#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

struct Summary {
  double mean = 0;
  double sd = 0;
  int windows = 0;  // side by side
};

Summary Summarise(std::span<const ValueAt> values, int64_t window_us, const SessionPhase& phase) {
  Summary summary;
  std::vector<double> inside;
  int64_t free_from = phase.from_us;
  for (const ValueAt& v : values) {
    const int64_t begin = v.as_of_us - window_us;
    if (begin < phase.from_us || v.as_of_us > phase.to_us) continue;
    inside.push_back(v.value);
    if (begin < free_from) continue;
    ++summary.windows;
    free_from = v.as_of_us;
  }
  if (inside.size() < 2) return summary;
  summary.mean = dsp::Mean(inside);
  summary.sd = dsp::StandardDeviation(inside, 1);
  return summary;
}

}  // namespace

ChangeFromBaseline MeasureChange(std::span<const ValueAt> values, int64_t window_us,
                                 const SessionPhase& baseline, const SessionPhase& phase) {
  const Summary before = Summarise(values, window_us, baseline);
  const Summary now = Summarise(values, window_us, phase);
  ChangeFromBaseline change;
  change.baseline_windows = before.windows;
  change.phase_windows = now.windows;
  if (before.windows < kMinBaselineWindows || now.windows < kMinPhaseWindows) return change;
  change.absent = Absence::kNone;
  change.difference = now.mean - before.mean;
  change.error = std::sqrt(before.sd * before.sd / before.windows + now.sd * now.sd / now.windows);
  change.standardised = before.sd > 0 ? change.difference / before.sd : 0;
  change.baseline_mean = before.mean;
  change.baseline_sd = before.sd;
  change.phase_mean = now.mean;
  return change;
}

}  // namespace attune::synchrony
