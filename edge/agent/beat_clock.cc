#include "edge/agent/beat_clock.h"

#include <algorithm>
#include <cmath>

namespace attune::edge {
namespace {

// Sums are converted, not intervals: no rounding adds up.
double Micros(int64_t sum_1024) { return static_cast<double>(sum_1024) * 15625 / 16; }

}  // namespace

void BeatClock::Add(uint32_t rr_1024, int64_t arrival_us, bool gap_before, uint64_t position) {
  if (!burst_.empty() && arrival_us - burst_.front().arrival_us > kBurstUs) CloseBurst();
  if (gap_before) LinkLost();
  burst_.push_back({rr_1024, false, position, arrival_us});
  if (burst_.size() >= kMostHeld) CloseBurst();
}

void BeatClock::LinkLost() {
  CloseBurst();
  if (!settled_) StampSettling();
  in_epoch_ = false;
  gap_ = last_us_ != INT64_MIN || epochs_ > 0;
}

void BeatClock::Finish() {
  CloseBurst();
  if (!settled_) StampSettling();
}

void BeatClock::Drain(int64_t now_us, std::vector<ClockedBeat>* beats) {
  if (!burst_.empty() && now_us - burst_.front().arrival_us > kBurstUs) CloseBurst();
  beats->insert(beats->end(), out_.begin(), out_.end());
  out_.clear();
}

int64_t BeatClock::CompleteThroughUs(int64_t now_us) const {
  const bool holding = !burst_.empty() || (in_epoch_ && !settled_);
  int64_t through_us = last_us_;
  // What is late is not lost: only silence longer than that is.
  if (!holding) through_us = std::max(through_us, now_us - kLateUs);
  promised_us_ = std::max(promised_us_, through_us);
  return promised_us_;
}

void BeatClock::BeginEpoch() {
  in_epoch_ = true;
  settled_ = false;
  short_epoch_ = false;
  sum_1024_ = stamped_1024_ = 0;
  off_us_ = 0;
  envelope_.clear();
  settling_.clear();
  ++epochs_;
}

int64_t BeatClock::Residual() const {
  return last_arrival_us_ - static_cast<int64_t>(Micros(sum_1024_));
}

void BeatClock::CloseBurst() {
  if (burst_.empty()) return;
  std::vector<Held> burst;
  burst.swap(burst_);
  const int64_t arrival_us = burst.front().arrival_us;
  int64_t burst_1024 = 0;
  for (const Held& held : burst) burst_1024 += held.rr_1024;
  if (in_epoch_ && static_cast<double>(arrival_us - last_arrival_us_) >
                       Micros(burst_1024) + static_cast<double>(kLostUs)) {
    LinkLost();  // time has passed that no interval tells of
  }
  if (!in_epoch_) {
    BeginEpoch();
    epoch_first_us_ = arrival_us;
  }
  last_arrival_us_ = arrival_us;
  sum_1024_ += burst_1024;
  const int64_t residual_us = Residual();
  while (!envelope_.empty() && envelope_.back().second >= residual_us) envelope_.pop_back();
  envelope_.emplace_back(arrival_us, residual_us);
  while (envelope_.front().first < arrival_us - kWindowUs) envelope_.pop_front();

  if (!settled_) {
    settling_.insert(settling_.end(), burst.begin(), burst.end());
    if (arrival_us - epoch_first_us_ >= kSettleUs || settling_.size() >= kMostHeld) {
      StampSettling();
    }
    return;
  }
  Follow(arrival_us);
  const bool early = off_us_ < -static_cast<double>(kEnvelopeOffUs);
  const bool late =
      off_us_ > static_cast<double>(kEnvelopeOffUs) && arrival_us - epoch_first_us_ > kWindowUs;
  if (early || late) {
    // Intervals are missing, or there are too many: what was learnt does not hold any more.
    in_epoch_ = false;
    gap_ = true;
    BeginEpoch();
    epoch_first_us_ = arrival_us;
    sum_1024_ = burst_1024;
    envelope_.emplace_back(arrival_us, Residual());
    settling_ = std::move(burst);
    return;
  }
  for (const Held& held : burst) Stamp(held);
}

void BeatClock::StampSettling() {
  if (!in_epoch_ || settling_.empty()) return;
  settled_ = true;
  short_epoch_ = last_arrival_us_ - epoch_first_us_ < kSettleUs;
  t0_us_ = static_cast<double>(envelope_.front().second);
  followed_us_ = last_arrival_us_;
  std::vector<Held> settling;
  settling.swap(settling_);
  for (const Held& held : settling) Stamp(held);
}

void BeatClock::Follow(int64_t arrival_us) {
  off_us_ = static_cast<double>(envelope_.front().second) - t0_us_;
  const double most_us = static_cast<double>(arrival_us - followed_us_) * kSlewPpm * 1e-6;
  followed_us_ = arrival_us;
  t0_us_ += std::clamp(off_us_, -most_us, most_us);
  if (arrival_us - epoch_first_us_ >= kSettleUs) short_epoch_ = false;
}

void BeatClock::Stamp(const Held& held) {
  stamped_1024_ += held.rr_1024;
  ClockedBeat clocked;
  clocked.position = held.position;
  StampedBeat& beat = clocked.beat;
  beat.time_session_us = std::llround(t0_us_ + Micros(stamped_1024_));
  if (beat.time_session_us < 0 || beat.time_session_us <= std::max(last_us_, promised_us_)) {
    ++refused_;
    gap_ = true;
    return;
  }
  beat.rr_1024 = held.rr_1024;
  beat.gap_before = gap_;
  beat.jitter_us = kJitterUs;
  const uint32_t bound_us = kStrapDelayUs + clock_us_ + static_cast<uint32_t>(std::abs(off_us_)) +
                            (short_epoch_ ? kUnsettledUs : 0);
  beat.offset_bound_us = (bound_us + kBoundStepUs - 1) / kBoundStepUs * kBoundStepUs;
  gap_ = false;
  last_us_ = beat.time_session_us;
  out_.push_back(clocked);
}

}  // namespace attune::edge
