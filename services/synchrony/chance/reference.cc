#include "services/synchrony/chance/reference.h"

#include <algorithm>
#include <cmath>

namespace attune::synchrony::reference {
namespace {

// The window of a circular series, about its mean or line, scaled to length 1.
std::vector<double> UnitWindow(const std::vector<double>& x, size_t start, size_t window,
                               Trend trend) {
  std::vector<double> piece(window);
  for (size_t i = 0; i < window; ++i) piece[i] = x[(start + i) % x.size()];
  const double n = static_cast<double>(window);
  double mean = 0, slope = 0, uu = 0;
  for (double v : piece) mean += v / n;
  for (size_t i = 0; i < window; ++i) {
    const double u = static_cast<double>(i) - (n - 1) / 2;
    slope += u * (piece[i] - mean);
    uu += u * u;
  }
  slope = trend == Trend::kRemoveLine ? slope / uu : 0;
  double squares = 0;
  for (size_t i = 0; i < window; ++i) {
    piece[i] -= mean + slope * (static_cast<double>(i) - (n - 1) / 2);
    squares += piece[i] * piece[i];
  }
  for (double& v : piece) v /= std::sqrt(squares);
  return piece;
}

}  // namespace

ShiftTest CircularShiftTest(const std::vector<double>& x, const std::vector<double>& y,
                            size_t window, size_t step, size_t min_shift, Trend trend) {
  const size_t n = x.size();
  std::vector<std::vector<double>> wx, wy;
  for (size_t start = 0; start + window <= n; start += step) {
    wx.push_back(UnitWindow(x, start, window, trend));
  }
  for (size_t start = 0; start < n; ++start) wy.push_back(UnitWindow(y, start, window, trend));
  const auto mean_r = [&](size_t shift) {
    double sum = 0;
    for (size_t i = 0; i < wx.size(); ++i) {
      const std::vector<double>& other = wy[(i * step + n - shift) % n];
      double r = 0;
      for (size_t k = 0; k < window; ++k) r += wx[i][k] * other[k];
      sum += r;
    }
    return sum / static_cast<double>(wx.size());
  };
  ShiftTest test;
  test.observed = mean_r(0);
  for (size_t shift = min_shift; shift <= n - min_shift; ++shift) {
    test.null_values.push_back(mean_r(shift));
    test.at_least += test.null_values.back() >= test.observed ? 1 : 0;
  }
  test.p = (1.0 + test.at_least) / (1.0 + static_cast<double>(test.null_values.size()));
  return test;
}

}  // namespace attune::synchrony::reference
