#include "services/synchrony/dsp/clean_run.h"

#include <cmath>

namespace attune::synchrony::dsp {
namespace {

template <typename IsThere>
std::vector<CleanRun> RunsWhere(size_t size, IsThere is_there) {
  std::vector<CleanRun> runs;
  for (size_t i = 0; i < size; ++i) {
    if (!is_there(i)) continue;
    if (runs.empty() || runs.back().begin + runs.back().count != i) runs.push_back({i, 0});
    ++runs.back().count;
  }
  return runs;
}

bool Covers(const CleanRun& run, size_t size) {
  return run.count > 0 &&
         static_cast<double>(run.count) >= kMinRunShare * static_cast<double>(size);
}

}  // namespace

std::vector<CleanRun> CleanRuns(std::span<const double> x) {
  return RunsWhere(x.size(), [x](size_t i) { return !std::isnan(x[i]); });
}

std::vector<CleanRun> CleanRuns(std::span<const double> x, std::span<const double> y) {
  return RunsWhere(x.size(), [x, y](size_t i) { return !std::isnan(x[i]) && !std::isnan(y[i]); });
}

CleanRun LongestRun(std::span<const CleanRun> runs) {
  CleanRun longest;
  for (const CleanRun& run : runs) {
    if (run.count > longest.count) longest = run;
  }
  return longest;
}

std::span<const double> UsableRun(std::span<const double> x) {
  const CleanRun run = LongestRun(CleanRuns(x));
  return Covers(run, x.size()) ? x.subspan(run.begin, run.count) : std::span<const double>();
}

CleanRun UsableRun(std::span<const double> x, std::span<const double> y) {
  const CleanRun run = LongestRun(CleanRuns(x, y));
  return Covers(run, x.size()) ? run : CleanRun{};
}

double CleanShare(std::span<const double> x) {
  size_t clean = 0;
  for (double v : x) clean += std::isnan(v) ? 0 : 1;
  return x.empty() ? 0 : static_cast<double>(clean) / static_cast<double>(x.size());
}

}  // namespace attune::synchrony::dsp
