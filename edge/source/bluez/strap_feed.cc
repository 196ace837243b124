#include "edge/source/bluez/strap_feed.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::edge {

void StrapFeed::AddInterval(uint32_t rr_1024, int64_t arrival_us, bool gap_before) {
  MutexLock lock(mu_);
  arrival_us = std::max(arrival_us, last_us_);
  if (promised_us_ != INT64_MIN) arrival_us = std::max(arrival_us, promised_us_ + 1);
  last_us_ = arrival_us;
  queue_.push_back({rr_1024, arrival_us, gap_before, 0});
  if (queue_.size() <= kMostQueuedBeats) return;
  queue_.pop_front();
  queue_.front().gap_before = true;
  ++refused_;
  if (!std::exchange(overflowed_, true) && warnings_.size() < kMostStrapWarnings) {
    warnings_.push_back(
        absl::StrCat("nobody took the intervals: only the last ", kMostQueuedBeats, " are kept"));
  }
}

void StrapFeed::AddRefused(uint64_t count, const std::string& words) {
  MutexLock lock(mu_);
  refused_ += count;
  if (!words.empty() && warnings_.size() < kMostStrapWarnings) warnings_.push_back(words);
}

void StrapFeed::Change(const std::function<void(DeviceStatus&)>& change) {
  MutexLock lock(mu_);
  change(device_);
}

int64_t StrapFeed::Take(int64_t now_us, std::vector<SourceBeat>* beats) {
  MutexLock lock(mu_);
  overflowed_ = false;
  size_t taken = 0;
  while (!queue_.empty() && queue_.front().time_us <= now_us) {
    if (taken++ == kMostPerPoll) return queue_.front().time_us - 1;
    beats->push_back(queue_.front());
    queue_.pop_front();
  }
  promised_us_ = std::max(promised_us_, now_us);
  return now_us;
}

DeviceStatus StrapFeed::device() const {
  MutexLock lock(mu_);
  return device_;
}

std::vector<std::string> StrapFeed::TakeWarnings() {
  MutexLock lock(mu_);
  return std::exchange(warnings_, {});
}

uint64_t StrapFeed::refused() const {
  MutexLock lock(mu_);
  return refused_;
}

}  // namespace attune::edge
