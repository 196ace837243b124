// Sums of windowed r over every circular shift of one person against another, kept as the session
// runs.
//
// Over the windows [begin, end) of the span (n = end - begin), D_k is the sum of r(a_i, b_j) over
// all cells with i - j = k, and C_k counts the cells whose two windows are both usable. Shifting b
// circularly by k windows pairs a_i with b_(i-k mod n): the sum is S_k = D_k + D_(k-n). S_0 / C_0
// is the observed mean windowed r. (Windows are shifted whole: none is cut at the seam.)
//
// r is an integer (signal/windows.h), so a tick that adds the newest row and column and takes away
// the oldest gives exactly what summing all n^2 cells anew would give.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_SUMS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/signal/windows.h"

namespace attune::synchrony {

class ShiftSums {
 public:
  // Spans of up to `max_windows`.
  explicit ShiftSums(int max_windows);

  // Moves the span to [begin, end), incrementally when that is possible and cheaper. Both tracks
  // must hold it, and what is left of the old one.
  void MoveTo(const WindowTrack& a, const WindowTrack& b, int64_t begin, int64_t end);

  // The same from nothing, always (the reference).
  void Recompute(const WindowTrack& a, const WindowTrack& b, int64_t begin, int64_t end);

  int windows() const { return static_cast<int>(end_ - begin_); }
  struct Sum {
    int64_t r = 0;      // times 2^28
    int32_t count = 0;  // usable cells
  };
  // 0 <= shift < windows().
  Sum At(int shift) const;

  // The same span and the same sums.
  friend bool operator==(const ShiftSums& x, const ShiftSums& y) {
    return x.begin_ == y.begin_ && x.end_ == y.end_ && x.r_ == y.r_ && x.count_ == y.count_;
  }

  size_t MemoryBytes() const {
    return r_.capacity() * sizeof(int64_t) + count_.capacity() * sizeof(int32_t);
  }

 private:
  // Adds (sign 1) or takes away (-1) the cells of window `at` with all of [begin, end): row, column
  // and the corner once.
  void Cross(const WindowTrack& a, const WindowTrack& b, int64_t at, int64_t begin, int64_t end,
             int sign);

  int max_windows_;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  uint64_t revision_a_ = 0;
  uint64_t revision_b_ = 0;
  // By k + max_windows - 1.
  std::vector<int64_t> r_;
  std::vector<int32_t> count_;
  std::vector<int32_t> scratch_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_SUMS_H_
