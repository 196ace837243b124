#include "services/synchrony/person_track.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

// Windows that a span moved by a few ticks may still want to take away from its sums.
constexpr int kSpareWindows = 16;
// How far before a sample the beats reach that can decide it: two bridges to the knot before the
// left one, two beats before that whose event may reach it, 60 s of beats behind their thresholds,
// and the neighbours of the first of these. A round figure above that.
constexpr int64_t kBeatReachUs = 100'000'000;

int KeepWindows(const Params& params) { return SpanWindows(params) + kSpareWindows; }

int KeepSamples(const Params& params) {
  const int seconds =
      std::max({KeepWindows(params) + params.window_seconds,
                params.span_seconds + params.phase_filter_seconds + 1,
                (params.lagged_window + params.lagged_max_lag) / kSamplesPerSecond + 1});
  return (seconds + 1) * kSamplesPerSecond;
}

int64_t OldestBeatUs(int64_t tick_end_us, const Params& params) {
  const int64_t history_us =
      std::max(KeepSamples(params) * kSampleUs, params.hrv_window_us) + kBeatReachUs;
  return tick_end_us - history_us;
}

}  // namespace

PersonTrack::PersonTrack(const Params& params, size_t max_beats)
    : beats_(params, max_beats),
      grid_(KeepSamples(params)),
      windows_(KeepWindows(params)),
      phase_(params.span_seconds + 1),
      lagged_(params) {}

bool PersonTrack::AddBeat(const Beat& beat, const Params& params) {
  const BeatSeries::Added added = beats_.Add(beat);
  if (added == BeatSeries::Added::kChanged) {
    // The first sample whose horizon reaches the beat. In good order it is not there yet.
    const int64_t first =
        (std::max<int64_t>(0, beat.time_us - params.horizon_us - 1) + kSampleUs) / kSampleUs;
    grid_.TruncateFrom(first);
    windows_.TruncateFromSample(first);
    phase_.TruncateFromSample(first);
  }
  return added != BeatSeries::Added::kRefused;
}

void PersonTrack::Advance(int64_t tick_end_us, const Params& params, const PhaseFilter& filter) {
  const int64_t second = tick_end_us / 1'000'000;
  grid_.ExtendTo(tick_end_us / kSampleUs, &beats_, params);
  windows_.ExtendTo(second, grid_, params);
  phase_.ExtendTo(second, grid_, filter);
  lagged_.Update(grid_, tick_end_us / kSampleUs);
  hrv_sums_ = SumBeats(&beats_, tick_end_us - params.hrv_window_us, tick_end_us, params);
  hr_sums_ = SumBeats(&beats_, tick_end_us - params.hr_window_us, tick_end_us, params);
  const BeatSums span = SumBeats(&beats_, tick_end_us - int64_t{params.span_seconds} * 1'000'000,
                                 tick_end_us, params);
  const auto judge = [&params](const BeatSums& sums) -> Artefacts {
    if (sums.beats < params.artefact_min_beats) return {};
    return {sums.ArtefactsBeyond(params.artefact_refuse_share),
            sums.ArtefactsBeyond(params.artefact_doubtful_share)};
  };
  hrv_artefacts_ = judge(hrv_sums_);
  span_artefacts_ = judge(span);
  beats_.DropBefore(OldestBeatUs(tick_end_us, params));
}

void PersonTrack::RestoreBeats(const std::vector<Beat>& beats, int64_t tick_end_us,
                               const Params& params) {
  if (tick_end_us >= 0) beats_.DropBefore(OldestBeatUs(tick_end_us, params));
  for (const Beat& beat : beats) beats_.Add(beat);
}

size_t PersonTrack::MemoryBytes() const {
  return sizeof(*this) + beats_.MemoryBytes() + grid_.MemoryBytes() + windows_.MemoryBytes() +
         phase_.MemoryBytes();
}

}  // namespace attune::synchrony
