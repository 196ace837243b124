// Windowed lagged cross-correlation in doubles, and what is read from it: the picked peaks of many
// windows, and one lag with its standard error.
//
// Geometry (Boker, Xu, Rotondo & King 2002; look-back as in cran/wcc): row k has the base start
// p = max_lag + k * hop. Lag l >= 0: r(a[p - l ..], b[p ..]), l < 0: r(a[p ..], b[p - |l| ..]),
// over `window` samples: the later series is the base window, the other looks back. Sign: POSITIVE
// LAG = B FOLLOWS A.
//
// The last window that fits is used (cran/wcc never uses it).
// NaN samples are missing: a pair with one of them is left out, of the line as well.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_WCC_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_WCC_H_

#include <cstddef>
#include <span>
#include <vector>

namespace attune::synchrony {

struct WccShape {
  int window = 120;  // samples
  int max_lag = 20;  // samples
  int hop = 4;       // samples
  // Take each window's own least-squares line from it (so that two slow drifts are no coupling).
  bool remove_line = true;
  double min_valid_share = 0.5;  // of the pairs of a cell; below it the cell is NaN
};

struct LaggedMatrix {
  int max_lag = 0;
  size_t rows = 0;
  std::vector<double> r;  // rows x (2 max_lag + 1), lags ascending; NaN: too few pairs, or no
                          // variance

  std::span<const double> Row(size_t row) const {
    const size_t width = static_cast<size_t>(2 * max_lag + 1);
    return std::span<const double>(r).subspan(row * width, width);
  }
};

// a and b: the same times; no rows when they are too short.
LaggedMatrix WindowedLaggedCorrelation(std::span<const double> a, std::span<const double> b,
                                       const WccShape& shape);

// Mean over rows of each lag's cells, NaN left out; NaN where there is none.
std::vector<double> MeanByLag(const LaggedMatrix& matrix);

struct Peak {
  bool found = false;
  double lag = 0;  // samples, between them by a parabola through three points
  double r = 0;    // height of the parabola
};

// The idea of Boker et al. 2002: of a row of r by lag (lags -max_lag..max_lag) the local maximum
// nearest to lag 0, after smoothing. Smoothing: at each lag a quadratic is fitted to the nearest
// `span_share` of the row with tricube weights (Cleveland 1979), and read at the lag. A local
// maximum is greater than all smoothed values up to `look_ahead` lags away on both sides, as far as
// the row reaches, and is not at an end of the row: a row that still rises there holds no peak. Of
// two equally near ones the higher counts. A row with a NaN has no peak.
class PeakPicker {
 public:
  explicit PeakPicker(int max_lag, int look_ahead = 8, double span_share = 0.25);
  Peak Pick(std::span<const double> row) const;

 private:
  int max_lag_;
  int look_ahead_;
  int reach_;                     // the smoother's
  std::vector<double> smoother_;  // a row of weights for each lag
};

struct PeakSummary {
  size_t rows = 0;   // with all cells there
  size_t peaks = 0;  // rows that held a peak; the rest is over these
  double mean_r = 0;
  double sd_r = 0;  // with n - 1; 0 for fewer than two peaks
  double mean_lag = 0;
  double sd_lag = 0;
};
PeakSummary SummarisePeaks(const LaggedMatrix& matrix, const PeakPicker& picker);

// One lag from one window, and how sure it is.
struct LagEstimate {
  bool found = false;  // false: too little data, or r still rises at the first or last lag
  double lag_ms = 0;   // positive: b follows a
  double se_ms = 0;    // standard error; NaN when a block left out leaves no peak (the lag hangs
                       // on one moment) or r <= 0
  double r = 0;        // at the peak
};

struct LagShape {
  int window = 240;  // samples; a and b must hold window + max_lag of them
  int max_lag = 20;  // samples
  int blocks = 6;    // of the window, for the standard error; at least 2
  double min_valid_share = 0.5;
  double ms_per_sample = 250;
};

// r by lag over the one window that ends with the last sample (geometry above, line removed), its
// largest value, and the top of the parabola through it and its neighbours.
//
// Standard error: the larger of two.
// - Scatter between windows: the window is cut into non-overlapping blocks, each left out in turn
//   (jackknife; Quenouille 1956, Tukey 1958): se^2 = (B - 1) / B sum (lag_without_k - mean)^2. It
//   sees a peak that may jump to the next wave.
// - Width of the peak: what noise moves the top of a parabola of bend k (per sample^2) and height
// r,
//   se^2 = (1 - r^2) / (r k n'), n' the number of independent pairs after Bartlett (1946) from both
//   autocorrelations. It sees another wave of nearly the same frequency, which all blocks share.
// On simulated couples the true lag lies within one standard error in 0.7-0.8 and within two in
// 0.94-0.99 of cases, as long as r is about 0.7 or more; below that r may peak at a wrong wave, and
// the error says so by being as large as a wave.
LagEstimate EstimateLag(std::span<const double> a, std::span<const double> b,
                        const LagShape& shape);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_WCC_H_
