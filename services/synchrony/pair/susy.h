// Surrogate synchrony after Tschacher & Meier 2020 (as in cran/SUSY): is the correlation of two
// people at the same time stronger than that of moments which do not belong together?
//
// Both series are cut into segments. Of segment i of a and segment j of b, at each lag k of
// -max_lag..max_lag:
//   c = sum_t (a_t - mean_a)(b_(t+k) - mean_b) / (n sd_a sd_b),  z = atanh c
// with the segment's means and SDs (divisor n) and the divisor n at every lag. Positive lag: b
// follows a (the package's lag has the other sign). Real: i = j; pseudo: all i != j of the same
// pair. For each lag: mean over pairs of segments of |z| (or of z, signed).
//
// EFFECT SIZE = (mean over lags of real - the same of pseudo) / SD OVER LAGS of pseudo, n - 1.
// IT IS NO Z SCORE: the SD is that of neighbouring, strongly correlated lags, not of surrogates, so
// strangers reach 3 to 17. Whether it is more than chance says the p of PairingTest
// (chance/segment_shuffle.h) over the matrix of mean z, which this gives as well.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_SUSY_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_SUSY_H_

#include <cstddef>
#include <span>
#include <vector>

namespace attune::synchrony {

struct SusyShape {
  int segment = 120;  // samples; at least 2 max_lag
  int max_lag = 12;   // samples
};

struct SusySide {
  double z = 0;         // real, mean over lags
  double z_pseudo = 0;  // pseudo, mean over lags
  double sd_lags = 0;   // of pseudo
  double Effect(double value) const { return sd_lags > 0 ? (value - z_pseudo) / sd_lags : 0; }
  double effect() const { return Effect(z); }
};

struct Susy {
  int segments = 0;    // used; fewer than 2: no result
  SusySide absolute;   // of |z|
  SusySide with_sign;  // of z: above 0 in phase, below in anti-phase
  double lead_a = 0;   // mean |z| of the lags at which a leads (positive lags)
  double lead_b = 0;
  // segments x segments, row: segment of a, column: of b. Mean over lags of |z| and of z.
  std::vector<double> absolute_of;
  std::vector<double> with_sign_of;
};

// a and b: the same times. Segments from the first sample on; what is left over at the end is not
// used, nor is a segment that has a missing sample (NaN) or no variance in either.
Susy SurrogateSynchrony(std::span<const double> a, std::span<const double> b,
                        const SusyShape& shape);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_SUSY_H_
