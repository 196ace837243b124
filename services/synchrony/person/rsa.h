// Respiratory sinus arrhythmia: how much the intervals swing with breathing. Three of its measures,
// each of a grid of intervals in ms with NaN where missing.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_RSA_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_RSA_H_

#include <optional>
#include <span>
#include <vector>

#include "services/synchrony/params.h"

namespace attune::synchrony {

inline constexpr double kRsaLowHz = 0.12;
inline constexpr double kRsaHighHz = 0.40;

// --- Porges-Bohrer (Lewis, Furman, McCool & Porges 2012), of the 2 Hz grid ---
//
// Minus the 21-point moving cubic, band-pass 0.12-0.40 Hz, ln of the variance (n - 1, ms^2) of each
// whole epoch of 30 s from the start, mean over the epochs. The moving cubic passes some
// frequencies with a gain above 1: a sine of variance 800 ms^2 at 0.25 Hz gives 6.84, not ln 800.
// It does not follow a pacer: below 0.12 Hz there is nothing left to measure.
enum class PorgesBohrerFilter {
  kFir53,        // 53-tap Hamming-windowed sinc, only where it lies wholly inside
  kButterworth,  // order 4, forward and backward, 5 s at each end left out
};
// Epochs of an unbroken run; none when it is too short for one (56 s; 40 s). An epoch in which
// nothing moves has no logarithm and is left out.
std::vector<double> PorgesBohrerEpochs(std::span<const double> half_seconds_ms,
                                       PorgesBohrerFilter filter);
// With kFir53, over all clean runs: the mean of their epochs, if 0.8 of the grid is clean.
std::optional<double> PorgesBohrer(std::span<const double> half_seconds_ms);

// --- Amplitude in the breathing band, of the 4 Hz spline grid (person/band_power.h) ---
//
// Mean amplitude, ms: a swing of a sin(...) ms has a (half of peak to trough). Without a pacer:
// Butterworth of order 4, 0.12-0.40 Hz, forward and backward, size of the analytic signal, 5 s at
// each end left out. With one: the complex Hann filter at the pacer's frequency (signal/channel.h),
// whose gain is 1 there and half of it at +- 0.03 Hz; needs 20 s besides its own length.
// Clean runs as dsp/clean_run.h says; of stretches beyond 180 s all runs of at least 40 s (or 20 s
// beyond the filter's length), if 0.8 of the grid is clean.
std::optional<double> RsaAmplitude(std::span<const double> grid_ms, double pacer_hz,
                                   const Params& params);

// --- Peak to trough (Grossman, van Beek & Wientjes 1990), of the 4 Hz grid ---
//
// Breaths are told by the upward zero crossings of the band (0.12-0.40 Hz, or the pacer's +- 0.03
// Hz; Butterworth, forward and backward). Each gives the largest minus the smallest sample of the
// grid itself, about the line from its first to its last sample, so that slow waves under it count
// little; the mean is over breaths of 2 to 15 s. Single beats that stick out still add to it, so it
// is seldom below twice the amplitude above. Needs 3 breaths.
// Clean runs as above.
std::optional<double> PeakToTrough(std::span<const double> grid_ms, double pacer_hz);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_RSA_H_
