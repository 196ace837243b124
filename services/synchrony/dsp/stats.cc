#include "services/synchrony/dsp/stats.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace attune::synchrony::dsp {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double Mean(std::span<const double> x) {
  double sum = 0;
  for (double v : x) sum += v;
  return x.empty() ? kNan : sum / static_cast<double>(x.size());
}

double Variance(std::span<const double> x, int ddof) {
  const double n = static_cast<double>(x.size()) - ddof;
  if (n <= 0) return kNan;
  const double mean = Mean(x);
  double squares = 0;
  for (double v : x) squares += (v - mean) * (v - mean);
  return squares / n;
}

double StandardDeviation(std::span<const double> x, int ddof) {
  return std::sqrt(Variance(x, ddof));
}

double Pearson(std::span<const double> x, std::span<const double> y) {
  if (x.size() < 2) return kNan;
  const double mean_x = Mean(x);
  const double mean_y = Mean(y);
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double a = x[i] - mean_x;
    const double b = y[i] - mean_y;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  if (!(xx > 0) || !(yy > 0)) return kNan;
  return std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0);
}

double Slope(std::span<const double> x) {
  if (x.size() < 2) return kNan;
  const double n = static_cast<double>(x.size());
  const double middle = (n - 1) / 2;
  const double mean = Mean(x);
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (static_cast<double>(i) - middle) * (x[i] - mean);
  return sum / (n * (n * n - 1) / 12);
}

void RemoveLine(std::span<double> x) {
  if (x.empty()) return;
  const double middle = (static_cast<double>(x.size()) - 1) / 2;
  const double slope = x.size() < 2 ? 0 : Slope(x);
  const double mean = Mean(x);
  for (size_t i = 0; i < x.size(); ++i) x[i] -= mean + slope * (static_cast<double>(i) - middle);
}

double Quantile(std::vector<double> x, double q) {
  if (x.empty()) return kNan;
  std::sort(x.begin(), x.end());
  const double at = static_cast<double>(x.size() - 1) * std::clamp(q, 0.0, 1.0);
  const size_t below = std::min(static_cast<size_t>(at), x.size() - 1);
  const size_t above = std::min(below + 1, x.size() - 1);
  return x[below] + (at - static_cast<double>(below)) * (x[above] - x[below]);
}

bool LeastSquares(Matrix a, std::vector<double> y, std::vector<double>* b, double* residual) {
  const size_t rows = a.rows, columns = a.columns;
  if (rows < columns) return false;
  std::vector<double> diagonal(columns);
  for (size_t c = 0; c < columns; ++c) {
    double whole = 0, below = 0;
    for (size_t r = 0; r < rows; ++r) {
      whole += a.at(r, c) * a.at(r, c);
      if (r >= c) below += a.at(r, c) * a.at(r, c);
    }
    // Reflections keep the column's length, so `whole` is still that of the given column.
    if (!(below > 1e-24 * whole)) return false;
    const double length = std::sqrt(below);
    diagonal[c] = a.at(c, c) > 0 ? -length : length;
    // The reflector v overwrites the column from its diagonal down.
    a.at(c, c) -= diagonal[c];
    const double half_squared = -diagonal[c] * a.at(c, c);  // |v|^2 / 2
    const auto reflect = [&](auto element) {
      double sum = 0;
      for (size_t r = c; r < rows; ++r) sum += a.at(r, c) * element(r);
      const double factor = sum / half_squared;
      for (size_t r = c; r < rows; ++r) element(r) -= factor * a.at(r, c);
    };
    for (size_t k = c + 1; k < columns; ++k) {
      reflect([&a, k](size_t r) -> double& { return a.at(r, k); });
    }
    reflect([&y](size_t r) -> double& { return y[r]; });
  }
  b->resize(columns);
  for (size_t c = columns; c-- > 0;) {
    double sum = y[c];
    for (size_t k = c + 1; k < columns; ++k) sum -= a.at(c, k) * (*b)[k];
    (*b)[c] = sum / diagonal[c];
  }
  if (residual != nullptr) {
    *residual = 0;
    for (size_t r = columns; r < rows; ++r) *residual += y[r] * y[r];
  }
  return true;
}

std::vector<double> SymmetricEigenvalues(Matrix a) {
  const size_t n = a.rows;
  double whole = 0;
  for (size_t r = 0; r < n; ++r) {
    for (size_t c = r; c < n; ++c) {
      a.at(c, r) = a.at(r, c);
      whole += a.at(r, c) * a.at(r, c);
    }
  }
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0;
    for (size_t r = 0; r < n; ++r) {
      for (size_t c = r + 1; c < n; ++c) off += a.at(r, c) * a.at(r, c);
    }
    if (off <= 1e-30 * whole) break;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        const double apq = a.at(p, q);
        if (apq == 0) continue;
        const double theta = (a.at(q, q) - a.at(p, p)) / (2 * apq);
        const double t = (theta >= 0 ? 1 : -1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1);
        const double s = t * c;
        for (size_t k = 0; k < n; ++k) {
          const double x = a.at(k, p), y = a.at(k, q);
          a.at(k, p) = c * x - s * y;
          a.at(k, q) = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          const double x = a.at(p, k), y = a.at(q, k);
          a.at(p, k) = c * x - s * y;
          a.at(q, k) = s * x + c * y;
        }
      }
    }
  }
  std::vector<double> values;
  for (size_t k = 0; k < n; ++k) values.push_back(a.at(k, k));
  std::sort(values.begin(), values.end(), std::greater<>());
  return values;
}

}  // namespace attune::synchrony::dsp
