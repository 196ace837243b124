#include "services/synchrony/group/symbolic.h"

#include <algorithm>
#include <cstdint>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony {
namespace {

// Linear interpolation at (n - 1) q. Both terciles are wanted: one sort serves them.
double SortedQuantile(const std::vector<double>& sorted, double q) {
  const double at = static_cast<double>(sorted.size() - 1) * q;
  const size_t below = std::min(static_cast<size_t>(at), sorted.size() - 1);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::optional<double> SymbolicEntropy(const Table& people) {
  const size_t samples = Samples(people);
  if (samples == 0 || people.size() > kSymbolicMaxPeople) return std::nullopt;
  std::vector<uint64_t> patterns(samples, 0);
  std::vector<double> sorted;
  for (const std::vector<double>& x : people) {
    sorted = x;
    std::sort(sorted.begin(), sorted.end());
    const double first = SortedQuantile(sorted, 1.0 / 3);
    const double second = SortedQuantile(sorted, 2.0 / 3);
    for (size_t t = 0; t < samples; ++t) {
      patterns[t] = 3 * patterns[t] + (x[t] < first ? 0 : x[t] < second ? 1 : 2);
    }
  }
  std::sort(patterns.begin(), patterns.end());
  double entropy = 0;
  for (size_t begin = 0; begin < samples;) {
    size_t end = begin + 1;
    while (end < samples && patterns[end] == patterns[begin]) ++end;
    const double share = static_cast<double>(end - begin) / static_cast<double>(samples);
    entropy -= share * dsp::Log(share);
    begin = end;
  }
  return entropy;
}

}  // namespace attune::synchrony
