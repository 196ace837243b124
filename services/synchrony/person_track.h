// Everything the engine keeps of one person: beats, and what follows from them, computed once.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_TRACK_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_TRACK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/grid.h"
#include "services/synchrony/signal/hrv.h"
#include "services/synchrony/signal/phase.h"
#include "services/synchrony/signal/windows.h"

namespace attune::synchrony {

// Windows of the longest span, one a moment.
inline int SpanWindows(const Params& params) {
  return (params.span_seconds - params.window_seconds) / params.moment_seconds + 1;
}
// Phases that look back on no more than the longest span, one a moment.
inline int SpanPhases(const Params& params) {
  return (params.span_seconds - params.phase_filter_seconds) / params.moment_seconds;
}

// The part of the session that the statistics of a span look back on at a tick.
struct Span {
  int64_t last_sample = 0;
  int seconds = 0;  // covered by windows that lie wholly within the session

  bool LongEnough(const Params& params) const { return seconds >= params.span_min_seconds; }
  int64_t window_us() const { return int64_t{seconds} * 1'000'000; }
};
Span SpanAt(int64_t tick_end_us, const Params& params);

class PersonTrack {
 public:
  // `params` must outlive the track, as must `memory`, in which it lies.
  PersonTrack(const Params& params, size_t max_beats,
              std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // False when refused. A beat that the past should have known takes back what it changes.
  bool AddBeat(const Beat& beat, const Params& params);

  // Brings everything to the tick and drops what no later tick will ask for.
  void Advance(int64_t tick_end_us, const Params& params, const PhaseFilter& filter);

  // Advance() will be called soon; windows and phases are asked for only with a new moment.
  void Prefetch(bool new_moment) const;

  // As after Advance(tick_end_us) and nothing later: what the tick had dropped stays dropped.
  void RestoreBeats(const std::vector<Beat>& beats, int64_t tick_end_us, const Params& params);
  // The beats that still count, ascending.
  std::vector<Beat> SaveBeats() const { return beats_.Retained(); }

  // The newest beat up to the tick; -1: none.
  int64_t last_beat_us() const { return last_beat_us_; }
  const GridTrack& grid() const { return grid_; }
  const WindowRing& windows() const { return windows_; }
  const PhaseRing& phases() const { return phases_; }
  // Over Params::hrv_window_us up to the tick.
  const BeatSums& hrv_sums() const { return hrv_sums_; }
  // Over Params::hr_window_us up to the tick.
  const BeatSums& hr_sums() const { return hr_sums_; }
  // How much of the beats of hrv_window_us, and of the longest span, were not taken as they came.
  struct Artefacts {
    bool too_many = false;  // more than Params::artefact_refuse_share
    bool doubtful = false;  // more than Params::artefact_doubtful_share
  };
  const Artefacts& hrv_artefacts() const { return hrv_artefacts_; }
  const Artefacts& span_artefacts() const { return span_artefacts_; }
  // How many samples up to the tick are there without a gap, as far as the longest span.
  int clean_samples() const { return clean_samples_; }
  // The share of the `count` samples up to the tick that are there.
  double Coverage(int count) const;

  // Raised by each beat that an earlier tick should have known.
  uint32_t late() const { return late_; }

  Timing timing;

  // Of beats, grid and sums; of what the chance levels and span statistics need.
  size_t MemoryBytes() const;
  size_t ChanceMemoryBytes() const {
    return sizeof(windows_) + sizeof(phases_) + windows_.MemoryBytes() + phases_.MemoryBytes();
  }

 private:
  enum Window : size_t { kHrv, kHr, kSpan, kWindows };

  void CountClean(int64_t last, const Params& params);
  void SumWindows(int64_t tick_end_us, const Params& params);

  BeatTrack beats_;
  GridTrack grid_;
  WindowRing windows_;
  PhaseRing phases_;
  BeatSums hrv_sums_;
  BeatSums hr_sums_;
  // Hints for the next tick: the first beat of each window, the first beyond the horizon.
  std::array<uint32_t, kWindows> begin_{};
  uint32_t known_ = 0;
  Artefacts hrv_artefacts_;
  Artefacts span_artefacts_;
  uint32_t late_ = 0;
  int64_t last_tick_us_ = -1;
  int64_t last_beat_us_ = -1;
  int64_t last_sample_ = 0;
  int clean_samples_ = 0;
  bool recount_ = true;  // of clean_samples_
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_TRACK_H_
