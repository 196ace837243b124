#include "edge/agent/beat_clock.h"

#include <algorithm>
#include <cmath>

namespace attune::edge {
namespace {

// Sums are converted, not intervals: no rounding adds up.
double Micros(int64_t sum_1024) { return static_cast<double>(sum_1024) * 15625 / 16; }

int64_t SumUs(int64_t sum_1024) { return std::llround(Micros(sum_1024)); }

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
  int64_t through_us = last_us_;
  // What is late is not lost: only silence longer than that is.
  if (!holding()) through_us = std::max(through_us, now_us - kLateUs);
  promised_us_ = std::max(promised_us_, through_us);
  return promised_us_;
}

void BeatClock::BeginEpoch(int64_t arrival_us) {
  in_epoch_ = true;
  settled_ = false;
  epoch_first_us_ = arrival_us;
  sum_1024_ = stamped_1024_ = 0;
  notifications_ = 0;
  off_us_ = 0;
  home_us_.reset();
  envelope_.Clear();
  late_.clear();
  watch_.Clear();
  settling_.clear();
  ++epochs_;
}

void BeatClock::Reanchor(int64_t arrival_us) {
  // What is missing went missing so long ago that the last notifications say all about T_0.
  envelope_.DropBefore(arrival_us - kSettleUs);
  t0_us_ = static_cast<double>(envelope_.smallest());
  epoch_first_us_ = arrival_us;
  off_us_ = 0;
  home_us_.reset();
  notifications_ = kReanchorNotifications;
  earliest_us_ = latest_us_ = envelope_.smallest();
  late_.clear();
  watch_.Clear();
  gap_ = true;
  ++epochs_;
}

void BeatClock::CloseBurst() {
  if (burst_.empty()) return;
  std::vector<Held> burst;
  burst.swap(burst_);
  const int64_t arrival_us = burst.front().arrival_us;
  int64_t burst_1024 = 0;
  for (const Held& held : burst) burst_1024 += held.rr_1024;
  if (in_epoch_) {
    const int64_t residual_us = arrival_us - SumUs(sum_1024_ + burst_1024);
    const int64_t earliest_us = settled_ ? std::llround(t0_us_) : envelope_.smallest();
    // There are more intervals than time has passed.
    const double moved_us = off_us_ - home_us_.value_or(0);
    const bool early = settled_ && moved_us < -static_cast<double>(kEnvelopeDownUs);
    if (residual_us - earliest_us > kLateUs || early) {
      losses_found_ += !early;
      LinkLost();
    } else if (settled_ && (watch_.Add(residual_us - earliest_us) ||
                            moved_us > static_cast<double>(kEnvelopeUpUs))) {
      ++losses_found_;
      Reanchor(arrival_us);
    }
  }
  if (!in_epoch_) BeginEpoch(arrival_us);
  ++notifications_;
  sum_1024_ += burst_1024;
  last_arrival_us_ = arrival_us;
  const int64_t residual_us = arrival_us - SumUs(sum_1024_);
  if (notifications_ == 1) earliest_us_ = latest_us_ = residual_us;
  earliest_us_ = std::min(earliest_us_, residual_us);
  latest_us_ = std::max(latest_us_, residual_us);
  envelope_.Add(arrival_us, residual_us);
  envelope_.DropBefore(arrival_us - kWindowUs);

  if (settled_) {
    Follow(arrival_us);
    NoteLate(arrival_us, residual_us - std::llround(t0_us_));
    for (const Held& held : burst) Stamp(held);
    return;
  }
  settling_.insert(settling_.end(), burst.begin(), burst.end());
  if (arrival_us - epoch_first_us_ >= kSettleUs || settling_.size() >= kMostHeld) StampSettling();
}

void BeatClock::StampSettling() {
  if (!in_epoch_ || settling_.empty()) return;
  settled_ = true;
  t0_us_ = static_cast<double>(envelope_.smallest());
  followed_us_ = last_arrival_us_;
  std::vector<Held> settling;
  settling.swap(settling_);
  // What the envelope shows only later is not known of the first of them either: the lateness of
  // all counts for each.
  int64_t sum_1024 = 0;
  for (const Held& held : settling) {
    sum_1024 += held.rr_1024;
    NoteLate(held.arrival_us, held.arrival_us - SumUs(sum_1024) - std::llround(t0_us_));
  }
  for (const Held& held : settling) Stamp(held);
}

void BeatClock::Follow(int64_t arrival_us) {
  off_us_ = static_cast<double>(envelope_.smallest()) - t0_us_;
  const double passed_us = static_cast<double>(arrival_us - followed_us_);
  followed_us_ = arrival_us;
  if (!home_us_) {
    // The envelope of a whole window is known: this far from T_0 is where it belongs.
    if (arrival_us - epoch_first_us_ >= kWindowUs) home_us_ = off_us_;
    return;
  }
  const double most_us = passed_us * kSlewPpm * 1e-6;
  t0_us_ += std::clamp((off_us_ - *home_us_) * passed_us / kFollowUs, -most_us, most_us);
}

void BeatClock::NoteLate(int64_t arrival_us, int64_t late_us) {
  while (!late_.empty() && late_.back().second <= late_us) late_.pop_back();
  late_.emplace_back(arrival_us, late_us);
  while (late_.front().first < arrival_us - kLateWindowUs) late_.pop_front();
}

uint32_t BeatClock::OffsetBoundUs() const {
  const int64_t unseen_us =
      std::min(kMostDelayUs, kSpreadUs / std::max<int64_t>(1, notifications_));
  const int64_t above_us = std::max<int64_t>(0, -std::llround(off_us_));
  const int64_t late_side_us = kStrapDelayUs + above_us + unseen_us;
  const int64_t early_side_us = late_.empty() ? 0 : late_.front().second;
  const int64_t bound_us = std::max(late_side_us, early_side_us) + clock_us_;
  return static_cast<uint32_t>((bound_us + kBoundStepUs - 1) / kBoundStepUs * kBoundStepUs);
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
  beat.offset_bound_us = OffsetBoundUs();
  gap_ = false;
  last_us_ = beat.time_session_us;
  out_.push_back(clocked);
}

}  // namespace attune::edge
