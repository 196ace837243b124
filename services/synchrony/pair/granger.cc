#include "services/synchrony/pair/granger.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

constexpr size_t kRowsPerRegressor = 10;

// The moments t at which both have t - reach .. t.
std::vector<size_t> Moments(std::span<const double> a, std::span<const double> b, size_t reach) {
  std::vector<size_t> moments;
  size_t unbroken = 0;
  for (size_t t = 0; t < std::min(a.size(), b.size()); ++t) {
    unbroken = std::isnan(a[t]) || std::isnan(b[t]) ? 0 : unbroken + 1;
    if (unbroken > reach) moments.push_back(t);
  }
  return moments;
}

bool Enough(const std::vector<size_t>& moments, int order) {
  return moments.size() >= kRowsPerRegressor * static_cast<size_t>(2 * order + 1);
}

// 1, own past and (unless null) the other's past.
dsp::Matrix Regressors(const std::vector<size_t>& moments, size_t order,
                       std::span<const double> own, std::span<const double> other) {
  dsp::Matrix m(moments.size(), 1 + order + (other.empty() ? 0 : order));
  for (size_t row = 0; row < moments.size(); ++row) {
    m.at(row, 0) = 1;
    for (size_t k = 1; k <= order; ++k) {
      m.at(row, k) = own[moments[row] - k];
      if (!other.empty()) m.at(row, order + k) = other[moments[row] - k];
    }
  }
  return m;
}

std::vector<double> At(std::span<const double> x, const std::vector<size_t>& moments) {
  std::vector<double> values;
  for (size_t t : moments) values.push_back(x[t]);
  return values;
}

// ln(RSS without / RSS with `other`); false when a regression cannot be solved.
bool LogRatio(const std::vector<size_t>& moments, size_t order, std::span<const double> own,
              std::span<const double> other, double* f) {
  const std::vector<double> y = At(own, moments);
  std::vector<double> b;
  double alone = 0, both = 0;
  if (!dsp::LeastSquares(Regressors(moments, order, own, {}), y, &b, &alone) ||
      !dsp::LeastSquares(Regressors(moments, order, own, other), y, &b, &both) || !(both > 0)) {
    return false;
  }
  *f = std::max(0.0, dsp::Log(alone / both));
  return true;
}

bool Residuals(const dsp::Matrix& m, const std::vector<double>& y, std::vector<double>* residuals) {
  std::vector<double> b;
  if (!dsp::LeastSquares(m, y, &b)) return false;
  *residuals = y;
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t k = 0; k < m.columns; ++k) (*residuals)[row] -= m.at(row, k) * b[k];
  }
  return true;
}

}  // namespace

Granger GrangerCausality(std::span<const double> a, std::span<const double> b, int order) {
  Granger result;
  if (order < 1) return result;
  const size_t p = static_cast<size_t>(order);
  const std::vector<size_t> moments = Moments(a, b, p);
  if (!Enough(moments, order)) return result;
  if (!LogRatio(moments, p, b, a, &result.a_to_b) || !LogRatio(moments, p, a, b, &result.b_to_a)) {
    return result;
  }
  result.order = order;
  result.rows = static_cast<int>(moments.size());
  return result;
}

int GrangerOrder(std::span<const double> a, std::span<const double> b, int most) {
  const std::vector<size_t> moments = Moments(a, b, static_cast<size_t>(most));
  if (!Enough(moments, most)) return 0;
  const double n = static_cast<double>(moments.size());
  int best = 0;
  double least = 0;
  for (int order = 1; order <= most; ++order) {
    const dsp::Matrix m = Regressors(moments, static_cast<size_t>(order), a, b);
    std::vector<double> ra, rb;
    if (!Residuals(m, At(a, moments), &ra) || !Residuals(m, At(b, moments), &rb)) continue;
    double aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < ra.size(); ++i) {
      aa += ra[i] * ra[i] / n;
      bb += rb[i] * rb[i] / n;
      ab += ra[i] * rb[i] / n;
    }
    const double determinant = aa * bb - ab * ab;
    if (!(determinant > 0)) continue;
    const double aic = dsp::Log(determinant) + 8.0 * order / n;
    if (best == 0 || aic < least) best = order, least = aic;
  }
  return best;
}

}  // namespace attune::synchrony
