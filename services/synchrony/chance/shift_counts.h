// Over every circular shift of one person's seconds against another's: how many pairs of slots are
// both usable. C_k counts the pairs (i, j) of slots with i - j = k (mod size).
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_COUNTS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/signal/slots.h"

namespace attune::synchrony {

class ShiftCounts {
 public:
  explicit ShiftCounts(int size) : counts_(static_cast<size_t>(size)) {}

  // From nothing.
  void Recompute(const Slots& a, const Slots& b);
  // After one step of both. Costs nothing while nothing becomes usable or ceases
  // to be.
  void Follow(const Slots& a, const Slots& b);

  int at(int shift) const { return counts_[static_cast<size_t>(shift)]; }
  size_t MemoryBytes() const { return counts_.capacity() * sizeof(int16_t); }

  friend bool operator==(const ShiftCounts&, const ShiftCounts&) = default;

 private:
  std::vector<int16_t> counts_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_SHIFT_COUNTS_H_
