// The pair measures in plain double arithmetic, straight from their definitions: what the live,
// integer forms are tested against, and what a batch analysis of other grids can use.
//
// Lag sign everywhere: positive = the second series follows the first.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_REFERENCE_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_REFERENCE_H_

#include <cstddef>
#include <vector>

namespace attune::synchrony::reference {

enum class Trend { kKeep, kRemoveLine };

// Pearson's r of n samples; kRemoveLine: after taking each series' least-squares line from it.
// NaN when either is constant.
double PearsonR(const double* x, const double* y, size_t n, Trend trend);

// Windowed lagged cross-correlation, lookback geometry (pair/lagged.h): row k has base start
// p = max_lag + hop * k; lag l >= 0: r(x[p - l ..], y[p ..]), l < 0: r(x[p ..], y[p - |l| ..]),
// each over `window` samples. Rows of 2 * max_lag + 1 values, lags ascending.
std::vector<std::vector<double>> WindowedCrossCorrelation(const std::vector<double>& x,
                                                          const std::vector<double>& y,
                                                          size_t window, int max_lag, size_t hop,
                                                          Trend trend);

// r of windows of `window` samples at 0, step, 2 step, ...
std::vector<double> WindowedR(const std::vector<double>& x, const std::vector<double>& y,
                              size_t window, size_t step, Trend trend);

}  // namespace attune::synchrony::reference

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_REFERENCE_H_
