#include "services/synchrony/pair/windowed_r.h"

#include <cmath>

namespace attune::synchrony {
namespace {

// About the line through the samples that are there, scaled to length 1; missing ones 0. False when
// nothing varies.
bool Unit(const double* x, size_t n, double* out) {
  double count = 0, mean = 0, mean_u = 0;
  for (size_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) continue;
    count += 1;
    mean += x[i];
    mean_u += static_cast<double>(i);
  }
  mean /= count;
  mean_u /= count;
  double ux = 0, uu = 0;
  for (size_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) continue;
    const double u = static_cast<double>(i) - mean_u;
    ux += u * (x[i] - mean);
    uu += u * u;
  }
  const double slope = uu > 0 ? ux / uu : 0;
  double square = 0, size = 0;
  for (size_t i = 0; i < n; ++i) {
    out[i] = std::isnan(x[i]) ? 0 : x[i] - mean - slope * (static_cast<double>(i) - mean_u);
    square += out[i] * out[i];
    size += std::isnan(x[i]) ? 0 : x[i] * x[i];
  }
  if (!(square > 1e-18 * size)) return false;
  const double scale = 1 / std::sqrt(square);
  for (size_t i = 0; i < n; ++i) out[i] *= scale;
  return true;
}

}  // namespace

WindowRows::WindowRows(std::span<const double> x, size_t window, size_t step,
                       double min_valid_share)
    : window_(window) {
  for (size_t from = 0; from + window <= x.size(); from += step) {
    size_t there = 0;
    for (size_t i = 0; i < window; ++i) there += std::isnan(x[from + i]) ? 0 : 1;
    values_.resize(values_.size() + window);
    usable_.push_back(static_cast<double>(there) >= min_valid_share * static_cast<double>(window) &&
                      Unit(&x[from], window, &values_[values_.size() - window]));
  }
}

MeanR MeanWindowedR(const WindowRows& a, const WindowRows& b, size_t shift) {
  MeanR result;
  double sum = 0;
  for (size_t i = 0; i < a.count(); ++i) {
    const size_t j = i >= shift ? i - shift : i + a.count() - shift;
    if (!a.usable(i) || !b.usable(j)) continue;
    const double* x = a.row(i);
    const double* y = b.row(j);
    // Four chains of additions, in a fixed order.
    double s[4] = {};
    size_t k = 0;
    for (; k + 4 <= a.window(); k += 4) {
      for (size_t c = 0; c < 4; ++c) s[c] += x[k + c] * y[k + c];
    }
    for (; k < a.window(); ++k) s[0] += x[k] * y[k];
    sum += (s[0] + s[1]) + (s[2] + s[3]);
    ++result.windows;
  }
  if (result.windows > 0) result.value = sum / static_cast<double>(result.windows);
  return result;
}

}  // namespace attune::synchrony
