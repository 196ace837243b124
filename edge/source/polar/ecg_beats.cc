#include "edge/source/polar/ecg_beats.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace attune::edge {
namespace {

// Few steps: each change is told to the node.
uint32_t JitterStep(double error_us) {
  if (error_us <= EcgBeats::kLeastJitterUs) return EcgBeats::kLeastJitterUs;
  return error_us <= 5'000 ? 5'000 : 10'000;
}

}  // namespace

void EcgBeats::Add(const EcgFrame& frame, int64_t arrival_us) {
  arrival_us = std::max(arrival_us, last_arrival_us_);
  switch (clock_.Add(frame.last_sample_ns, frame.microvolts.size(), arrival_us)) {
    case EcgClock::Step::kStale:
      ++refused_;
      return;
    case EcgClock::Step::kFollows:
      break;
    case EcgClock::Step::kLoss:
      ++losses_;
      peaks_.Reset();
      break;
    case EcgClock::Step::kAnew:
      // What is held had its time from a clock that is gone.
      refused_ += held_.size();
      held_.clear();
      peaks_.Reset();
      break;
  }
  last_arrival_us_ = arrival_us;
  std::vector<RPeak> peaks;
  for (const int32_t microvolts : frame.microvolts) peaks_.Add(microvolts, &peaks);
  held_.insert(held_.end(), peaks.begin(), peaks.end());
  if (clock_.settled()) Stamp();
}

void EcgBeats::LinkLost() {
  clock_.SettleNow();
  if (clock_.settled()) Stamp();
  clock_.LinkLost();
  peaks_.Reset();
  last_arrival_us_ = INT64_MIN;
}

void EcgBeats::Stamp() {
  for (const RPeak& peak : std::exchange(held_, {})) {
    const double time_us = clock_.SteadyMicros(peak.sample);
    const int64_t time_1024 = std::llround(time_us * 1024 / 1e6);
    const int64_t rr_1024 = time_1024 - last_1024_;
    const bool first = !have_last_ || peak.gap_before;
    have_last_ = true;
    last_1024_ = time_1024;
    if (first) {
      gap_ |= last_us_ != INT64_MIN;
      continue;
    }
    SourceBeat beat;
    beat.time_us = std::llround(time_us);
    if (rr_1024 < kLeastRr1024 || rr_1024 > kMostRr1024 ||
        beat.time_us <= std::max(last_us_, promised_us_)) {
      ++refused_;
      gap_ = true;
      continue;
    }
    beat.rr_1024 = static_cast<uint32_t>(rr_1024);
    beat.gap_before = std::exchange(gap_, false);
    last_us_ = beat.time_us;
    out_.push_back(beat);
    out_jitter_us_ =
        std::max(out_jitter_us_, JitterStep(peak.error_samples * 1e6 / RPeaks::kRateHz));
  }
}

void EcgBeats::Drain(std::vector<SourceBeat>* beats) {
  if (out_.empty()) return;
  beats->insert(beats->end(), out_.begin(), out_.end());
  out_.clear();
  jitter_us_ = std::exchange(out_jitter_us_, kLeastJitterUs);
  const double off_us = std::min(std::abs(clock_.OffMicros()), 30e6);
  const uint32_t bound_us =
      kTransportUs + static_cast<uint32_t>(off_us) + (clock_.short_epoch() ? kUnsettledUs : 0);
  offset_bound_us_ = (bound_us + kBoundStepUs - 1) / kBoundStepUs * kBoundStepUs;
}

int64_t EcgBeats::CompleteThroughUs(int64_t now_us) {
  const bool silent = last_arrival_us_ == INT64_MIN || now_us - last_arrival_us_ > kSilenceUs;
  int64_t through_us = last_us_;
  if (silent) {
    through_us = std::max(through_us, now_us - kSilenceUs);
  } else if (clock_.settled()) {
    through_us = std::max(through_us, static_cast<int64_t>(std::floor(clock_.SteadyMicros(
                                          static_cast<double>(peaks_.decided())))) -
                                          1);
  }
  promised_us_ = std::max(promised_us_, through_us);
  return promised_us_;
}

}  // namespace attune::edge
