#include "services/synchrony/chance/moments.h"

#include <cmath>

namespace attune::synchrony {

Chance ChanceAgainst(Statistic statistic, double observed, const double* null_values, int count) {
  constexpr int kLanes = 4;
  double sums[kLanes] = {}, squares[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const double value = null_values[i + lane];
      sums[lane] += value;
      squares[lane] += value * value;
    }
  }
  for (; i < count; ++i) {
    sums[0] += null_values[i];
    squares[0] += null_values[i] * null_values[i];
  }
  const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const double mean = sum / count;
  const double about_mean = ((squares[0] + squares[1]) + (squares[2] + squares[3])) - sum * mean;
  const double sd = about_mean > 0 ? std::sqrt(about_mean / (count - 1)) : 0;
  return FromNull(statistic, observed, mean, sd, count);
}

}  // namespace attune::synchrony
