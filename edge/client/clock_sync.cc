#include "edge/client/clock_sync.h"

#include <algorithm>
#include <cmath>

namespace attune::edge {
namespace {

constexpr double kMaxDrift = ClockSync::kMaxDriftPpm * 1e-6;
constexpr double kWander = ClockSync::kWanderPpm * 1e-6;
// A drift is estimated only when bursts span so long.
constexpr double kDriftSpanUs = 60e6;
constexpr int64_t kBurstIntervalFirstUs = 2'000'000;
constexpr int64_t kBurstIntervalUs = 10'000'000;
constexpr int kFastBursts = 10;
// The newest bursts are never thinned out.
constexpr size_t kNewest = 16;
// Stamps are whole microseconds: no error is smaller.
constexpr double kFloorUs = 50;
// A jump that the bounds do not explain, beyond this, is a step of the session's clock.
constexpr double kStepUs = 20'000;

}  // namespace

double ClockSync::Scaled(int64_t steady_us) const {
  return static_cast<double>(steady_us - base_us_) * rate_;
}

double ClockSync::HalfUs(double rtt_us) const {
  return rtt_us / 2 + kFloorUs * std::max(1.0, rate_) + rtt_us * kMaxDrift;
}

void ClockSync::Restart(const Sample& sample) {
  bursts_.assign(1, sample);
  Fit();
}

void ClockSync::Anchor(uint64_t epoch, double rate, int64_t now_session_us, int64_t sent_us,
                       int64_t received_us) {
  if (!(rate > 0) || !std::isfinite(rate)) rate = 1;
  const int64_t middle_us = sent_us + (received_us - sent_us) / 2;
  // What the fit so far says, before it is forgotten.
  const bool known = valid() && rate == rate_;
  const double off_us =
      known ? std::abs(static_cast<double>(now_session_us - SessionAt(middle_us))) : 0;
  const double uncertain_us = known ? static_cast<double>(UncertaintyUs(middle_us)) : 0;
  const bool same_line = known && epoch == epoch_;
  if (!same_line) {
    rate_ = rate;
    base_us_ = middle_us;
  }
  const double at_us = Scaled(middle_us);
  const double rtt_us = static_cast<double>(received_us - sent_us) * rate_;
  const Sample sample{at_us, static_cast<double>(now_session_us) - at_us, HalfUs(rtt_us)};
  const bool stepped = known ? off_us > sample.half_us + uncertain_us : valid();
  if (stepped) ++steps_;
  epoch_ = epoch;
  best_.reset();
  sent_in_burst_ = replied_in_burst_ = 0;
  next_probe_us_ = received_us;
  if (same_line && !stepped) {
    Take(sample);
    return;
  }
  bursts_done_ = 0;
  Restart(sample);
}

void ClockSync::StreamLost() {
  best_.reset();
  sent_in_burst_ = replied_in_burst_ = 0;
}

void ClockSync::Slept(int64_t now_us) {
  if (!valid()) return;
  for (Sample& sample : bursts_) sample.half_us += static_cast<double>(kSleepUs) * rate_;
  FindSlopes();
  ++steps_;
  StreamLost();
  bursts_done_ = 0;
  next_probe_us_ = now_us;
}

int64_t ClockSync::SessionAt(int64_t steady_us) const {
  const double at_us = Scaled(steady_us);
  return std::llround(at_us + OffsetAt(at_us));
}

int64_t ClockSync::SteadyAt(int64_t session_us) const {
  // SessionAt inverted: s = e (1 + d) + offset - d e_pivot.
  const double at_us =
      (static_cast<double>(session_us) - offset_us_ + drift_ * pivot_us_) / (1 + drift_);
  return base_us_ + static_cast<int64_t>(std::ceil(at_us / rate_));
}

void ClockSync::Open(double at_us, double* low_us, double* high_us) const {
  *low_us = -INFINITY;
  *high_us = INFINITY;
  for (const Sample& s : bursts_) {
    const double past_us = at_us - s.at_us;
    const double wander_us = kWander * std::abs(past_us);
    const double one = past_us * least_drift_, other = past_us * most_drift_;
    *low_us = std::max(*low_us, s.offset_us - s.half_us + std::min(one, other) - wander_us);
    *high_us = std::min(*high_us, s.offset_us + s.half_us + std::max(one, other) + wander_us);
  }
}

int64_t ClockSync::UncertaintyUs(int64_t steady_us) const {
  const double at_us = Scaled(steady_us);
  double low_us = 0, high_us = 0;
  Open(at_us, &low_us, &high_us);
  const double offset_us = OffsetAt(at_us);
  return static_cast<int64_t>(std::ceil(std::max(high_us - offset_us, offset_us - low_us))) + 1;
}

std::optional<int64_t> ClockSync::NextProbeUs() const {
  if (!valid()) return std::nullopt;
  return next_probe_us_;
}

uint64_t ClockSync::ProbeSent(int64_t steady_us) {
  if (sent_in_burst_ >= kProbesPerBurst) {  // the last burst was never completed
    FinishBurst();
  }
  if (sent_in_burst_ == 0) burst_first_id_ = next_id_;
  last_sent_us_ = steady_us;
  probes_[static_cast<size_t>(sent_in_burst_++)] = {steady_us, false};
  next_probe_us_ = steady_us + (sent_in_burst_ < kProbesPerBurst ? kProbeSpacingUs : kProbeLostUs);
  return next_id_++;
}

void ClockSync::ProbeReplied(uint64_t id, int64_t t0_us, int64_t t1_session_us,
                             int64_t t2_session_us, int64_t t3_us) {
  if (!valid() || sent_in_burst_ == 0 || id < burst_first_id_ || id >= next_id_) return;
  Probe& probe = probes_[id - burst_first_id_];
  if (probe.replied || t0_us != probe.t0_us || t3_us < t0_us || t2_session_us < t1_session_us) {
    return;
  }
  probe.replied = true;
  ++replied_in_burst_;
  const double e0 = Scaled(t0_us), e3 = Scaled(t3_us);
  const double rtt_us =
      std::max(0.0, (e3 - e0) - static_cast<double>(t2_session_us - t1_session_us));
  const double half_us = HalfUs(rtt_us);
  if (!best_ || half_us < best_->half_us) {
    const double offset_us =
        ((static_cast<double>(t1_session_us) - e0) + (static_cast<double>(t2_session_us) - e3)) / 2;
    best_ = Sample{(e0 + e3) / 2, offset_us, half_us};
  }
  if (replied_in_burst_ == kProbesPerBurst) FinishBurst();
}

void ClockSync::FinishBurst() {
  if (best_) {
    ++bursts_done_;
    Take(*best_);
  }
  best_.reset();
  sent_in_burst_ = replied_in_burst_ = 0;
  next_probe_us_ =
      last_sent_us_ + (bursts_done_ < kFastBursts ? kBurstIntervalFirstUs : kBurstIntervalUs);
}

void ClockSync::Take(const Sample& sample) {
  double low_us = 0, high_us = 0;
  Open(sample.at_us, &low_us, &high_us);
  const double outside_us = std::max(low_us - (sample.offset_us + sample.half_us),
                                     (sample.offset_us - sample.half_us) - high_us);
  if (outside_us > kStepUs * rate_) {
    // A step of the session's clock (it stood still while nobody owned it): the past does not
    // count.
    ++steps_;
    Restart(sample);
    return;
  }
  bursts_.push_back(sample);
  Thin();
  Fit();
}

void ClockSync::Thin() {
  if (bursts_.size() <= kBurstsKept) return;
  // The denser in comparison with its age, the less it tells; the oldest gives the span.
  const double now_us = bursts_.back().at_us;
  size_t least = 1;
  double least_told = INFINITY;
  for (size_t i = 1; i + kNewest < bursts_.size(); ++i) {
    const double told = (bursts_[i + 1].at_us - bursts_[i - 1].at_us) / (now_us - bursts_[i].at_us);
    if (told < least_told) {
      least_told = told;
      least = i;
    }
  }
  bursts_.erase(bursts_.begin() + static_cast<std::ptrdiff_t>(least));
}

bool ClockSync::FindSlopes() {
  least_drift_ = -kMaxDrift;
  most_drift_ = kMaxDrift;
  for (size_t j = 1; j < bursts_.size(); ++j) {
    for (size_t i = 0; i < j; ++i) {
      const double span_us = bursts_[j].at_us - bursts_[i].at_us;
      if (span_us <= 0) continue;
      const double rise = (bursts_[j].offset_us - bursts_[i].offset_us) / span_us;
      const double open = (bursts_[j].half_us + bursts_[i].half_us) / span_us + kWander;
      least_drift_ = std::max(least_drift_, rise - open);
      most_drift_ = std::min(most_drift_, rise + open);
    }
  }
  return least_drift_ <= most_drift_;
}

void ClockSync::Fit() {
  // Older ones that no straight line can join with the newer do not hold any more.
  while (!FindSlopes() && bursts_.size() > 1) bursts_.erase(bursts_.begin());
  double sw = 0, sx = 0, sy = 0;
  for (const Sample& s : bursts_) {
    const double w = 1 / (s.half_us * s.half_us);
    sw += w;
    sx += w * s.at_us;
    sy += w * s.offset_us;
  }
  const double mx = sx / sw, my = sy / sw;
  double sxx = 0, sxy = 0;
  for (const Sample& s : bursts_) {
    const double w = 1 / (s.half_us * s.half_us);
    sxx += w * (s.at_us - mx) * (s.at_us - mx);
    sxy += w * (s.at_us - mx) * (s.offset_us - my);
  }
  const Sample& last = bursts_.back();
  const bool drift_known = last.at_us - bursts_.front().at_us >= kDriftSpanUs && sxx > 0;
  drift_ = std::clamp(drift_known ? sxy / sxx : 0.0, least_drift_, most_drift_);
  offset_us_ = my;
  pivot_us_ = mx;
  // Never outside what the bursts allow now.
  double low_us = 0, high_us = 0;
  Open(last.at_us, &low_us, &high_us);
  offset_us_ = std::clamp(OffsetAt(last.at_us), std::min(low_us, high_us), high_us);
  pivot_us_ = last.at_us;
}

}  // namespace attune::edge
