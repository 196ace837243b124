#include "services/synchrony/signal/slots.h"

#include <algorithm>

namespace attune::synchrony {

int64_t Slots::Begin(int64_t last) {
  changes_.clear();
  const int64_t oldest = std::max<int64_t>(0, last - size() + 1);
  const int64_t first = std::max(known_ + 1, oldest);
  if (first <= last_ || last > last_ + 1) ++revision_;
  known_ = last_ = last;
  return first;
}

void Slots::Set(int slot, bool usable) {
  uint8_t& flag = usable_[static_cast<size_t>(slot)];
  const int by = static_cast<int>(usable) - static_cast<int>(flag);
  if (by == 0) return;
  flag = usable ? 1 : 0;
  usable_count_ += by;
  changes_.push_back({slot, by});
}

}  // namespace attune::synchrony
