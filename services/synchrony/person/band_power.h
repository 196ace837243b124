// Power of the intervals in the classical bands (Task Force 1996). Absolute powers depend on the
// method: each measure names its own, and no two may be compared.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_BAND_POWER_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_BAND_POWER_H_

#include <optional>
#include <vector>

#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {

// ms^2.
struct BandPowers {
  double lf_ms2 = 0;   // 0.04 <= f < 0.15 Hz
  double hf_ms2 = 0;   // 0.15 <= f < 0.40 Hz
  double clean_s = 0;  // the time beneath them
};

// The 4 Hz grid that Welch's method stands on: the not-a-knot cubic spline through the intervals
// (the usual choice: PCHIP would lose several percent of the power at 0.25 Hz), wherever the
// stretch's own grid has a value and intervals lie on both sides. Same size as grid_ms; NaN where
// missing; each clean run has a spline of its own.
std::vector<double> SplineGrid(const Stretch& stretch);

// Welch: 256 samples (64 s), half overlapping, periodic Hann, each minus its mean, segments inside
// clean runs only. clean_s: of the runs that hold a segment. None without a segment, or with less
// than 0.8 of the grid clean.
std::optional<BandPowers> WelchPowers(const Stretch& stretch);

// Lomb-Scargle of the intervals at their own times, 0.001-Hz steps; corrected ones are left out.
// Such steps resolve up to 6 minutes; of longer stretches: the mean over consecutive pieces of 180
// s. clean_s: the clean share of the grid times the stretch. None with less than 0.8 of the grid
// clean or fewer than 20 intervals (each piece; others are left out).
std::optional<BandPowers> LombPowers(const Stretch& stretch);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_BAND_POWER_H_
