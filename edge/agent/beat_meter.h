// How good a person's intervals are, as far as can be said at the edge: the age of the newest one,
// and the share that no heart at rest makes. For the person who wears the strap; the session's own
// numbers use a better detector (Lipponen & Tarvainen 2019) that needs to see what follows.
//
// The rule, kept simple so that it can be explained in one line: an interval is an artefact when it
// is outside 300..2000 ms, or differs by more than a fifth from the last good one (Malik et al.,
// Eur. Heart J. 10:1060, 1989, compare with the interval before; then one false beat condemns its
// neighbours too). The third interval in a row that agrees with the one before it is a new level,
// and good: the two halves that a false beat makes of an interval agree too.
#ifndef ATTUNE_EDGE_AGENT_BEAT_METER_H_
#define ATTUNE_EDGE_AGENT_BEAT_METER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "edge/source/source.h"

namespace attune::edge {

// Not thread-safe.
class ArtefactRule {
 public:
  static constexpr uint32_t kLeastRr1024 = 307;  // 300 ms, as a strap would say it
  static constexpr uint32_t kMostRr1024 = 2048;  // 2000 ms

  static constexpr int kNewLevel = 3;

  // Whether this interval, which follows the last one, is an artefact.
  bool IsArtefact(uint32_t rr_1024, bool gap_before);

 private:
  uint32_t good_1024_ = 0;  // last good one; 0: none since a gap
  uint32_t odd_1024_ = 0;   // the one just before, when it was no good
  int odd_run_ = 0;         // so many in a row were no good and agreed
};

// Of one person. All times in the clock of the source. Not thread-safe.
class BeatMeter {
 public:
  static constexpr int64_t kWindowUs = 60'000'000;
  static constexpr size_t kMost = 4096;  // intervals in the window; oldest are dropped

  void Add(const SourceBeat& beat);
  // Time (or arrival) of the newest interval.
  std::optional<int64_t> newest_us() const { return newest_us_; }
  // Of the intervals of the last minute; nullopt: there are none.
  std::optional<double> ArtefactShare(int64_t now_us) const;
  // Of the newest intervals that are no artefacts; 0: there is none in the last minute.
  double Bpm(int64_t now_us) const;

 private:
  static constexpr int kBpmBeats = 10;
  struct Entry {
    int64_t at_us;
    uint32_t rr_1024;
    bool artefact;
  };
  ArtefactRule rule_;
  std::deque<Entry> window_;
  std::optional<int64_t> newest_us_;
};

// `source` with a meter beside it. `meter` must outlive it.
std::unique_ptr<Source> Metered(std::unique_ptr<Source> source, BeatMeter* meter);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_BEAT_METER_H_
