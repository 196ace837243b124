// Magnitude-squared coherence by Welch's method: how steadily do two people's waves of one
// frequency keep size and phase to each other?
//
//   C(f) = |Sxy|^2 / (Sxx Syy), averaged over segments (periodic Hann, half overlapping, mean
//   removed; Welch 1967, Carter, Knapp & Nuttall 1973)
//
// BIAS: a single segment has C = 1 whatever the people do. K independent segments of strangers have
// a mean of 1 / K; half overlapping Hann segments count for K_eff = K / (1 + (K - 1) / (18 K))
// (Welch 1967, eq. 12, correlation 1/6 of neighbours). Hence the segment of 32 s: a window of 180 s
// holds 10 (K_eff 9.5), strangers have 0.105. Fewer than 8 give no value.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_COHERENCE_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_COHERENCE_H_

#include <span>
#include <vector>

namespace attune::synchrony {

struct CoherenceShape {
  int segment = 128;  // samples
  int overlap = 64;
  double rate_hz = 4;
};

struct Coherence {
  int segments = 0;
  double df_hz = 0;
  std::vector<double> squared;  // bin k stands for k df_hz; 0 where a spectrum is 0

  // Mean over the bins low_hz <= f < high_hz; NaN when there is none.
  double BandMean(double low_hz, double high_hz) const;
};

// NaN samples are missing: segments lie within the runs that are clean in both, none reaches over a
// hole; the mean is over the segments of all runs. No segments when either does not vary.
Coherence CoherenceOf(std::span<const double> a, std::span<const double> b,
                      const CoherenceShape& shape);

// What independent people have on average.
double CoherenceBias(int segments);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_COHERENCE_H_
