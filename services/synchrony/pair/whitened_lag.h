// By how much one person follows the other, from all frequencies alike.
//
// r by lag (lagged.h, wcc.h) weighs frequencies by their power. Hearts have most of it in drifts of
// a minute and more, whose r hardly changes within a second: its top is wide, few such waves fit
// into minutes, and the lag scatters. Here every frequency counts by how well the two go together
// there, whatever its power: the smoothed coherence transform (Carter, Nuttall & Cable 1973, Proc.
// IEEE 61:1497; Knapp & Carter 1976, IEEE Trans. ASSP 24:320), which is the correlation of both
// signals after whitening,
//
//   R(l) = mean over f of Re[ g(f) exp(2 pi i f l) ] / h(l),   g = Sxy / sqrt(Sxx Syy),
//
// over the frequencies that intervals can hold, 0.03-0.6 Hz. Spectra: Welch 1967, Hann segments of
// 24 s, a new one every 6 s, mean removed, zeros up to 64 s. h, the autocorrelation of the Hann
// window, undoes that of a lag only a part of both segments is common.
// The lag: the top of R within +-max_lag_s, in steps of 1/16 s, between them by a parabola.
// SIGN: POSITIVE LAG = B FOLLOWS A.
//
// Standard error. Near the top the variance of such a lag is (Knapp & Carter 1976, for these
// weights)
//
//   v = integral (2 pi f)^2 (1 - C) df / (2 T [integral (2 pi f)^2 Re(g exp(2 pi i f lag)) df]^2)
//
// with C = |g|^2 less what strangers have (coherence.h), and T the time that the segments are
// worth. R grows with the logarithm of the likelihood of a lag, so lags have the odds
// exp(k R(l)), k such that near the top they are a normal curve of variance v. The standard error
// is the root mean square distance from the top under these odds, at least sqrt(v): it sees a
// second top that is nearly as high, and all lags being much the same. It is at most that of a lag
// of which nothing is known, max_lag_s / sqrt(3).
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_WHITENED_LAG_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_WHITENED_LAG_H_

#include <span>

namespace attune::synchrony {

struct WhitenedLagShape {
  double rate_hz = 4;
  int segment = 96;  // samples; even
  int overlap = 72;  // samples
  int padded = 256;  // samples; a power of two, at least `segment`
  double low_hz = 0.03;
  double high_hz = 0.6;  // not included
  double max_lag_s = 5;  // below that of half a segment
  // Segments must be worth this long, and half of what a stretch without holes would give.
  double least_s = 80;
};

struct WhitenedLag {
  bool found = false;  // false: too little, or R still rises at the first or the last lag
  double lag_s = 0;
  double se_s = 0;
  double height = 0;  // R at the top: mean coherency, 0..1 but for noise
};

// a and b: the same times. NaN samples are missing: segments lie within the runs that are clean in
// both, none reaches over a hole. Pure.
WhitenedLag EstimateWhitenedLag(std::span<const double> a, std::span<const double> b,
                                const WhitenedLagShape& shape);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_WHITENED_LAG_H_
