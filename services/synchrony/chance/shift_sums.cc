#include "services/synchrony/chance/shift_sums.h"

#include <algorithm>

#include "services/synchrony/kernel/dot.h"

namespace attune::synchrony {

ShiftSums::ShiftSums(int max_windows)
    : max_windows_(max_windows),
      r_(static_cast<size_t>(2 * max_windows - 1)),
      count_(static_cast<size_t>(2 * max_windows - 1)),
      scratch_(static_cast<size_t>(max_windows)) {}

void ShiftSums::MoveTo(const WindowTrack& a, const WindowTrack& b, int64_t begin, int64_t end) {
  // One step costs two crosses; a fresh start about half a cross per window.
  const bool same_past = revision_a_ == a.revision() && revision_b_ == b.revision();
  const bool rising = begin >= begin_ && end >= end_ && begin < end_;
  const bool at_hand = begin_ >= a.begin() && begin_ >= b.begin();
  if (!same_past || !rising || !at_hand || (end - end_) + (begin - begin_) > windows() / 2) {
    Recompute(a, b, begin, end);
    return;
  }
  for (; begin_ < begin; ++begin_) Cross(a, b, begin_, begin_ + 1, end_, -1);
  for (; end_ < end; ++end_) Cross(a, b, end_, begin_, end_, 1);
}

void ShiftSums::Recompute(const WindowTrack& a, const WindowTrack& b, int64_t begin, int64_t end) {
  std::fill(r_.begin(), r_.end(), 0);
  std::fill(count_.begin(), count_.end(), 0);
  revision_a_ = a.revision();
  revision_b_ = b.revision();
  begin_ = begin;
  for (end_ = begin; end_ < end; ++end_) Cross(a, b, end_, begin_, end_, 1);
}

void ShiftSums::Cross(const WindowTrack& a, const WindowTrack& b, int64_t at, int64_t begin,
                      int64_t end, int sign) {
  const int length = static_cast<int>(end - begin);
  const size_t zero = static_cast<size_t>(max_windows_ - 1);
  // Row: a's window `at` against b's; k = at - j falls as j rises.
  if (a.usable(at)) {
    if (length > 0) DotRows(a.row(at), b.row(begin), length, scratch_.data());
    for (int i = 0; i < length; ++i) {
      const size_t k = zero + static_cast<size_t>(at - begin - i);
      r_[k] += sign * scratch_[static_cast<size_t>(i)];
      count_[k] += b.usable(begin + i) ? sign : 0;
    }
    int32_t corner = 0;
    DotRows(a.row(at), b.row(at), 1, &corner);
    r_[zero] += sign * corner;
    count_[zero] += b.usable(at) ? sign : 0;
  }
  // Column: b's window `at` against a's; k = i - at.
  if (b.usable(at) && length > 0) {
    DotRows(b.row(at), a.row(begin), length, scratch_.data());
    for (int i = 0; i < length; ++i) {
      const size_t k = static_cast<size_t>(static_cast<int64_t>(zero) + begin + i - at);
      r_[k] += sign * scratch_[static_cast<size_t>(i)];
      count_[k] += a.usable(begin + i) ? sign : 0;
    }
  }
}

ShiftSums::Sum ShiftSums::At(int shift) const {
  const size_t k = static_cast<size_t>(max_windows_ - 1 + shift);
  Sum sum{r_[k], count_[k]};
  if (shift > 0) {
    const size_t wrapped = k - static_cast<size_t>(windows());
    sum.r += r_[wrapped];
    sum.count += count_[wrapped];
  }
  return sum;
}

}  // namespace attune::synchrony
