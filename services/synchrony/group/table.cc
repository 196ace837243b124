#include "services/synchrony/group/table.h"

#include <cmath>

#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

// Four sums side by side: the order is fixed, and the additions need not wait for each other.
template <typename Term>
double SumOf(const std::vector<double>& x, Term term) {
  double sums[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= x.size(); i += 4) {
    for (size_t k = 0; k < 4; ++k) sums[k] += term(x[i + k]);
  }
  for (size_t k = 0; i < x.size(); ++i, ++k) sums[k] += term(x[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

bool Standardise(Table* people) {
  for (std::vector<double>& x : *people) {
    const double n = static_cast<double>(x.size());
    const double mean = SumOf(x, [](double v) { return v; }) / n;
    const double variance = SumOf(x, [mean](double v) { return (v - mean) * (v - mean); }) / n;
    // A constant may leave the rounding of its mean behind.
    if (!(variance > 1e-24 * mean * mean)) return false;
    const double scale = 1 / std::sqrt(variance);
    for (double& v : x) v = (v - mean) * scale;
  }
  return true;
}

void RemoveLines(Table* people) {
  for (std::vector<double>& x : *people) dsp::RemoveLine(x);
}

void RemoveLinesOverGaps(Table* people) {
  for (std::vector<double>& x : *people) {
    double n = 0, sum_t = 0, sum_x = 0, tt = 0, tx = 0;
    for (size_t t = 0; t < x.size(); ++t) {
      if (!std::isfinite(x[t])) continue;
      n += 1;
      sum_t += static_cast<double>(t);
      sum_x += x[t];
    }
    if (n < 2) continue;
    for (size_t t = 0; t < x.size(); ++t) {
      if (!std::isfinite(x[t])) continue;
      const double from_middle = static_cast<double>(t) - sum_t / n;
      tt += from_middle * from_middle;
      tx += from_middle * (x[t] - sum_x / n);
    }
    for (size_t t = 0; t < x.size(); ++t) {
      x[t] -= sum_x / n + tx / tt * (static_cast<double>(t) - sum_t / n);
    }
  }
}

Table Shifted(const Table& people, const int* shifts) {
  Table turned;
  turned.reserve(people.size());
  for (size_t i = 0; i < people.size(); ++i) {
    const std::vector<double>& x = people[i];
    const auto seam = x.end() - shifts[i];
    std::vector<double>& to = turned.emplace_back();
    to.reserve(x.size());
    to.insert(to.end(), seam, x.end());
    to.insert(to.end(), x.begin(), seam);
  }
  return turned;
}

Table Decimated(const Table& people, size_t step) {
  Table fewer;
  for (const std::vector<double>& x : people) {
    std::vector<double>& to = fewer.emplace_back();
    for (size_t i = 0; i < x.size(); i += step) to.push_back(x[i]);
  }
  return fewer;
}

}  // namespace attune::synchrony
