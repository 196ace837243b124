#include "edge/source/polar/ecg_clock.h"

#include <algorithm>
#include <cmath>

namespace attune::edge {
namespace {

constexpr double kNominalPeriodUs = 1e6 / 130;
// Straps run at 128..131 Hz by their own clock.
double ToleranceSamples(size_t samples) { return 2 + 0.02 * static_cast<double>(samples); }

}  // namespace

void EcgClock::LinkLost() { in_epoch_ = false; }

EcgClock::Step EcgClock::Add(uint64_t last_sample_ns, size_t samples, int64_t arrival_us) {
  if (!in_epoch_) {
    Begin(last_sample_ns, samples, arrival_us);
    return Step::kAnew;
  }
  const double step_us = static_cast<double>(static_cast<int64_t>(last_sample_ns - last_ns_)) / 1e3;
  const double excess = step_us / period_us_ - static_cast<double>(samples);
  const double tolerance = ToleranceSamples(samples);
  if (excess < -tolerance) {
    if (++stale_ <= kMostStale) return Step::kStale;
    Begin(last_sample_ns, samples, arrival_us);
    return Step::kAnew;
  }
  stale_ = 0;
  if (step_us - static_cast<double>(arrival_us - last_arrival_us_) > kJumpUs) {
    Begin(last_sample_ns, samples, arrival_us);
    return Step::kAnew;
  }
  const bool follows = excess <= tolerance;
  const double period_us = follows ? step_us / static_cast<double>(samples) : period_us_;
  if (follows) period_us_ += (period_us - period_us_) / 8;
  last_ns_ = last_sample_ns;
  Take(static_cast<double>(last_sample_ns - zero_ns_) / 1e3, samples, period_us, arrival_us);
  if (settled_ && !Follow(arrival_us)) {
    count_ -= static_cast<int64_t>(samples);
    Begin(last_sample_ns, samples, arrival_us);
    return Step::kAnew;
  }
  if (!settled_ && arrival_us - first_arrival_us_ >= kSettleUs) {
    SettleNow();
    short_epoch_ = false;
  }
  return follows ? Step::kFollows : Step::kLoss;
}

void EcgClock::Begin(uint64_t last_sample_ns, size_t samples, int64_t arrival_us) {
  in_epoch_ = true;
  settled_ = false;
  short_epoch_ = false;
  stale_ = 0;
  off_us_ = 0;
  envelope_.Clear();
  frames_.clear();
  zero_ns_ = last_ns_ = last_sample_ns;
  period_us_ = kNominalPeriodUs;
  first_arrival_us_ = arrival_us;
  Take(0, samples, period_us_, arrival_us);
}

void EcgClock::Take(double last_us, size_t samples, double period_us, int64_t arrival_us) {
  last_arrival_us_ = arrival_us;
  count_ += static_cast<int64_t>(samples);
  frames_.push_back({count_ - 1, last_us, period_us});
  if (frames_.size() > kMostFrames) frames_.pop_front();
  const double residual_us = static_cast<double>(arrival_us) - last_us;
  envelope_.Add(arrival_us, residual_us);
  envelope_.DropBefore(arrival_us - kWindowUs);
}

void EcgClock::SettleNow() {
  if (settled_ || envelope_.empty()) return;
  settled_ = true;
  short_epoch_ = true;
  c_us_ = envelope_.smallest();
  followed_us_ = last_arrival_us_;
}

// False: C does not hold any more.
bool EcgClock::Follow(int64_t arrival_us) {
  off_us_ = envelope_.smallest() - c_us_;
  if (off_us_ < -static_cast<double>(kEarlyUs)) return false;
  if (off_us_ > static_cast<double>(kFarOffUs) && arrival_us - first_arrival_us_ > kWindowUs) {
    return false;
  }
  const double most_us = static_cast<double>(arrival_us - followed_us_) * kSlewPpm * 1e-6;
  followed_us_ = arrival_us;
  c_us_ += std::clamp(off_us_, -most_us, most_us);
  return true;
}

double EcgClock::SteadyMicros(double sample) const {
  auto frame = std::lower_bound(
      frames_.begin(), frames_.end(), sample,
      [](const Frame& one, double number) { return static_cast<double>(one.last) < number; });
  if (frame == frames_.end()) --frame;
  return c_us_ + frame->last_us - (static_cast<double>(frame->last) - sample) * frame->period_us;
}

}  // namespace attune::edge
