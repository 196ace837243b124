// The change of a measure from the baseline phase of the same session: what a group did before is
// its own best comparison (Tomashin, Gordon & Wallot 2022 found the change of a group's recurrence,
// not its level, to go with cohesion).
//
//   difference   = mean of the phase - mean of the baseline
//   error        = sqrt(s_b^2 / n_b + s_p^2 / n_p), Welch's; s: standard deviation with n - 1 of
//   all
//                  values of the phase, n: how many of their windows fit side by side, because
//                  values of overlapping windows are not independent
//   standardised = difference / s_b (Glass's delta): in units of how much the measure wanders about
//                  in the baseline
// No p: a session has one baseline, and everything else changes with the phase too. Pure function.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_BASELINE_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_BASELINE_H_

#include <cstdint>
#include <span>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// A value with the end of the window it looks back on.
struct ValueAt {
  int64_t as_of_us = 0;
  double value = 0;
};

struct SessionPhase {
  int64_t from_us = 0;  // (from_us, to_us]
  int64_t to_us = 0;
};

struct ChangeFromBaseline {
  Absence absent = Absence::kNotEnoughData;  // kNone: the rest holds, and so in the other cases
                                             // do the counts
  double difference = 0;
  double error = 0;         // one standard error of the difference
  double standardised = 0;  // 0 when the baseline does not vary
  double baseline_mean = 0;
  double baseline_sd = 0;
  double phase_mean = 0;
  int baseline_windows = 0;  // side by side
  int phase_windows = 0;
};

// With fewer windows side by side there is no telling how much the measure wanders.
inline constexpr int kMinBaselineWindows = 3;
inline constexpr int kMinPhaseWindows = 2;

// values: of the whole session, ascending as_of_us, only those that are there. One belongs to a
// phase when all of its window lies in it. window_us > 0. kNotEnoughData with too few windows.
ChangeFromBaseline MeasureChange(std::span<const ValueAt> values, int64_t window_us,
                                 const SessionPhase& baseline, const SessionPhase& phase);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_BASELINE_H_
