#include "services/synchrony/group/eigen.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony {
namespace {

// Diagonal and off-diagonal of the similar tridiagonal matrix.
struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> off;  // off[i] couples i and i + 1
};

Tridiagonal Reduce(dsp::Matrix a) {
  const size_t n = a.rows;
  Tridiagonal t;
  std::vector<double> v(n), w(n);
  for (size_t k = 0; k + 2 < n; ++k) {
    // Reflect what is below the subdiagonal of column k away.
    double squared = 0;
    for (size_t i = k + 1; i < n; ++i) squared += a.at(i, k) * a.at(i, k);
    const double first = a.at(k + 1, k);
    const double length = first > 0 ? -std::sqrt(squared) : std::sqrt(squared);
    const double half = squared - first * length;  // |v|^2 / 2
    t.off.push_back(length);
    if (!(half > 0)) continue;
    for (size_t i = k + 1; i < n; ++i) v[i] = a.at(i, k);
    v[k + 1] = first - length;
    // A <- H A H, H = 1 - v v' / half: A - v w' - w v'.
    double vw = 0;
    for (size_t i = k + 1; i < n; ++i) {
      double sum = 0;
      for (size_t j = k + 1; j < n; ++j) sum += a.at(i, j) * v[j];
      w[i] = sum / half;
      vw += v[i] * w[i];
    }
    const double share = vw / (2 * half);
    for (size_t i = k + 1; i < n; ++i) w[i] -= share * v[i];
    for (size_t i = k + 1; i < n; ++i) {
      for (size_t j = k + 1; j < n; ++j) a.at(i, j) -= v[i] * w[j] + w[i] * v[j];
    }
  }
  if (n >= 2) t.off.push_back(a.at(n - 1, n - 2));
  for (size_t i = 0; i < n; ++i) t.diagonal.push_back(a.at(i, i));
  return t;
}

constexpr int kMostSteps = 60;  // per eigenvalue; two or three are usual

// One implicit QL step on rows low..high, which are coupled all the way, with Wilkinson's shift.
void Step(size_t low, size_t high, Tridiagonal* t) {
  std::vector<double>& d = t->diagonal;
  std::vector<double>& e = t->off;
  const double half = (d[low + 1] - d[low]) / (2 * e[low]);
  const double root = std::sqrt(half * half + 1);
  double g = d[high] - d[low] + e[low] / (half >= 0 ? half + root : half - root);
  double s = 1, c = 1, p = 0;
  for (size_t i = high; i-- > low;) {
    const double f = s * e[i];
    const double b = c * e[i];
    const double r = std::sqrt(f * f + g * g);
    if (i + 1 < high) e[i + 1] = r;
    if (r == 0) {  // falls apart here: the rest is for the next step
      d[i + 1] -= p;
      return;
    }
    s = f / r;
    c = g / r;
    const double before = d[i + 1] - p;
    const double twice = (d[i] - before) * s + 2 * c * b;
    p = s * twice;
    d[i + 1] = before + p;
    g = c * twice - b;
  }
  d[low] -= p;
  e[low] = g;
}

}  // namespace

std::optional<dsp::Matrix> Correlations(Table people) {
  if (!Standardise(&people)) return std::nullopt;
  const size_t n = people.size(), samples = Samples(people);
  dsp::Matrix r(n, n);
  for (size_t i = 0; i < n; ++i) {
    r.at(i, i) = 1;
    for (size_t j = i + 1; j < n; ++j) {
      double sums[4] = {0, 0, 0, 0};
      const double* x = people[i].data();
      const double* y = people[j].data();
      size_t t = 0;
      for (; t + 4 <= samples; t += 4) {
        for (size_t k = 0; k < 4; ++k) sums[k] += x[t + k] * y[t + k];
      }
      for (size_t k = 0; t < samples; ++t, ++k) sums[k] += x[t] * y[t];
      const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
      r.at(i, j) = std::clamp(sum / static_cast<double>(samples), -1.0, 1.0);
      r.at(j, i) = r.at(i, j);
    }
  }
  return r;
}

std::vector<double> Eigenvalues(dsp::Matrix symmetric) {
  Tridiagonal t = Reduce(std::move(symmetric));
  const size_t n = t.diagonal.size();
  for (size_t low = 0; low < n; ++low) {
    for (int step = 0; step < kMostSteps; ++step) {
      // How far the coupling reaches from here.
      size_t high = low;
      for (; high + 1 < n; ++high) {
        const double size = std::fabs(t.diagonal[high]) + std::fabs(t.diagonal[high + 1]);
        if (std::fabs(t.off[high]) <= 1e-16 * size) break;
      }
      if (high == low) break;
      Step(low, high, &t);
    }
  }
  std::sort(t.diagonal.begin(), t.diagonal.end(), std::greater<>());
  return t.diagonal;
}

double LeadingEigenvaluePct(const dsp::Matrix& correlations) {
  return 100 * Eigenvalues(correlations)[0] / static_cast<double>(correlations.rows);
}

EigenMeasures MeasureEigenvalues(const dsp::Matrix& correlations) {
  const double n = static_cast<double>(correlations.rows);
  const std::vector<double> values = Eigenvalues(correlations);
  EigenMeasures result;
  result.leading_pct = 100 * values[0] / n;
  double entropy = 0;
  for (double value : values) {
    // 0 ln 0 = 0; rounding may leave a little below 0.
    if (value > 0) entropy -= value / n * dsp::Log(value / n);
  }
  result.s_estimator = std::clamp(1 - entropy / dsp::Log(n), 0.0, 1.0);
  return result;
}

double Omega(const dsp::Matrix& correlations) {
  // det by Cholesky: the product of the squared pivots.
  dsp::Matrix a = correlations;
  double determinant = 1;
  for (size_t k = 0; k < a.rows; ++k) {
    const double pivot = a.at(k, k);
    if (!(pivot > 0)) return 1;
    determinant *= pivot;
    for (size_t i = k + 1; i < a.rows; ++i) {
      const double factor = a.at(i, k) / pivot;
      for (size_t j = k + 1; j <= i; ++j) a.at(i, j) -= factor * a.at(j, k);
    }
  }
  return std::clamp(1 - determinant, 0.0, 1.0);
}

std::vector<double> LeaveOneOutR(const dsp::Matrix& correlations) {
  // r(z_i, S - z_i), S the sum of all z: covariances are sums of the matrix's elements.
  const size_t n = correlations.rows;
  std::vector<double> row(n, 0.0), result(n);
  double whole = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) row[i] += correlations.at(i, j);
    whole += row[i];
  }
  for (size_t i = 0; i < n; ++i) {
    const double others = whole - 2 * row[i] + 1;
    result[i] = others > 1e-12 ? std::clamp((row[i] - 1) / std::sqrt(others), -1.0, 1.0)
                               : std::numeric_limits<double>::quiet_NaN();
  }
  return result;
}

double MeanPairwiseR(const dsp::Matrix& correlations) {
  double sum = 0;
  for (size_t i = 0; i < correlations.rows; ++i) {
    for (size_t j = i + 1; j < correlations.rows; ++j) sum += correlations.at(i, j);
  }
  const double n = static_cast<double>(correlations.rows);
  return sum / (n * (n - 1) / 2);
}

}  // namespace attune::synchrony
