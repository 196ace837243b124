#include "services/synchrony/signal/percent_rules.h"

#include <cmath>
#include <limits>
#include <utility>

namespace attune::synchrony {
namespace {

constexpr double kShortestMs = 300;
constexpr double kLongestMs = 2000;
constexpr double kTwentyPercent = 0.2;
constexpr double kKamathLonger = 0.325;
constexpr double kKamathShorter = 0.245;
constexpr size_t kAcarRows = 9;

// `keeps(before, row)`: may a row of this length follow one of that length?
template <typename Keeps>
std::vector<size_t> Successive(const std::vector<double>& rr_ms, const Keeps& keeps) {
  std::vector<size_t> removed;
  for (size_t i = 1; i < rr_ms.size(); ++i) {
    const bool after_removed = !removed.empty() && removed.back() + 1 == i;
    if (!after_removed && !keeps(rr_ms[i - 1], rr_ms[i])) removed.push_back(i);
  }
  return removed;
}

std::vector<size_t> Acar(const std::vector<double>& rr_ms) {
  std::vector<size_t> removed;
  std::vector<size_t> accepted;
  for (size_t i = 0; i < rr_ms.size(); ++i) {
    if (i >= kAcarRows) {
      double sum = 0, all = 0;
      size_t count = 0, of_all = 0;
      for (size_t k = accepted.size(); k > 0 && of_all < kAcarRows; --k, ++of_all) {
        const size_t row = accepted[k - 1];
        all += rr_ms[row];
        if (row + kAcarRows < i) continue;
        sum += rr_ms[row];
        ++count;
      }
      const double mean =
          count > 0 ? sum / static_cast<double>(count) : all / static_cast<double>(of_all);
      if (!(std::fabs(mean - rr_ms[i]) < kTwentyPercent * mean)) {
        removed.push_back(i);
        continue;
      }
    }
    accepted.push_back(i);
  }
  return removed;
}

}  // namespace

std::vector<size_t> RemovedRows(const std::vector<double>& rr_ms, PercentRule rule) {
  std::vector<size_t> removed;
  switch (rule) {
    case PercentRule::kRange:
      for (size_t i = 0; i < rr_ms.size(); ++i) {
        if (!(rr_ms[i] >= kShortestMs && rr_ms[i] <= kLongestMs)) removed.push_back(i);
      }
      break;
    case PercentRule::kMalik:
      return Successive(rr_ms, [](double before, double row) {
        return std::fabs(row - before) <= kTwentyPercent * before;
      });
    case PercentRule::kKamath:
      return Successive(rr_ms, [](double before, double row) {
        return row >= before ? row - before <= kKamathLonger * before
                             : before - row <= kKamathShorter * before;
      });
    case PercentRule::kKarlsson:
      for (size_t i = 1; i + 1 < rr_ms.size(); ++i) {
        const double mean = (rr_ms[i - 1] + rr_ms[i + 1]) / 2;
        if (!(std::fabs(mean - rr_ms[i]) < kTwentyPercent * mean)) removed.push_back(i);
      }
      break;
    case PercentRule::kAcar:
      return Acar(rr_ms);
  }
  return removed;
}

std::vector<double> FillRows(std::vector<double> rr_ms, const std::vector<size_t>& rows) {
  const size_t n = rr_ms.size();
  for (size_t at = 0; at < rows.size();) {
    const size_t first = rows[at];
    size_t end = first;  // of this run of removed rows
    while (at < rows.size() && rows[at] == end) ++at, ++end;
    for (size_t i = first; i < end; ++i) {
      if (first == 0) {
        rr_ms[i] = std::numeric_limits<double>::quiet_NaN();
      } else if (end == n) {
        rr_ms[i] = rr_ms[first - 1];
      } else {
        const double part =
            static_cast<double>(i + 1 - first) / static_cast<double>(end + 1 - first);
        rr_ms[i] = rr_ms[first - 1] + part * (rr_ms[end] - rr_ms[first - 1]);
      }
    }
  }
  return rr_ms;
}

std::vector<double> NnIntervalsMs(const std::vector<double>& rr_ms, PercentRule rule) {
  std::vector<double> filled = FillRows(rr_ms, RemovedRows(rr_ms, PercentRule::kRange));
  const std::vector<size_t> removed = RemovedRows(filled, rule);
  return FillRows(std::move(filled), removed);
}

}  // namespace attune::synchrony
