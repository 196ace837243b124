#include "services/synchrony/pair/reference.h"

#include <cmath>
#include <cstdlib>

namespace attune::synchrony::reference {
namespace {

// The series about its mean, or about its line.
std::vector<double> Residual(const double* x, size_t n, Trend trend) {
  const double count = static_cast<double>(n);
  double mean = 0;
  for (size_t i = 0; i < n; ++i) mean += x[i];
  mean /= count;
  double slope = 0;
  if (trend == Trend::kRemoveLine) {
    double xu = 0, uu = 0;
    for (size_t i = 0; i < n; ++i) {
      const double u = static_cast<double>(i) - (count - 1) / 2;
      xu += (x[i] - mean) * u;
      uu += u * u;
    }
    slope = xu / uu;
  }
  std::vector<double> residual(n);
  for (size_t i = 0; i < n; ++i) {
    residual[i] = x[i] - mean - slope * (static_cast<double>(i) - (count - 1) / 2);
  }
  return residual;
}

}  // namespace

double PearsonR(const double* x, const double* y, size_t n, Trend trend) {
  const std::vector<double> a = Residual(x, n, trend);
  const std::vector<double> b = Residual(y, n, trend);
  double aa = 0, bb = 0, ab = 0;
  for (size_t i = 0; i < n; ++i) {
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    ab += a[i] * b[i];
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : std::nan("");
}

std::vector<std::vector<double>> WindowedCrossCorrelation(const std::vector<double>& x,
                                                          const std::vector<double>& y,
                                                          size_t window, int max_lag, size_t hop,
                                                          Trend trend) {
  std::vector<std::vector<double>> rows;
  for (size_t p = static_cast<size_t>(max_lag); p + window <= x.size(); p += hop) {
    std::vector<double>& row = rows.emplace_back();
    for (int lag = -max_lag; lag <= max_lag; ++lag) {
      const size_t back = static_cast<size_t>(std::abs(lag));
      const double* a = &x[lag >= 0 ? p - back : p];
      const double* b = &y[lag >= 0 ? p : p - back];
      row.push_back(PearsonR(a, b, window, trend));
    }
  }
  return rows;
}

std::vector<double> WindowedR(const std::vector<double>& x, const std::vector<double>& y,
                              size_t window, size_t step, Trend trend) {
  std::vector<double> r;
  for (size_t start = 0; start + window <= x.size(); start += step) {
    r.push_back(PearsonR(&x[start], &y[start], window, trend));
  }
  return r;
}

}  // namespace attune::synchrony::reference
