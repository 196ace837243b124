// Chance by circular shifts, for any statistic of two series: b is taken later by `shift` samples,
// what leaves at the end comes in at the beginning (b'_i = b_((i - shift) mod n)). Each keeps its
// own rhythm, only their being together is undone.
//
// For recordings: the shifts are fixed, evenly spread, and at least `apart` from 0 both ways round.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_TEST_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_TEST_H_

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// At most `most` shifts of apart..length - apart, multiples of `step`, ascending, evenly spread;
// none when there is no room.
std::vector<int> FixedShifts(int length, int apart, int most, int step = 1);

std::vector<double> Shifted(std::span<const double> x, int shift);

// `statistic(shift)`: the value with b shifted; NaN: not to be had at this shift, then it is left
// out. False when fewer than `least` null values are there; `chance` is then as it was.
// p = (1 + #null >= observed) / (1 + n), one-sided.
bool ShiftTest(double observed, std::span<const int> shifts, int least,
               const std::function<double(int)>& statistic, Chance* chance);

// Statistic of two series, computed anew for each shift.
using PairStatistic = std::function<double(std::span<const double>, std::span<const double>)>;
bool ShiftTest(std::span<const double> a, std::span<const double> b, std::span<const int> shifts,
               int least, const PairStatistic& statistic, Chance* chance);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_TEST_H_
