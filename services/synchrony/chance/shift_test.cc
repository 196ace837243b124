#include "services/synchrony/chance/shift_test.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/chance/null.h"

namespace attune::synchrony {

std::vector<int> FixedShifts(int length, int apart, int most, int step) {
  std::vector<int> shifts;
  const int first = (apart + step - 1) / step, last = (length - apart) / step;
  const int count = std::min(most, last - first + 1);
  for (int i = 0; i < count; ++i) {
    shifts.push_back(
        step * (count == 1 ? (first + last) / 2
                           : first + static_cast<int>(int64_t{last - first} * i / (count - 1))));
  }
  return shifts;
}

std::vector<double> Shifted(std::span<const double> x, int shift) {
  std::vector<double> out(x.begin(), x.end());
  std::rotate(out.begin(), out.end() - shift, out.end());
  return out;
}

bool ShiftTest(double observed, std::span<const int> shifts, int least,
               const std::function<double(int)>& statistic, Chance* chance) {
  std::vector<double> null_values;
  for (int shift : shifts) {
    const double value = statistic(shift);
    if (!std::isnan(value)) null_values.push_back(value);
  }
  if (null_values.empty() || static_cast<int>(null_values.size()) < least) return false;
  *chance = ChanceFrom(observed, null_values);
  return true;
}

bool ShiftTest(std::span<const double> a, std::span<const double> b, std::span<const int> shifts,
               int least, const PairStatistic& statistic, Chance* chance) {
  return ShiftTest(
      statistic(a, b), shifts, least, [&](int shift) { return statistic(a, Shifted(b, shift)); },
      chance);
}

}  // namespace attune::synchrony
