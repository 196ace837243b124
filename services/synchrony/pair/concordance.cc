#include "services/synchrony/pair/concordance.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony {

std::vector<double> Slopes(std::span<const double> x, const ConcordanceShape& shape) {
  const size_t window = static_cast<size_t>(shape.slope_window);
  const double middle = (static_cast<double>(window) - 1) / 2;
  double uu = 0;
  for (size_t i = 0; i < window; ++i) {
    const double u = static_cast<double>(i) - middle;
    uu += u * u;
  }
  std::vector<double> slopes;
  for (size_t p = 0; p + window <= x.size(); p += static_cast<size_t>(shape.slope_step)) {
    double mean = 0, ux = 0;
    for (size_t i = 0; i < window; ++i) mean += x[p + i] / static_cast<double>(window);
    for (size_t i = 0; i < window; ++i) ux += (static_cast<double>(i) - middle) * (x[p + i] - mean);
    slopes.push_back(ux / uu * 1000 / shape.ms_per_sample);  // a NaN stays one
  }
  return slopes;
}

std::vector<double> RollingR(std::span<const double> a, std::span<const double> b, int window,
                             int min_pairs) {
  const size_t length = static_cast<size_t>(window);
  std::vector<double> out;
  for (size_t p = 0; p + length <= a.size(); ++p) {
    double n = 0, ma = 0, mb = 0;
    for (size_t i = p; i < p + length; ++i) {
      if (std::isnan(a[i]) || std::isnan(b[i])) continue;
      n += 1;
      ma += a[i];
      mb += b[i];
    }
    ma /= n;
    mb /= n;
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = p; i < p + length; ++i) {
      if (std::isnan(a[i]) || std::isnan(b[i])) continue;
      ab += (a[i] - ma) * (b[i] - mb);
      aa += (a[i] - ma) * (a[i] - ma);
      bb += (b[i] - mb) * (b[i] - mb);
    }
    out.push_back(n >= min_pairs && aa > 0 && bb > 0
                      ? std::clamp(ab / std::sqrt(aa * bb), -1.0, 1.0)
                      : std::numeric_limits<double>::quiet_NaN());
  }
  return out;
}

Concordance ConcordanceOfSlopes(std::span<const double> a, std::span<const double> b,
                                const ConcordanceShape& shape) {
  Concordance result;
  double positive = 0, negative = 0;
  for (double r : RollingR(a, b, shape.r_window, shape.min_slopes)) {
    if (std::isnan(r)) continue;
    ++result.windows;
    (r > 0 ? positive : negative) += std::fabs(r);
  }
  if (result.windows == 0) return result;
  result.mean_r = (positive - negative) / result.windows;
  if (positive == 0 && negative == 0) return result;
  if (negative == 0) {
    result.index = shape.limit;
  } else if (positive == 0) {
    result.index = -shape.limit;
  } else {
    result.index = std::clamp(dsp::Log(positive / negative), -shape.limit, shape.limit);
  }
  return result;
}

}  // namespace attune::synchrony
