// Multidimensional recurrence quantification of a group (Wallot, Roepstorff & Monster 2016): people
// are the columns of one multivariate series, and what is counted is how often, and for how long at
// a stretch, the whole group comes back to a state it has been in.
//
// Each person is standardised (ddof 0). With an embedding the group's state at t holds the samples
// at t, t + delay, ... of everybody. Distance: Euclidean; recurrent when below the radius,
// strictly. Over the triangle above the main diagonal:
//   recurrence rate = recurrent points / n (n - 1) / 2, n moments
//   determinism     = share of the recurrent points that lie on diagonal lines of at least 2
//   line mean, line max, entropy of their lengths (nats): of the lines of at least 2
// (multiSyncPy's mean length also counts lines of 1; Wallot's and this one do not.)
// What a rate means depends on the number of people, on the radius and on how smooth the signals
// are: compare a group with itself, most of all with its own baseline (Tomashin, Gordon & Wallot
// 2022).
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_MDRQA_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_MDRQA_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "services/synchrony/group/recurrence.h"
#include "services/synchrony/group/table.h"

namespace attune::synchrony {

struct MdrqaShape {
  size_t embedding = 1;  // copies of the state, >= 1
  size_t delay = 1;      // samples between them
  double radius = 1;     // in standard deviations
};

struct Mdrqa {
  double recurrence_rate = 0;  // 0..1
  double determinism = 0;      // 0..1; 0 without a recurrent point
  double line_mean = 0;        // samples; 0 without a line
  int64_t line_max = 0;
  double entropy = 0;
};

// The same people, then each again `delay` later, and so on; shorter by (embedding - 1) * delay.
// Empty when nothing is left.
Table Embedded(const Table& people, size_t embedding, size_t delay);

// Nothing when somebody does not vary, fewer than 3 moments are left, or a limit of recurrence.h is
// exceeded.
std::optional<Mdrqa> MultidimensionalRecurrence(Table people, const MdrqaShape& shape);

// From counts.
Mdrqa Quantify(const RecurrenceCounts& counts);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_MDRQA_H_
