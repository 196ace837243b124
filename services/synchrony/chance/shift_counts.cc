#include "services/synchrony/chance/shift_counts.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

size_t Around(int k, int size) { return static_cast<size_t>(k < 0 ? k + size : k); }

}  // namespace

void ShiftCounts::Recompute(const Slots& a, const Slots& b) {
  const int size = a.size();
  std::fill(counts_.begin(), counts_.end(), int16_t{0});
  for (int i = 0; i < size; ++i) {
    if (!a.usable(i)) continue;
    for (int j = 0; j < size; ++j) counts_[Around(i - j, size)] += b.usable(j) ? 1 : 0;
  }
}

// (A' - A) * B' + A' * (B' - B) - (A' - A) * (B' - B) = A' * B' - A * B, where A' is the new.
void ShiftCounts::Follow(const Slots& a, const Slots& b) {
  const int size = a.size();
  for (const Slots::Change& change : a.changes()) {
    for (int j = 0; j < size; ++j) {
      if (b.usable(j)) counts_[Around(change.slot - j, size)] += static_cast<int16_t>(change.by);
    }
  }
  for (const Slots::Change& change : b.changes()) {
    for (int i = 0; i < size; ++i) {
      if (a.usable(i)) counts_[Around(i - change.slot, size)] += static_cast<int16_t>(change.by);
    }
    for (const Slots::Change& other : a.changes()) {
      counts_[Around(other.slot - change.slot, size)] -= static_cast<int16_t>(other.by * change.by);
    }
  }
}

}  // namespace attune::synchrony
