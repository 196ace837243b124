#include "services/synchrony/chance/null.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace attune::synchrony {

Chance ChanceFrom(double observed, std::vector<double>& null_values) {
  Chance chance;
  chance.shifts = static_cast<int>(null_values.size());
  double sum = 0;
  int at_least = 0;
  for (double value : null_values) {
    sum += value;
    at_least += value >= observed ? 1 : 0;
  }
  chance.mean = sum / chance.shifts;
  chance.p = (1.0 + at_least) / (1.0 + chance.shifts);
  chance.low = Quantile(null_values, 0.025);
  chance.high = Quantile(null_values, 0.975);
  return chance;
}

double Quantile(std::vector<double>& values, double q) {
  const double position = static_cast<double>(values.size() - 1) * q;
  const auto below = static_cast<ptrdiff_t>(std::floor(position));
  const auto at = values.begin() + below;
  std::nth_element(values.begin(), at, values.end());
  const double lower = *at;
  if (at + 1 == values.end()) return lower;
  const double upper = *std::min_element(at + 1, values.end());
  return lower + (upper - lower) * (position - static_cast<double>(below));
}

std::vector<double> BenjaminiHochberg(const std::vector<double>& p) {
  const size_t count = p.size();
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&p](size_t a, size_t b) { return p[a] != p[b] ? p[a] < p[b] : a < b; });
  std::vector<double> adjusted(count);
  double smallest = 1;
  for (size_t rank = count; rank > 0; --rank) {
    const size_t i = order[rank - 1];
    smallest = std::min(smallest, p[i] * static_cast<double>(count) / static_cast<double>(rank));
    adjusted[i] = smallest;
  }
  return adjusted;
}

double LargestRejected(std::span<double> small, size_t count, double alpha) {
  std::sort(small.begin(), small.end());
  if (small.empty() || small.front() > alpha) return -1;
  for (size_t rank = small.size(); rank > 0; --rank) {
    const double p = small[rank - 1];
    if (p * static_cast<double>(count) / static_cast<double>(rank) <= alpha) return p;
  }
  return -1;
}

bool Hold::Update(bool holds, int64_t tick_us, int64_t previous_us, int64_t persistence_us,
                  int64_t break_us) {
  if (!holds) {
    since_us_ = -1;
    return false;
  }
  if (since_us_ < 0 || tick_us - previous_us > break_us) since_us_ = tick_us;
  return tick_us - since_us_ >= persistence_us;
}

}  // namespace attune::synchrony
