#include "services/synchrony/group/symbolic.h"

#include <algorithm>
#include <cstdint>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {

std::optional<double> SymbolicEntropy(const Table& people) {
  const size_t samples = Samples(people);
  if (samples == 0 || people.size() > kSymbolicMaxPeople) return std::nullopt;
  std::vector<uint64_t> patterns(samples, 0);
  for (const std::vector<double>& x : people) {
    const double first = dsp::Quantile(x, 1.0 / 3);
    const double second = dsp::Quantile(x, 2.0 / 3);
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
