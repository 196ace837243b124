#include "services/synchrony/pair/directed.h"

#include <cstddef>

namespace attune::synchrony {

std::vector<double> DifferencedMeans(std::span<const double> x, int samples) {
  const size_t step = static_cast<size_t>(samples);
  std::vector<double> means, differences;
  for (size_t from = 0; from + step <= x.size(); from += step) {
    double sum = 0;
    for (size_t i = 0; i < step; ++i) sum += x[from + i];
    means.push_back(sum / samples);
  }
  for (size_t i = 1; i < means.size(); ++i) differences.push_back(means[i] - means[i - 1]);
  return differences;
}

}  // namespace attune::synchrony
