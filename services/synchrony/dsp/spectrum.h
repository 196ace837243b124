// Power and cross spectra. One-sided densities; x in ms at rate_hz gives ms^2/Hz.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_SPECTRUM_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_SPECTRUM_H_

#include <cstddef>
#include <span>
#include <vector>

#include "services/synchrony/dsp/complex.h"

namespace attune::synchrony::dsp {

struct Spectrum {
  double df_hz = 0;
  int segments = 0;             // averaged; 0: x was shorter than one, and density is empty
  std::vector<double> density;  // bin k stands for k * df_hz

  double hz(size_t k) const { return static_cast<double>(k) * df_hz; }
};

struct CrossSpectrum {
  double df_hz = 0;
  int segments = 0;
  std::vector<double> sxx;
  std::vector<double> syy;
  std::vector<Complex> sxy;  // mean of conj(X) Y: its angle is positive where y leads x

  double hz(size_t k) const { return static_cast<double>(k) * df_hz; }
};

// Welch 1967: periodic Hann window of `segment` samples, `overlap` of them shared with the next
// segment, each segment minus its mean, zeros up to `padded` samples (0: none), mean over the
// segments that fit, from the first sample on. The scaling of scipy.signal.welch: density
// integrates to the variance. 0 <= overlap < segment; padded 0 or >= segment. Samples must be
// finite.
Spectrum Welch(std::span<const double> x, double rate_hz, int segment, int overlap, int padded = 0);

// The same for two; same sizes.
CrossSpectrum WelchCross(std::span<const double> x, std::span<const double> y, double rate_hz,
                         int segment, int overlap, int padded = 0);

// Several stretches of signal as one: the mean over the segments that fit into each, so that none
// reaches over a gap.
Spectrum WelchOfRuns(std::span<const std::span<const double>> runs, double rate_hz, int segment,
                     int overlap, int padded = 0);

// sum of density over low_hz <= f < high_hz, times df (no trapezoids).
double BandPower(const Spectrum& spectrum, double low_hz, double high_hz);

// Classical Lomb-Scargle (Lomb 1976, Scargle 1982) of unevenly spaced samples, at the frequencies
// k * step_hz, k = first..last, as a density that integrates to the variance:
//   P = ([sum y c]^2 / sum c^2 + [sum y s]^2 / sum s^2) / 2, y = x - mean,
//   c, s = cos, sin of 2 pi f (t - tau), tau making them orthogonal; density = 2 P T / N,
//   T = N (t_last - t_first) / (N - 1).
// t in s, ascending. density[i] stands for (first + i) * step_hz. Empty with fewer than 3 samples.
std::vector<double> LombScargle(std::span<const double> t_s, std::span<const double> x,
                                double step_hz, int first, int last);

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_SPECTRUM_H_
