// Whether there is anything to measure in a signal, or only rounding.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_VARIES_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_VARIES_H_

#include <algorithm>
#include <cmath>
#include <span>

namespace attune::synchrony::dsp {

// The range is more than 1e-9 of the largest size; NaN are passed over.
inline bool Varies(std::span<const double> x) {
  double low = INFINITY, high = -INFINITY;
  for (double v : x) {
    if (std::isnan(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  return high - low > 1e-9 * std::max(std::fabs(low), std::fabs(high));
}

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_VARIES_H_
