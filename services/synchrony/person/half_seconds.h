// The 2 Hz grid of the measures defined on one: every second sample of the 4 Hz grid, which is the
// same curve at the same times.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_HALF_SECONDS_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_HALF_SECONDS_H_

#include <cstddef>
#include <span>
#include <vector>

namespace attune::synchrony {

inline constexpr double kHalfSecondHz = 2;

// Element k stands for 0.5 s * (k + 1) after the stretch's start.
inline std::vector<double> HalfSeconds(std::span<const double> grid_ms) {
  std::vector<double> out;
  for (size_t k = 1; k < grid_ms.size(); k += 2) out.push_back(grid_ms[k]);
  return out;
}

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_HALF_SECONDS_H_
