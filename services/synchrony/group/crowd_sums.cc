#include "services/synchrony/group/crowd_sums.h"

#include <algorithm>

#include "services/synchrony/chance/draws.h"
#include "services/synchrony/kernel/layout.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

CrowdSums::CrowdSums(const Params& params, const Kernels& kernels)
    : params_(params),
      kernels_(kernels),
      size_(SpanWindows(params)),
      columns_(static_cast<size_t>(params.group_draws) + 1) {}

void CrowdSums::Begin() {
  const size_t cells = columns_ * static_cast<size_t>(size_);
  sums_.assign(cells * kRowLength, 0);
  usable_.assign(cells, 0);
  squares_.assign(columns_, 0);
  pairs_.assign(columns_, 0);
}

void CrowdSums::Clear() {
  weighed_ = false;
  members_.clear();
  own_ = 0;
  for (auto* numbers : {&squares_, &pairs_}) *numbers = {};
  sums_ = {};
  usable_ = {};
}

void CrowdSums::Follow(const std::vector<Member>& members) {
  bool changed = !weighed_ || members_ != members;
  if (sums_.empty()) Begin();
  // Those who counted so far: to what their windows hold now.
  for (const Member& member : members_) {
    const Slots& slots = member.windows->slots();
    auto flag = slots.changes().begin();
    for (const WindowRing::Change& change : member.windows->changes()) {
      // Both in the order of the step; a window may change without becoming usable or ceasing to.
      int by = 0;
      if (flag != slots.changes().end() && flag->slot == change.slot) by = (flag++)->by;
      AddRow(member, change.slot, change.difference, by);
      changed = true;
    }
  }
  if (members_ != members) {
    const auto before = [](const Member& x, const Member& y) { return x.person < y.person; };
    for (const Member& member : members_) {
      if (!std::binary_search(members.begin(), members.end(), member, before)) AddAll(member, -1);
    }
    for (const Member& member : members) {
      if (!std::binary_search(members_.begin(), members_.end(), member, before)) AddAll(member, 1);
    }
    members_ = members;
  }
  if (!changed) return;
  own_ = 0;
  for (const Member& member : members_) own_ += member.windows->own();
  for (size_t column = 0; column < columns_; ++column) Weigh(column);
  weighed_ = true;
}

void CrowdSums::Forget(int person) {
  const auto it = std::find_if(members_.begin(), members_.end(),
                               [person](const Member& member) { return member.person == person; });
  if (it == members_.end()) return;
  AddAll(*it, -1);
  members_.erase(it);
  weighed_ = false;
}

void CrowdSums::AddAll(const Member& member, int sign) {
  const Slots& slots = member.windows->slots();
  int16_t row[kRowLength];
  for (int slot = 0; slot < size_; ++slot) {
    if (!slots.usable(slot)) continue;
    GetBlockRow(member.windows->blocks(), static_cast<size_t>(slot), row);
    if (sign < 0) {
      for (int16_t& value : row) value = static_cast<int16_t>(-value);
    }
    AddRow(member, slot, row, sign);
  }
}

void CrowdSums::AddRow(const Member& member, int slot, const int16_t* row, int usable) {
  for (size_t column = 0; column < columns_; ++column) {
    const int shift =
        column == 0 ? 0
                    : DrawShift(params_.group_seed, static_cast<int>(column), member.person, size_);
    const int shifted = slot + shift < size_ ? slot + shift : slot + shift - size_;
    const size_t cell = column * static_cast<size_t>(size_) + static_cast<size_t>(shifted);
    kernels_.add_rows(&row, 1, kRowLength, &sums_[cell * kRowLength]);
    usable_[cell] = static_cast<int16_t>(usable_[cell] + usable);
  }
}

void CrowdSums::Weigh(size_t column) {
  int64_t squares = 0, pairs = 0;
  for (size_t slot = 0; slot < static_cast<size_t>(size_); ++slot) {
    const size_t cell = column * static_cast<size_t>(size_) + slot;
    squares += kernels_.sum_of_squares(&sums_[cell * kRowLength], kRowLength);
    const int64_t usable = usable_[cell];
    pairs += usable * (usable - 1) / 2;
  }
  squares_[column] = squares;
  pairs_[column] = pairs;
}

CrowdSums::Sum CrowdSums::At(int draw) const {
  const auto column = static_cast<size_t>(draw + 1);
  return {(squares_[column] - own_) / 2, pairs_[column]};
}

size_t CrowdSums::MemoryBytes() const {
  return sums_.capacity() * sizeof(int32_t) + usable_.capacity() * sizeof(int16_t) +
         (squares_.capacity() + pairs_.capacity()) * sizeof(int64_t) +
         members_.capacity() * sizeof(Member);
}

}  // namespace attune::synchrony
