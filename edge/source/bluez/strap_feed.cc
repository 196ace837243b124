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
  Push({rr_1024, arrival_us, gap_before, 0}, {});
}

void StrapFeed::Push(const SourceBeat& beat, const StrapTiming& timing) {
  queue_.push_back({beat, timing});
  queue_.back().beat.gap_before |= std::exchange(turned_, false);
  if (queue_.size() <= kMostQueuedBeats) return;
  queue_.pop_front();
  queue_.front().beat.gap_before = true;
  ++refused_;
  if (!std::exchange(overflowed_, true) && warnings_.size() < kMostStrapWarnings) {
    warnings_.push_back(
        absl::StrCat("nobody took the intervals: only the last ", kMostQueuedBeats, " are kept"));
  }
}

void StrapFeed::PushEcg() {
  std::vector<SourceBeat> beats;
  ecg_.Drain(&beats);
  for (const SourceBeat& beat : beats) {
    Push(beat, {Stamping::kGivenSteady, ecg_.jitter_us(), ecg_.offset_bound_us()});
  }
}

void StrapFeed::UseEcg(bool ecg) {
  MutexLock lock(mu_);
  if (ecg == use_ecg_) return;
  if (!ecg) {
    ecg_.LinkLost();
    PushEcg();
  }
  use_ecg_ = ecg;
  turned_ = true;
}

void StrapFeed::AddFrame(const EcgFrame& frame, int64_t arrival_us) {
  MutexLock lock(mu_);
  ecg_.Add(frame, arrival_us);
  PushEcg();
}

void StrapFeed::LinkLost() {
  MutexLock lock(mu_);
  ecg_.LinkLost();
  PushEcg();
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

int64_t StrapFeed::Take(int64_t now_us, std::vector<SourceBeat>* beats, StrapTiming* timing) {
  MutexLock lock(mu_);
  overflowed_ = false;
  StrapTiming taken;
  taken.stamping = use_ecg_ ? Stamping::kGivenSteady : Stamping::kArrivalSteady;
  if (!queue_.empty()) taken.stamping = queue_.front().timing.stamping;
  const bool given = taken.stamping == Stamping::kGivenSteady;
  int64_t through_us = given ? ecg_.CompleteThroughUs(now_us) : now_us;
  for (size_t count = 0; !queue_.empty(); ++count) {
    const Queued& next = queue_.front();
    if (next.timing.stamping != taken.stamping) {
      // Its time is not known yet: it is before its arrival.
      if (given) through_us = std::min(through_us, next.beat.time_us - EcgBeats::kSilenceUs);
      break;
    }
    if (count == kMostPerPoll) {
      through_us = std::min(through_us, next.beat.time_us - 1);
      break;
    }
    if (next.beat.time_us > now_us) break;
    taken.jitter_us = std::max(taken.jitter_us, next.timing.jitter_us);
    taken.offset_bound_us = std::max(taken.offset_bound_us, next.timing.offset_bound_us);
    beats->push_back(next.beat);
    queue_.pop_front();
  }
  if (!given) promised_us_ = std::max(promised_us_, through_us);
  if (timing != nullptr) *timing = taken;
  return through_us;
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
  return refused_ + ecg_.refused();
}

}  // namespace attune::edge
