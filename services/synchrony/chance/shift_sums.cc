#include "services/synchrony/chance/shift_sums.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

// Slots of the largest circle, rounded up to whole blocks.
constexpr int kMostSlots = 512;
// Following more changes than this costs more than a fresh start.
constexpr size_t kFewChanges = 80;

}  // namespace

ShiftSums::ShiftSums(int size, std::pmr::memory_resource* memory)
    : r_(static_cast<size_t>(size), memory), counts_(size) {}

ShiftSums::ShiftSums(ShiftSums&& other, std::pmr::memory_resource* memory)
    : begun_(other.begun_),
      complete_(other.complete_),
      r_(std::move(other.r_), memory),
      counts_(std::move(other.counts_)) {}

bool ShiftSums::CanFollow(const WindowRing& a, const WindowRing& b) const {
  return begun_ && a.changes().size() + b.changes().size() <= kFewChanges;
}

void ShiftSums::Follow(const WindowRing& a, const WindowRing& b, const Kernels& kernels) {
  if (!CanFollow(a, b)) {
    Recompute(a, b, kernels);
    return;
  }
  alignas(64) int32_t dots[kMostSlots];
  for (const WindowRing::Change& change : a.changes()) {
    const int16_t* row = change.difference;
    kernels.cross_rows(&row, 1, b.blocks(), b.block_count(), dots);
    AddRowOfA(change.slot, dots, kernels);
  }
  for (const WindowRing::Change& change : b.changes()) {
    const int16_t* row = change.difference;
    kernels.cross_rows(&row, 1, a.blocks(), a.block_count(), dots);
    AddRowOfB(change.slot, dots, kernels);
  }
  Finish(a, b);
}

// With A, B before and A', B' after the step:
// A' B' - A B = (A' - A) B' + A' (B' - B) - (A' - A) (B' - B). The last of these.
void ShiftSums::Finish(const WindowRing& a, const WindowRing& b) {
  for (const WindowRing::Change& of_a : a.changes()) {
    for (const WindowRing::Change& of_b : b.changes()) {
      const int k = of_a.slot - of_b.slot;
      r_[static_cast<size_t>(k < 0 ? k + size() : k)] -=
          Dot(of_a.difference, of_b.difference, kRowLength);
    }
  }
  counts_.Follow(a.slots(), b.slots());
  complete_ = a.slots().complete() && b.slots().complete();
}

void ShiftSums::Recompute(const WindowRing& a, const WindowRing& b, const Kernels& kernels) {
  std::fill(r_.begin(), r_.end(), 0);
  alignas(64) int32_t dots[kMostSlots];
  int16_t row[kRowLength];
  const int16_t* rows = row;
  for (int slot = 0; slot < size(); ++slot) {
    if (!a.slots().usable(slot)) continue;
    GetBlockRow(a.blocks(), static_cast<size_t>(slot), row);
    kernels.cross_rows(&rows, 1, b.blocks(), b.block_count(), dots);
    AddRowOfA(slot, dots, kernels);
  }
  counts_.Recompute(a.slots(), b.slots());
  complete_ = a.slots().complete() && b.slots().complete();
  begun_ = true;
}

// k = slot - j falls as j rises: down to 0, then from the other end of the circle.
void ShiftSums::AddRowOfA(int slot, const int32_t* dots, const Kernels& kernels) {
  kernels.add_reversed(dots, slot + 1, 1, r_.data());
  kernels.add_reversed(dots + slot + 1, size() - slot - 1, 1, r_.data() + slot + 1);
}

// k = i - slot rises with i: from 0, after the part that lies before the slot.
void ShiftSums::AddRowOfB(int slot, const int32_t* dots, const Kernels& kernels) {
  kernels.add(dots + slot, size() - slot, 1, r_.data());
  kernels.add(dots, slot, 1, r_.data() + size() - slot);
}

}  // namespace attune::synchrony
