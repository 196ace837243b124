#include "services/synchrony/chance/phase_sums.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

constexpr int kMostSlots = 512;
// Following more changes than this costs more than a fresh start.
constexpr size_t kFewChanges = 80;

void Add(const int32_t* values, int count, int32_t* sums) {
  for (int i = 0; i < count; ++i) sums[i] += values[i];
}
void Subtract(const int32_t* values, int count, int32_t* sums) {
  for (int i = 0; i < count; ++i) sums[i] -= values[i];
}
void AddReversed(const int32_t* values, int count, int32_t* sums) {
  for (int i = 0; i < count; ++i) sums[i] += values[count - 1 - i];
}

}  // namespace

PhaseSums::PhaseSums(int size, std::pmr::memory_resource* memory)
    : re_(static_cast<size_t>(size), memory),
      im_(static_cast<size_t>(size), memory),
      counts_(size) {}

PhaseSums::PhaseSums(PhaseSums&& other, std::pmr::memory_resource* memory)
    : begun_(other.begun_),
      complete_(other.complete_),
      re_(std::move(other.re_), memory),
      im_(std::move(other.im_), memory),
      counts_(std::move(other.counts_)) {}

void PhaseSums::Follow(const PhaseRing& a, const PhaseRing& b, const Kernels& kernels) {
  if (!begun_ || a.changes().size() + b.changes().size() > kFewChanges) {
    Recompute(a, b, kernels);
    return;
  }
  alignas(64) int32_t re[kMostSlots], im[kMostSlots];
  for (const PhaseRing::Change& change : a.changes()) {
    kernels.cross_units(change.difference, b.units(), size(), re, im);
    AddRowOfA(change.slot, re, im);
  }
  for (const PhaseRing::Change& change : b.changes()) {
    kernels.cross_units(change.difference, a.units(), size(), re, im);
    AddRowOfB(change.slot, re, im);
    for (const PhaseRing::Change& other : a.changes()) {
      const int k = other.slot - change.slot;
      const size_t at = static_cast<size_t>(k < 0 ? k + size() : k);
      kernels.cross_units(other.difference, &change.difference, 1, re, im);
      re_[at] -= re[0];
      im_[at] -= im[0];
    }
  }
  counts_.Follow(a.slots(), b.slots());
  complete_ = a.slots().complete() && b.slots().complete();
}

void PhaseSums::Recompute(const PhaseRing& a, const PhaseRing& b, const Kernels& kernels) {
  std::fill(re_.begin(), re_.end(), 0);
  std::fill(im_.begin(), im_.end(), 0);
  alignas(64) int32_t re[kMostSlots], im[kMostSlots];
  for (int slot = 0; slot < size(); ++slot) {
    if (!a.slots().usable(slot)) continue;
    kernels.cross_units(a.units()[slot], b.units(), size(), re, im);
    AddRowOfA(slot, re, im);
  }
  counts_.Recompute(a.slots(), b.slots());
  complete_ = a.slots().complete() && b.slots().complete();
  begun_ = true;
}

// k = slot - j falls as j rises.
void PhaseSums::AddRowOfA(int slot, const int32_t* re, const int32_t* im) {
  AddReversed(re, slot + 1, re_.data());
  AddReversed(re + slot + 1, size() - slot - 1, re_.data() + slot + 1);
  AddReversed(im, slot + 1, im_.data());
  AddReversed(im + slot + 1, size() - slot - 1, im_.data() + slot + 1);
}

// The row is (b's change) conj(a): the conjugate of what is to be added at k = i - slot.
void PhaseSums::AddRowOfB(int slot, const int32_t* re, const int32_t* im) {
  Add(re + slot, size() - slot, re_.data());
  Add(re, slot, re_.data() + size() - slot);
  Subtract(im + slot, size() - slot, im_.data());
  Subtract(im, slot, im_.data() + size() - slot);
}

}  // namespace attune::synchrony
