#include "services/synchrony/pair/lag_scales.h"

#include <cmath>

namespace attune::synchrony {
namespace {

constexpr double kFlat = 4.0;

}  // namespace

double InverseLength(double squares) { return squares < kFlat ? 0 : 1 / std::sqrt(squares); }

void ComputeLagScales(const int16_t* samples, int length, int max_lag, LagScale* scales) {
  const int16_t* x = samples + max_lag;
  int32_t sum = 0;
  int32_t squares = 0;
  int32_t moment = 0;  // sum of u x
  for (int i = 0; i < length; ++i) {
    sum += x[i];
    squares += int32_t{x[i]} * int32_t{x[i]};
    moment += (2 * i - (length - 1)) * int32_t{x[i]};
  }
  const double n = length;
  const double uu = n * (n * n - 1) / 3;
  const double per_root_n = 1 / std::sqrt(n);
  const double per_root_uu = 1 / std::sqrt(uu);
  for (int lag = 0; lag <= max_lag; ++lag) {
    const double s = sum;
    const double m = moment;
    scales[lag] = {s * per_root_n, m * per_root_uu,
                   InverseLength((squares - s * s / n) - m * m / uu)};
    if (lag == max_lag) break;
    // One sample back: the last leaves, the others move up by one position, an older one enters.
    const int32_t leaves = samples[max_lag - lag + length - 1];
    const int32_t enters = samples[max_lag - lag - 1];
    moment += 2 * (sum - leaves) - (length - 1) * (leaves + enters);
    sum += enters - leaves;
    squares += enters * enters - leaves * leaves;
  }
}

}  // namespace attune::synchrony
