#include "services/synchrony/chance/shift_counts.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

size_t Around(int k, int size) { return static_cast<size_t>(k < 0 ? k + size : k); }

void Add(const uint8_t* flags, int count, int by, int16_t* counts) {
  for (int i = 0; i < count; ++i) {
    counts[i] = static_cast<int16_t>(counts[i] + static_cast<int16_t>(by) * flags[i]);
  }
}
void AddReversed(const uint8_t* flags, int count, int by, int16_t* counts) {
  for (int i = 0; i < count; ++i) {
    counts[i] = static_cast<int16_t>(counts[i] + static_cast<int16_t>(by) * flags[count - 1 - i]);
  }
}

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
    // k = slot - j falls as j rises: down to 0, then from the other end of the circle.
    const int slot = change.slot;
    AddReversed(b.flags(), slot + 1, change.by, counts_.data());
    AddReversed(b.flags() + slot + 1, size - slot - 1, change.by, counts_.data() + slot + 1);
  }
  for (const Slots::Change& change : b.changes()) {
    const int slot = change.slot;
    Add(a.flags() + slot, size - slot, change.by, counts_.data());
    Add(a.flags(), slot, change.by, counts_.data() + size - slot);
    for (const Slots::Change& other : a.changes()) {
      counts_[Around(other.slot - change.slot, size)] -= static_cast<int16_t>(other.by * change.by);
    }
  }
}

}  // namespace attune::synchrony
