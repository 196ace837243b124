// Wavelet coherence: coherence that may come and go. Torrence & Compo 1998 (Morlet wavelet, w0 = 6,
// Fourier period 1.033 scale), Grinsted, Moore & Jevrejeva 2004.
//
//   R^2(t, s) = |S(Wa conj(Wb) / s)|^2 / (S(|Wa|^2 / s) S(|Wb|^2 / s))
//
// S smooths in time by a Gaussian exp(-t^2 / (2 s^2)) and over scales by a boxcar 0.6 octaves wide
// (the decorrelation length of this wavelet; the ends of the box count by the part of a step that
// they cover; pycwt's box is twice as wide). Twelve scales an octave.
//
// CONE OF INFLUENCE: cells nearer than sqrt(2) s to an end of a clean run are masked. A frequency
// of which more than half is masked is dropped.
//
// Strangers do not have 0: the smoothing leaves few independent parts, and about 0.3 is usual.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_WAVELET_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_WAVELET_H_

#include <cstddef>
#include <span>
#include <vector>

namespace attune::synchrony {

struct WaveletShape {
  double low_hz = 0.04;
  double high_hz = 0.40;
  double rate_hz = 4;
};

struct WaveletCoherence {
  // By frequency, ascending, low_hz <= hz <= high_hz.
  std::vector<double> hz;
  std::vector<double> squared;    // mean of R^2 over the cells that are not masked; NaN: dropped
  std::vector<double> phase_rad;  // angle of their mean smoothed cross spectrum; positive: b
                                  // follows a
  std::vector<double> masked_share;

  // Mean over the frequencies low_hz <= hz < high_hz that are not dropped; NaN unless at least half
  // of them are there.
  double BandMean(double low, double high) const;
};

// NaN samples are missing: each run that is clean in both (and at least 20 s long) is transformed
// by itself, its own line removed, and has its own cone; missing samples, shorter runs and
// runs in which either does not vary count as masked.
WaveletCoherence WaveletCoherenceOf(std::span<const double> a, std::span<const double> b,
                                    const WaveletShape& shape);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_WAVELET_H_
