#include "services/synchrony/group/sync_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace attune::synchrony {
namespace {

constexpr size_t kFewestMoments = 10;
// Of the determinant of two standardised predictors: closer to parallel than this is singular.
constexpr double kSingular = 1e-12;

double Dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (size_t t = 0; t < x.size(); ++t) sum += x[t] * y[t];
  return sum;
}

// Gaussian elimination with the largest pivot of each column. False when singular.
bool Solve(dsp::Matrix a, std::vector<double> y, std::vector<double>* x) {
  const size_t n = a.rows;
  for (size_t k = 0; k < n; ++k) {
    size_t best = k;
    for (size_t r = k + 1; r < n; ++r) {
      if (std::fabs(a.at(r, k)) > std::fabs(a.at(best, k))) best = r;
    }
    if (!(std::fabs(a.at(best, k)) > 0)) return false;
    for (size_t c = 0; c < n; ++c) std::swap(a.at(k, c), a.at(best, c));
    std::swap(y[k], y[best]);
    for (size_t r = k + 1; r < n; ++r) {
      const double factor = a.at(r, k) / a.at(k, k);
      for (size_t c = k; c < n; ++c) a.at(r, c) -= factor * a.at(k, c);
      y[r] -= factor * y[k];
    }
  }
  x->assign(n, 0);
  for (size_t k = n; k-- > 0;) {
    double sum = y[k];
    for (size_t c = k + 1; c < n; ++c) sum -= a.at(k, c) * (*x)[c];
    (*x)[k] = sum / a.at(k, k);
  }
  return true;
}

}  // namespace

std::optional<DriverScores> MeasureDrivers(const Table& people, size_t lag, DriverUnits units) {
  const size_t n = people.size(), samples = Samples(people);
  if (n < 2 || lag < 1 || samples <= lag) return std::nullopt;
  std::vector<bool> there(samples, true);
  for (const std::vector<double>& x : people) {
    for (size_t t = 0; t < samples; ++t) there[t] = there[t] && std::isfinite(x[t]);
  }
  Table before(n), after(n);
  for (size_t i = 0; i < n; ++i) {
    std::vector<double> present;
    for (size_t t = 0; t < samples; ++t) {
      if (there[t]) present.push_back(people[i][t]);
    }
    const double mean = dsp::Mean(present);
    const double sd = dsp::StandardDeviation(present, 0);
    if (!(sd > 1e-12 * std::fabs(mean))) return std::nullopt;
    const double scale = units == DriverUnits::kStandardised ? 1 / sd : 1;
    for (size_t t = lag; t < samples; ++t) {
      if (!there[t] || !there[t - lag]) continue;
      before[i].push_back((people[i][t - lag] - mean) * scale);
      after[i].push_back((people[i][t] - mean) * scale);
    }
    // The intercept: both sides about their own means.
    for (std::vector<double>* x : {&before[i], &after[i]}) {
      const double centre = dsp::Mean(*x);
      for (double& v : *x) v -= centre;
    }
  }
  DriverScores result;
  result.moments = Samples(before);
  if (result.moments < kFewestMoments) return std::nullopt;
  dsp::Matrix among(n, n);  // of the predictors
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i; j < n; ++j) among.at(j, i) = among.at(i, j) = Dot(before[i], before[j]);
    if (!(among.at(i, i) > 0)) return std::nullopt;
  }
  result.weights = dsp::Matrix(n, n);
  result.driver.assign(n, 0);
  result.empath.assign(n, 0);
  for (size_t j = 0; j < n; ++j) {
    const double own = Dot(before[j], after[j]);
    for (size_t i = 0; i < n; ++i) {
      if (i == j) {
        result.weights.at(i, i) = own / among.at(i, i) / 2;
        continue;
      }
      const double ii = among.at(i, i), jj = among.at(j, j), ij = among.at(i, j);
      const double determinant = ii * jj - ij * ij;
      if (!(determinant > kSingular * ii * jj)) return std::nullopt;
      const double w = (Dot(before[i], after[j]) * jj - own * ij) / determinant;
      result.weights.at(i, j) = w;
      result.driver[i] += w * w;
      result.empath[j] += w * w;
    }
  }
  return result;
}

std::optional<double> SyncCoefficient(const dsp::Matrix& weights) {
  const size_t n = weights.rows;
  if (n < 2) return std::nullopt;
  size_t strongest = 0;
  double largest = -1;
  for (size_t j = 0; j < n; ++j) {
    double score = 0;
    for (size_t i = 0; i < n; ++i) score += weights.at(i, j) * weights.at(i, j);
    if (score > largest) {
      largest = score;
      strongest = j;
    }
  }
  dsp::Matrix rest(n - 1, n - 1);
  std::vector<double> column, solved;
  for (size_t i = 0, r = 0; i < n; ++i) {
    if (i == strongest) continue;
    column.push_back(weights.at(i, strongest));
    for (size_t j = 0, c = 0; j < n; ++j) {
      if (j != strongest) rest.at(r, c++) = weights.at(i, j);
    }
    ++r;
  }
  if (!Solve(std::move(rest), column, &solved)) return std::nullopt;
  return Dot(column, solved);
}

}  // namespace attune::synchrony
