#include "edge/client/clock_sync.h"

#include <algorithm>
#include <cmath>

namespace attune::edge {
namespace {

// Quartz of a computer against another: what the error may grow by without a measured drift.
constexpr double kUnmeasuredDrift = 50e-6;
// A drift is believed only when bursts span so long.
constexpr double kDriftSpanUs = 60e6;
constexpr int64_t kBurstIntervalFirstUs = 2'000'000;
constexpr int64_t kBurstIntervalUs = 10'000'000;
constexpr int kFastBursts = 10;
// Stamps are whole microseconds and the operating system wakes late: no error is smaller.
constexpr double kFloorUs = 50;

}  // namespace

double ClockSync::Scaled(int64_t steady_us) const {
  return static_cast<double>(steady_us - base_us_) * rate_;
}

void ClockSync::Anchor(uint64_t epoch, double rate, int64_t now_session_us, int64_t sent_us,
                       int64_t received_us) {
  if (!(rate > 0) || !std::isfinite(rate)) rate = 1;
  const int64_t middle_us = sent_us + (received_us - sent_us) / 2;
  const double half_us = static_cast<double>(received_us - sent_us) / 2 * rate + kFloorUs;
  bool keep = valid_ && epoch == epoch_ && rate == rate_;
  if (keep) {
    const double off_us = std::abs(static_cast<double>(now_session_us - SessionAt(middle_us)));
    keep = off_us <= half_us + static_cast<double>(UncertaintyUs(middle_us));
  }
  epoch_ = epoch;
  best_.reset();
  sent_in_burst_ = replied_in_burst_ = 0;
  next_probe_us_ = received_us;
  if (keep) return;
  rate_ = rate;
  base_us_ = pivot_us_ = fitted_us_ = middle_us;
  offset_us_ = static_cast<double>(now_session_us);
  drift_ = 0;
  drift_error_ = kUnmeasuredDrift;
  error_us_ = half_us;
  bursts_.clear();
  bursts_done_ = 0;
  valid_ = true;
}

void ClockSync::StreamLost() {
  best_.reset();
  sent_in_burst_ = replied_in_burst_ = 0;
}

int64_t ClockSync::SessionAt(int64_t steady_us) const {
  const double e = Scaled(steady_us);
  return std::llround(e + offset_us_ + drift_ * (e - Scaled(pivot_us_)));
}

int64_t ClockSync::SteadyAt(int64_t session_us) const {
  // SessionAt inverted: s = e (1 + d) + offset - d e_pivot.
  const double e =
      (static_cast<double>(session_us) - offset_us_ + drift_ * Scaled(pivot_us_)) / (1 + drift_);
  return base_us_ + static_cast<int64_t>(std::ceil(e / rate_));
}

int64_t ClockSync::UncertaintyUs(int64_t steady_us) const {
  const double age_us = std::abs(Scaled(steady_us) - Scaled(fitted_us_));
  return static_cast<int64_t>(std::ceil(error_us_ + drift_error_ * age_us));
}

std::optional<int64_t> ClockSync::NextProbeUs() const {
  if (!valid_) return std::nullopt;
  return next_probe_us_;
}

uint64_t ClockSync::ProbeSent(int64_t steady_us) {
  if (sent_in_burst_ >= kProbesPerBurst) {  // the last burst was never completed
    FinishBurst();
  }
  if (sent_in_burst_ == 0) burst_first_id_ = next_id_;
  last_sent_us_ = steady_us;
  ++sent_in_burst_;
  next_probe_us_ = steady_us + (sent_in_burst_ < kProbesPerBurst ? kProbeSpacingUs : kProbeLostUs);
  return next_id_++;
}

void ClockSync::ProbeReplied(uint64_t id, int64_t t0_us, int64_t t1_session_us,
                             int64_t t2_session_us, int64_t t3_us) {
  if (!valid_ || sent_in_burst_ == 0 || id < burst_first_id_ || id >= next_id_ || t3_us < t0_us ||
      t2_session_us < t1_session_us) {
    return;
  }
  const double e0 = Scaled(t0_us), e3 = Scaled(t3_us);
  const double rtt_us =
      std::max(0.0, (e3 - e0) - static_cast<double>(t2_session_us - t1_session_us));
  ++replied_in_burst_;
  if (!best_ || rtt_us < best_->rtt_us) {
    const double offset_us =
        ((static_cast<double>(t1_session_us) - e0) + (static_cast<double>(t2_session_us) - e3)) / 2;
    best_ = Sample{t0_us + (t3_us - t0_us) / 2, offset_us, rtt_us};
  }
  if (replied_in_burst_ == kProbesPerBurst) FinishBurst();
}

void ClockSync::FinishBurst() {
  if (best_ && replied_in_burst_ >= kProbesNeeded) {
    // A step of the session's clock (it stood still while nobody owned it): the past does not
    // count.
    const double predicted_us = static_cast<double>(SessionAt(best_->steady_us));
    const double measured_us = Scaled(best_->steady_us) + best_->offset_us;
    if (std::abs(predicted_us - measured_us) >
        best_->rtt_us / 2 + static_cast<double>(UncertaintyUs(best_->steady_us)) + 20'000 * rate_) {
      bursts_.clear();
    }
    bursts_.push_back(*best_);
    if (bursts_.size() > kBurstsKept) bursts_.pop_front();
    ++bursts_done_;
    Fit();
  }
  best_.reset();
  sent_in_burst_ = replied_in_burst_ = 0;
  next_probe_us_ =
      last_sent_us_ + (bursts_done_ < kFastBursts ? kBurstIntervalFirstUs : kBurstIntervalUs);
}

void ClockSync::Fit() {
  // Weighted least squares of offset over scaled time; the weight is what the round trip allows.
  double sw = 0, sx = 0, sy = 0;
  double least_rtt_us = bursts_.front().rtt_us;
  for (const Sample& s : bursts_) {
    const double w = 1 / std::pow(s.rtt_us + kFloorUs, 2);
    sw += w;
    sx += w * Scaled(s.steady_us);
    sy += w * s.offset_us;
    least_rtt_us = std::min(least_rtt_us, s.rtt_us);
  }
  const double mx = sx / sw, my = sy / sw;
  double sxx = 0, sxy = 0;
  for (const Sample& s : bursts_) {
    const double w = 1 / std::pow(s.rtt_us + kFloorUs, 2);
    sxx += w * std::pow(Scaled(s.steady_us) - mx, 2);
    sxy += w * (Scaled(s.steady_us) - mx) * (s.offset_us - my);
  }
  const double span_us = Scaled(bursts_.back().steady_us) - Scaled(bursts_.front().steady_us);
  const Sample& last = bursts_.back();
  drift_ = 0;
  drift_error_ = kUnmeasuredDrift;
  offset_us_ = my;
  if (span_us >= kDriftSpanUs && sxx > 0) {
    drift_ = std::clamp(sxy / sxx, -kMaxDriftPpm * 1e-6, kMaxDriftPpm * 1e-6);
    drift_error_ = std::min(kUnmeasuredDrift, (least_rtt_us + kFloorUs) / span_us + 1e-6);
    pivot_us_ = base_us_ + std::llround(mx / rate_);
  } else {
    // Too short for a drift: the burst with the best round trip of those there are.
    const auto best =
        std::min_element(bursts_.begin(), bursts_.end(),
                         [](const Sample& a, const Sample& b) { return a.rtt_us < b.rtt_us; });
    offset_us_ = best->offset_us;
    pivot_us_ = best->steady_us;
    fitted_us_ = best->steady_us;
    error_us_ = best->rtt_us / 2 + kFloorUs;
    return;
  }
  // What the fit leaves of each burst, and what its round trip leaves open.
  double residual_us = 0;
  for (const Sample& s : bursts_) {
    const double fit = offset_us_ + drift_ * (Scaled(s.steady_us) - mx);
    residual_us = std::max(residual_us, std::abs(s.offset_us - fit) - s.rtt_us / 2);
  }
  error_us_ = least_rtt_us / 2 + std::max(0.0, residual_us) + kFloorUs;
  fitted_us_ = last.steady_us;
}

}  // namespace attune::edge
