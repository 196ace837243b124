#include "services/synchrony/chance/shift_rows.h"

#include <algorithm>

#include "services/synchrony/kernel/prefetch.h"

namespace attune::synchrony {
namespace {

// Rows crossed at once; their results stay in the fastest cache.
constexpr int kRows = 8;
constexpr size_t kMostSlots = 512;

}  // namespace

void ShiftRows::Clear() {
  pairs_.clear();
  people_.clear();
}

ShiftRows::Person& ShiftRows::Of(const WindowRing* windows) {
  const auto it = std::find_if(people_.begin(), people_.end(), [windows](const Person& person) {
    return person.windows == windows;
  });
  if (it != people_.end()) return *it;
  people_.push_back({windows, std::pmr::vector<Partner>(people_.get_allocator().resource())});
  return people_.back();
}

void ShiftRows::Reserve(size_t pairs, size_t people) {
  pairs_.reserve(pairs);
  people_.reserve(people);
}

void ShiftRows::Add(const WindowRing* a, const WindowRing* b, ShiftSums* sums) {
  const auto pair = static_cast<uint32_t>(pairs_.size());
  Of(b).partners.push_back({pair, true});
  Of(a).partners.push_back({pair, false});
  pairs_.push_back({a, b, sums});
}

void ShiftRows::Follow(const Kernels& kernels) {
  // Between two moments nothing changes.
  const bool still = std::all_of(people_.begin(), people_.end(), [](const Person& person) {
    return person.windows->changes().empty();
  });
  for (Pair& pair : pairs_) {
    pair.follows = pair.sums->CanFollow(*pair.a, *pair.b);
    if (!pair.follows) pair.sums->Recompute(*pair.a, *pair.b, kernels);
  }
  if (still) return;
  for (size_t i = 0; i < people_.size(); ++i) {
    if (i + 1 < people_.size()) {
      const WindowRing& next = *people_[i + 1].windows;
      Prefetch(next.blocks(), next.BlockBytes());
    }
    Cross(people_[i], kernels);
  }
  for (const Pair& pair : pairs_) {
    if (pair.follows) pair.sums->Finish(*pair.a, *pair.b);
  }
}

void ShiftRows::Cross(const Person& person, const Kernels& kernels) {
  alignas(64) int32_t dots[kRows * kMostSlots];
  const int16_t* rows[kRows];
  struct Target {
    const Partner* partner;
    int slot;
  } targets[kRows];
  const auto stride = static_cast<size_t>(person.windows->block_count()) * kBlockWindows;
  int count = 0;
  const auto flush = [&] {
    kernels.cross_rows(rows, count, person.windows->blocks(), person.windows->block_count(), dots);
    for (int i = 0; i < count; ++i) {
      const Target& target = targets[i];
      ShiftSums& sums = *pairs_[target.partner->pair].sums;
      const int32_t* of_row = dots + static_cast<size_t>(i) * stride;
      if (target.partner->is_a) {
        sums.AddRowOfA(target.slot, of_row, kernels);
      } else {
        sums.AddRowOfB(target.slot, of_row, kernels);
      }
    }
    count = 0;
  };
  for (const Partner& partner : person.partners) {
    const Pair& pair = pairs_[partner.pair];
    if (!pair.follows) continue;
    for (const WindowRing::Change& change : (partner.is_a ? pair.a : pair.b)->changes()) {
      rows[count] = change.difference;
      targets[count] = {&partner, change.slot};
      const ShiftSums& sums = *pair.sums;
      Prefetch(sums.r(), static_cast<size_t>(sums.size()) * sizeof(int64_t));
      if (++count == kRows) flush();
    }
  }
  if (count > 0) flush();
}

}  // namespace attune::synchrony
