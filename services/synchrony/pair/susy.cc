#include "services/synchrony/pair/susy.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

// atanh of 1 is infinite; the package's values stay below this far.
constexpr double kLargestC = 1 - 1e-12;

// Minus its mean, over its SD; empty when a sample is missing or nothing varies.
std::vector<double> Standardised(std::span<const double> x) {
  const double mean = dsp::Mean(x), sd = dsp::StandardDeviation(x, 0);
  if (std::isnan(mean) || !(sd > 0)) return {};
  std::vector<double> z(x.begin(), x.end());
  for (double& v : z) v = (v - mean) / sd;
  return z;
}

}  // namespace

Susy SurrogateSynchrony(std::span<const double> a, std::span<const double> b,
                        const SusyShape& shape) {
  const size_t length = static_cast<size_t>(shape.segment);
  std::vector<std::vector<double>> as, bs;
  for (size_t from = 0; from + length <= std::min(a.size(), b.size()); from += length) {
    std::vector<double> za = Standardised(a.subspan(from, length));
    std::vector<double> zb = Standardised(b.subspan(from, length));
    if (za.empty() || zb.empty()) continue;
    as.push_back(std::move(za));
    bs.push_back(std::move(zb));
  }
  Susy result;
  result.segments = static_cast<int>(as.size());
  if (as.size() < 2) return result;

  const size_t n = as.size(), lags = static_cast<size_t>(2 * shape.max_lag + 1);
  std::vector<double> real(lags), pseudo(lags), real_sign(lags), pseudo_sign(lags);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double sum = 0, sum_sign = 0;
      for (size_t k = 0; k < lags; ++k) {
        const int lag = static_cast<int>(k) - shape.max_lag;
        const size_t from_a = static_cast<size_t>(std::max(0, -lag));
        const size_t from_b = static_cast<size_t>(std::max(0, lag));
        double c = 0;
        for (size_t t = 0; t + from_a + from_b < length; ++t) {
          c += as[i][from_a + t] * bs[j][from_b + t];
        }
        c = std::clamp(c / static_cast<double>(length), -kLargestC, kLargestC);
        const double z = dsp::Atanh(c);
        (i == j ? real : pseudo)[k] += std::fabs(z);
        (i == j ? real_sign : pseudo_sign)[k] += z;
        sum += std::fabs(z);
        sum_sign += z;
      }
      result.absolute_of.push_back(sum / static_cast<double>(lags));
      result.with_sign_of.push_back(sum_sign / static_cast<double>(lags));
    }
  }
  const double count = static_cast<double>(n), unequal = count * (count - 1);
  for (size_t k = 0; k < lags; ++k) {
    real[k] /= count;
    real_sign[k] /= count;
    pseudo[k] /= unequal;
    pseudo_sign[k] /= unequal;
  }
  result.absolute = {dsp::Mean(real), dsp::Mean(pseudo), dsp::StandardDeviation(pseudo, 1)};
  result.with_sign = {dsp::Mean(real_sign), dsp::Mean(pseudo_sign),
                      dsp::StandardDeviation(pseudo_sign, 1)};
  const size_t side = static_cast<size_t>(shape.max_lag);
  result.lead_b = dsp::Mean(std::span(real).first(side));
  result.lead_a = dsp::Mean(std::span(real).last(side));
  return result;
}

}  // namespace attune::synchrony
