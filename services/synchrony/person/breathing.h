// The breathing rate as seen in the intervals: the highest peak of their spectrum in the band where
// people breathe (a Fourier estimate as in Charlton et al. 2016, "FTS" of the R-R intervals).
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_BREATHING_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_BREATHING_H_

#include <optional>
#include <span>

#include "services/synchrony/dsp/spectrum.h"

namespace attune::synchrony {

struct BreathingBand {
  double low_hz = 0.15;  // below it slow waves leak in
  double high_hz = 0.45;
};

// While a pacer runs slower than that, the band reaches down to 0.03 Hz below it: it still shows
// somebody who does not follow.
BreathingBand BreathingBandOf(double pacer_hz);

struct BreathingPeak {
  double hz = 0;      // parabola through the peak's three bins
  double bin_hz = 0;  // the peak's bin
  // Power within 0.02 Hz of that bin over the power in the band, 0..1. About 0.3 for noise over 64
  // s.
  double share = 0;
  // No bin of the band is higher. When one is, it lies on the band's edge and the peak means
  // little.
  bool highest = false;
};

// Below this share a peak is not called a breath. White noise of 64 s passes in less than one case
// of twenty.
inline constexpr double kMinBreathingShare = 0.5;

// Segments of the 4 Hz grid, 64 s, half overlapping, zero-padded to 512 s.
inline constexpr int kBreathingSegment = 256;
inline constexpr int kBreathingPadded = 2048;

// The highest local maximum (P_k > P_(k-1) and P_k >= P_(k+1)) with its bin inside the band, edges
// included; none if there is no such bin.
std::optional<BreathingPeak> FindBreathing(const dsp::Spectrum& spectrum,
                                           const BreathingBand& band);

// Spectrum of a grid with gaps: up to 64 s the longest clean run (dsp/clean_run.h) of at least
// 51.25 s, else all 64-s segments inside clean runs, if 0.8 of the grid is clean. 0 segments when
// there is nothing.
dsp::Spectrum BreathingSpectrum(std::span<const double> grid_ms);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_BREATHING_H_
