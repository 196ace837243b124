#include "services/synchrony/pair/crqa.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

// Missing stays missing; empty when nothing varies.
std::vector<double> ZScores(std::span<const double> x) {
  std::vector<double> there;
  for (double v : x) {
    if (!std::isnan(v)) there.push_back(v);
  }
  const double mean = dsp::Mean(there), sd = dsp::StandardDeviation(there, 1);
  if (!(sd > 0)) return {};
  std::vector<double> z(x.begin(), x.end());
  for (double& v : z) v = (v - mean) / sd;
  return z;
}

// 1 for each state that has all its values.
std::vector<int> Complete(const std::vector<double>& z, int states, const CrqaShape& shape) {
  std::vector<int> complete(static_cast<size_t>(states), 1);
  for (int i = 0; i < states; ++i) {
    for (int d = 0; d < shape.dimension; ++d) {
      if (std::isnan(z[static_cast<size_t>(i + d * shape.delay)]))
        complete[static_cast<size_t>(i)] = 0;
    }
  }
  return complete;
}

}  // namespace

Crqa CrossRecurrence(std::span<const double> a, std::span<const double> b, const CrqaShape& shape) {
  Crqa result;
  const int reach = (shape.dimension - 1) * shape.delay;
  const int n = static_cast<int>(std::min(a.size(), b.size())) - reach;
  if (n < 2) return result;
  const size_t used = static_cast<size_t>(n + reach);
  const std::vector<double> x = ZScores(a.first(used)), y = ZScores(b.first(used));
  if (x.empty() || y.empty()) return result;
  result.states = n;

  const std::vector<int> there_a = Complete(x, n, shape), there_b = Complete(y, n, shape);
  const int64_t count_a = std::accumulate(there_a.begin(), there_a.end(), int64_t{0});
  const int64_t count_b = std::accumulate(there_b.begin(), there_b.end(), int64_t{0});
  std::vector<int64_t> length_counts(static_cast<size_t>(n + 1));
  const int profile_reach = std::min(shape.max_lag, n - 1);
  double fullest = -1;
  for (int lag = -(n - 1); lag <= n - 1; ++lag) {
    int run = 0;
    int64_t on_diagonal = 0;
    const int from = std::max(0, -lag), to = std::min(n, n - lag);
    for (int i = from; i < to; ++i) {
      double square = 0;
      for (int d = 0; d < shape.dimension; ++d) {
        const int at = i + d * shape.delay;
        const double gap = x[static_cast<size_t>(at)] - y[static_cast<size_t>(at + lag)];
        square += gap * gap;
      }
      if (std::sqrt(square) <= shape.radius) {  // false when something is missing
        ++run;
        ++on_diagonal;
      } else if (run > 0) {
        ++length_counts[static_cast<size_t>(run)];
        run = 0;
      }
    }
    if (run > 0) ++length_counts[static_cast<size_t>(run)];
    result.recurrent += on_diagonal;
    if (std::abs(lag) > profile_reach) continue;
    int both = 0;
    for (int i = from; i < to; ++i) {
      both += there_a[static_cast<size_t>(i)] & there_b[static_cast<size_t>(i + lag)];
    }
    const double share = both > 0 ? static_cast<double>(on_diagonal) / both : 0;
    result.profile.push_back(share);
    const bool nearer = std::abs(lag) <= std::abs(result.lag);
    if (share > fullest || (share == fullest && nearer)) fullest = share, result.lag = lag;
  }
  if (count_a == 0 || count_b == 0) return result;

  for (int length = shape.shortest_line; length <= n; ++length) {
    const int64_t count = length_counts[static_cast<size_t>(length)];
    if (count == 0) continue;
    result.lines += count;
    result.on_lines += count * length;
    result.line_max = length;
  }
  result.rec_pct =
      100.0 * static_cast<double>(result.recurrent) / static_cast<double>(count_a * count_b);
  if (result.lines == 0) return result;
  result.det_pct =
      100.0 * static_cast<double>(result.on_lines) / static_cast<double>(result.recurrent);
  result.line_mean = static_cast<double>(result.on_lines) / static_cast<double>(result.lines);
  for (int length = shape.shortest_line; length <= n; ++length) {
    const int64_t count = length_counts[static_cast<size_t>(length)];
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(result.lines);
    result.entropy -= share * dsp::Log(share);
  }
  return result;
}

}  // namespace attune::synchrony
