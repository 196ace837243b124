// The circular-shift test in plain double arithmetic, from its definition: what the live sums are
// judged by.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_REFERENCE_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_REFERENCE_H_

#include <cstddef>
#include <vector>

#include "services/synchrony/pair/reference.h"

namespace attune::synchrony::reference {

struct ShiftTest {
  double observed = 0;
  std::vector<double> null_values;  // shifts min_shift..n - min_shift samples, ascending
  int at_least = 0;                 // null values >= observed
  double p = 1;
};

// Statistic: mean r of the windows of `window` samples at 0, step, 2 step ... of x and y (line
// removed from each window if `trend` says so). Null: y circularly shifted by every s from
// min_shift to n - min_shift samples, y'_i = y_((i - s) mod n), windows cut after the shift.
ShiftTest CircularShiftTest(const std::vector<double>& x, const std::vector<double>& y,
                            size_t window, size_t step, size_t min_shift, Trend trend);

}  // namespace attune::synchrony::reference

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_REFERENCE_H_
