// Which moments of a multivariate series resemble each other, and the diagonal lines these
// resemblances form.
//
// Moments i < j recur when sqrt(sum over c of (z_c[i] - z_c[j])^2) < radius, strictly, summed in
// the order of c in doubles. The fast form decides nearly all of them from integers and asks the
// doubles wherever an integer could be wrong, so its counts are those of the definition exactly.
//
// Only the triangle above the main diagonal is looked at. Pure functions.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_RECURRENCE_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_RECURRENCE_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/group/table.h"
#include "services/synchrony/kernel/kernels.h"

namespace attune::synchrony {

struct RecurrenceCounts {
  int64_t possible = 0;  // moments i < j
  int64_t points = 0;    // of these recurrent
  // lines[n]: diagonal lines of exactly n points; lines[0] is 0. Its size is the number of moments.
  std::vector<int32_t> lines;

  friend bool operator==(const RecurrenceCounts&, const RecurrenceCounts&) = default;
};

// The most moments and the most columns (people times embedding) that are accepted.
inline constexpr size_t kRecurrenceMaxMoments = 16'384;
inline constexpr size_t kRecurrenceMaxColumns = 1'000;

// Columns of the same length within the limits above, finite; radius > 0. Otherwise all is 0. The
// counts are the same with all kernels.
RecurrenceCounts CountRecurrence(const Table& columns, double radius,
                                 const Kernels& kernels = BestKernels());

// As defined, for tests: one pair after the other.
RecurrenceCounts CountRecurrencePlain(const Table& columns, double radius);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_RECURRENCE_H_
