#include "services/synchrony/person_track.h"

#include <algorithm>

#include "services/synchrony/measure.h"
#include "services/synchrony/signal/curve.h"

namespace attune::synchrony {
namespace {

// Beats at and before the tick that samples and sums after it may judge once more.
constexpr size_t kStillJudged = 12;

int MomentSamples(const Params& params) { return params.moment_seconds * kSamplesPerSecond; }

// What windows and phases of the span look back on: the newest end with the last moment.
int HistorySamples(const Params& params) {
  return std::max(params.span_seconds * kSamplesPerSecond + MomentSamples(params),
                  params.lagged_window + params.lagged_max_lag);
}

// The longest window or filter, of a moment before samples that are new.
int LeadSamples(const Params& params) {
  return std::max(params.window_seconds, params.phase_filter_seconds) * kSamplesPerSecond + 1 +
         MomentSamples(params);
}

int KeepSamples(const Params& params) {
  return std::max(LeadSamples(params), params.lagged_window + params.lagged_max_lag);
}

int64_t OldestBeatUs(int64_t tick_end_us, const Params& params) {
  const int64_t history_us = std::max({HistorySamples(params) * kSampleUs, params.hrv_window_us,
                                       int64_t{kLongestLookBackSeconds} * 1'000'000});
  return tick_end_us - history_us - BeatReachUs(params);
}

}  // namespace

Span SpanAt(int64_t tick_end_us, const Params& params) {
  Span span;
  span.last_sample = tick_end_us / kSampleUs;
  const int64_t second = tick_end_us / 1'000'000;
  if (second >= params.window_seconds) {
    span.seconds = static_cast<int>(std::min<int64_t>(second, params.span_seconds));
  }
  return span;
}

PersonTrack::PersonTrack(const Params& params, size_t max_beats, std::pmr::memory_resource* memory)
    : beats_(params, max_beats, memory),
      grid_(KeepSamples(params), HistorySamples(params), LeadSamples(params), memory),
      windows_(SpanWindows(params), params.moment_seconds, memory),
      phases_(SpanPhases(params), params.moment_seconds, memory) {}

bool PersonTrack::AddBeat(const Beat& beat, const Params& params) {
  const BeatSeries::Added added = beats_.Add(beat);
  if (added == BeatSeries::Added::kChanged) {
    // The first sample whose horizon reaches the beat. In good order it is not there yet.
    const int64_t first =
        (std::max<int64_t>(0, beat.time_us - params.horizon_us - 1) + kSampleUs) / kSampleUs;
    grid_.TruncateFrom(first);
    windows_.ForgetFromSample(first);
    phases_.ForgetFromSample(first);
    if (first <= last_sample_) recount_ = true;
    if (beat.time_us <= last_tick_us_ + params.horizon_us) ++late_;
  }
  return added != BeatSeries::Added::kRefused;
}

void PersonTrack::Advance(int64_t tick_end_us, const Params& params, const PhaseFilter& filter) {
  const int64_t moment = MomentAt(tick_end_us, params);
  grid_.ExtendTo(tick_end_us / kSampleUs, &beats_, params);
  windows_.ExtendTo(moment, grid_, params);
  phases_.ExtendTo(moment, grid_, filter);
  grid_.Trim();
  CountClean(tick_end_us / kSampleUs, params);
  SumWindows(tick_end_us, params);
  beats_.DropBefore(OldestBeatUs(tick_end_us, params));
  last_tick_us_ = tick_end_us;
}

void PersonTrack::Prefetch(bool new_moment) const {
  beats_.PrefetchNear(known_);
  beats_.PrefetchNewest();
  for (const size_t begin : begin_) beats_.PrefetchNear(begin);
  grid_.Prefetch();
  if (!new_moment) return;
  windows_.PrefetchNext();
  phases_.PrefetchNext();
}

void PersonTrack::RestoreBeats(const std::vector<Beat>& beats, int64_t tick_end_us,
                               const Params& params) {
  if (tick_end_us >= 0) beats_.DropBefore(OldestBeatUs(tick_end_us, params));
  for (const Beat& beat : beats) beats_.Add(beat);
}

void PersonTrack::SumWindows(int64_t tick_end_us, const Params& params) {
  const auto upper_bound_near = [this](int64_t time_us, uint32_t hint) {
    return static_cast<uint32_t>(beats_.UpperBoundNear(time_us, hint));
  };
  known_ = upper_bound_near(tick_end_us + params.horizon_us, known_);
  const size_t end = beats_.UpperBoundNear(tick_end_us, known_);
  if (end > 0) last_beat_us_ = beats_.beats().time_us(end - 1);
  const int64_t lengths_us[kWindows] = {params.hrv_window_us, params.hr_window_us,
                                        int64_t{params.span_seconds} * 1'000'000};
  BeatSums span_sums;
  BeatSums* const sums[kWindows] = {&hrv_sums_, &hr_sums_, &span_sums};
  for (size_t i = 0; i < kWindows; ++i) {
    begin_[i] = upper_bound_near(tick_end_us - lengths_us[i], begin_[i]);
    *sums[i] = SumBeats(&beats_, i, begin_[i], end, known_);
  }
  beats_.Settle(end - std::min(end, kStillJudged));
  const auto judge = [&params](const BeatSums& sums) -> Artefacts {
    if (sums.beats < params.artefact_min_beats) return {};
    return {sums.ArtefactsBeyond(params.artefact_refuse_share),
            sums.ArtefactsBeyond(params.artefact_doubtful_share)};
  };
  hrv_artefacts_ = judge(hrv_sums_);
  span_artefacts_ = judge(span_sums);
}

void PersonTrack::CountClean(int64_t last, const Params& params) {
  const int64_t passed = last - last_sample_;
  const int most = params.span_seconds * kSamplesPerSecond;
  last_sample_ = last;
  // The common case: some more good samples.
  if (!recount_ && passed >= 0 && passed <= kSamplesPerSecond &&
      grid_.CountValid(last, static_cast<int>(passed)) == passed) {
    clean_samples_ = std::min<int>(most, clean_samples_ + static_cast<int>(passed));
    return;
  }
  recount_ = false;
  clean_samples_ = grid_.CountRun(last, most);
}

double PersonTrack::Coverage(int count) const {
  if (clean_samples_ >= count) return 1;
  return static_cast<double>(grid_.CountValid(last_sample_, count)) / count;
}

size_t PersonTrack::MemoryBytes() const {
  constexpr size_t kPlace = 48;  // in the map of a session's people
  return sizeof(*this) - sizeof(windows_) - sizeof(phases_) + kPlace + beats_.MemoryBytes() +
         grid_.MemoryBytes();
}

}  // namespace attune::synchrony
