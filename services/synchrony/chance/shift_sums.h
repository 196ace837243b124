// Sums of windowed r over every circular shift of one person against another, kept as the session
// runs.
//
// Both rings (signal/windows.h) hold the windows of the same `size` moments. S_k is the sum of
// r(a_i, b_j) over all slots with i - j = k (mod size), which is b shifted circularly by k moments
// against a; C_k counts the cells whose two windows are both usable, the others add 0. S_0 / C_0 is
// the observed mean windowed r. (Windows are shifted whole: none is cut at the seam. Before the
// session is as long as the span, the windows before its start are there as unusable ones.)
//
// The newest window takes the slot of the one that leaves, so a tick changes one row of a and one
// of b, and S changes by the products of the differences: exactly, since r is an integer, so that
// S is at any time what summing all cells anew would give.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_SUMS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <utility>
#include <vector>

#include "services/synchrony/chance/shift_counts.h"
#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/signal/windows.h"

namespace attune::synchrony {

class ShiftSums {
 public:
  // The sums lie in `memory`, which must outlive them.
  explicit ShiftSums(int size,
                     std::pmr::memory_resource* memory = std::pmr::get_default_resource());
  // As `other`, moved to `memory`.
  ShiftSums(ShiftSums&& other, std::pmr::memory_resource* memory);

  // After every step of the two rings, both of `size` slots; the first time from nothing.
  void Follow(const WindowRing& a, const WindowRing& b, const Kernels& kernels);

  // The same in parts, for whoever crosses many rows at once (chance/shift_rows.h). If
  // CanFollow(): AddRowOfA for each change of a with its products with all windows of b now,
  // AddRowOfB for each of b with all of a, then Finish. Else Recompute.
  bool CanFollow(const WindowRing& a, const WindowRing& b) const;
  void AddRowOfA(int slot, const int32_t* dots, const Kernels& kernels);
  void AddRowOfB(int slot, const int32_t* dots, const Kernels& kernels);
  void Finish(const WindowRing& a, const WindowRing& b);

  // From nothing, always (the reference).
  void Recompute(const WindowRing& a, const WindowRing& b, const Kernels& kernels);

  int size() const { return static_cast<int>(r_.size()); }
  // Every cell counts: C_k is size() for all k.
  bool complete() const { return complete_; }
  // 0 <= shift < size(): S_k times 2^28, C_k.
  int64_t r(int shift) const { return r_[static_cast<size_t>(shift)]; }
  int count(int shift) const { return complete_ ? size() : counts_.at(shift); }
  const int64_t* r() const { return r_.data(); }

  friend bool operator==(const ShiftSums& x, const ShiftSums& y) {
    return x.r_ == y.r_ && x.counts_ == y.counts_ && x.complete_ == y.complete_;
  }

  size_t MemoryBytes() const { return r_.capacity() * sizeof(int64_t) + counts_.MemoryBytes(); }

 private:
  bool begun_ = false;
  bool complete_ = false;
  std::pmr::vector<int64_t> r_;
  ShiftCounts counts_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_SUMS_H_
