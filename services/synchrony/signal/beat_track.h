// One person's beats with what is made of them: thresholds and verdicts (signal/screen.h), worked
// out about once a beat. Caching never shows in a result: each verdict is that of the pure function
// of the beats [0, known).
//
// Thresholds are kept of the newest beats only (Settle); of older ones just what their final
// verdict adds to sums. Whoever asks for an older verdict again, as after a late beat, gets it:
// thresholds are then worked out from there on once more.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_TRACK_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_TRACK_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/beat_series.h"
#include "services/synchrony/signal/quartiles.h"
#include "services/synchrony/signal/screen.h"

namespace attune::synchrony {

// Exact sums over beats.
struct BeatTally {
  uint32_t artefacts = 0;            // Verdict::artefact
  uint32_t intervals = 0;            // taken as they came or corrected
  uint32_t rr_1024 = 0;              // their sum, modulo 2^32
  uint32_t differences = 0;          // of truly adjacent beats, neither corrected
  uint64_t squared_differences = 0;  // (1/1024 s)^2

  void operator+=(const BeatTally& other) {
    artefacts += other.artefacts;
    intervals += other.intervals;
    rr_1024 += other.rr_1024;
    differences += other.differences;
    squared_differences += other.squared_differences;
  }
  void operator-=(const BeatTally& other) {
    artefacts -= other.artefacts;
    intervals -= other.intervals;
    rr_1024 -= other.rr_1024;
    differences -= other.differences;
    squared_differences -= other.squared_differences;
  }
};

class BeatTrack {
 public:
  // Stretches whose sums may be followed while they move on.
  static constexpr size_t kWindows = 3;

  // `params` must outlive the track, as must `memory`, in which it lies.
  BeatTrack(const Params& params, size_t max_beats,
            std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : params_(&params), series_(max_beats, memory), entries_(memory) {}
  // All of `beats`, in any order.
  BeatTrack(const Params& params, std::vector<Beat> beats);

  BeatSeries::Added Add(const Beat& beat);
  void DropBefore(int64_t time_us);

  const PackedBeats& beats() const { return series_.beats(); }
  std::vector<Beat> Retained() const { return series_.Retained(); }
  // Index of the first beat later than `time_us`.
  size_t UpperBound(int64_t time_us) const { return series_.UpperBound(time_us); }
  // The same, found from `hint`: any index will do, one nearby is fast.
  size_t UpperBoundNear(int64_t time_us, size_t hint) const {
    return series_.UpperBoundNear(time_us, hint);
  }
  // Beat k will be read soon; the newest ones will be judged soon.
  void PrefetchNear(size_t k) const { series_.beats().Prefetch(k); }
  void PrefetchNewest() const { __builtin_prefetch(entries_.data()); }

  // The verdict on beat k knowing only beats [0, known); k < known.
  Verdict Judge(size_t k, size_t known) {
    const BeatClass two_before = k < 2 ? BeatClass::kNormal : LookOf(k - 2, known).pair;
    const BeatClass before = k < 1 ? BeatClass::kNormal : LookOf(k - 1, known).pair;
    return Combine(two_before, before, LookOf(k, known));
  }
  // Will no further beat change Judge(k, known), nor that of any beat before k? So once
  // screen_after beats ahead are known, and at once where nothing can begin.
  bool Final(size_t k, size_t known) {
    size_t next = known - std::min(known, static_cast<size_t>(params_->screen_after));
    if (k < next) return true;
    for (next -= std::min<size_t>(next, 2); next <= k; ++next) {
      if (!BeginsNothingAt(next)) return false;
    }
    return true;
  }

  // Over beats [begin, end), knowing [0, known); begin <= end <= known. The difference between beat
  // begin and the one before it is not counted. As long as all three only rise, what follows one
  // `window` takes time for the beats that come and go, not for those that stay.
  BeatTally Tally(size_t window, size_t begin, size_t end, size_t known);

  // Beats before k will hardly be judged again: forgets their thresholds.
  void Settle(size_t k);

  // How often a beat was looked at again with more beats known and came out differently.
  int64_t rejudged() const { return rejudged_; }

  size_t MemoryBytes() const { return series_.MemoryBytes() + entries_.capacity() * sizeof(Entry); }

 private:
  // In place of the number of beats ahead that a look knows.
  static constexpr uint8_t kNever = 0xff;
  static constexpr uint8_t kAlways = 0xfe;  // BeginsNothing: the look is empty for good
  struct Entry {
    // Thresholds, no higher than this can hold: that lies above every ceiling.
    int16_t jump = -1;
    int16_t level = -1;
    Look look;
    uint8_t ahead = kNever;
  };
  struct Window {
    uint32_t begin = 0;
    uint32_t end = 0;
    BeatTally sum;
  };

  size_t entries_end() const { return entries_begin_ + entries_.size(); }
  // Thresholds of beats [entries_begin_, end).
  void ExtendThresholds(size_t end);
  // Thresholds will begin with those of beat `from`.
  void Restart(size_t from);
  // Of the window of quartiles.
  void ClearQuartiles();
  void Enter(size_t j);
  void Leave(size_t j);
  Entry& EntryOf(size_t k) {
    if (k < entries_begin_) [[unlikely]] {
      Restart(k);
    }
    if (entries_end() <= k) ExtendThresholds(k + 1);
    return entries_[k - entries_begin_];
  }
  bool BeginsNothingAt(size_t k) { return EntryOf(k).ahead == kAlways; }
  const Look& LookOf(size_t k, size_t known) {
    const Entry& entry = EntryOf(k);
    return entry.ahead == kAlways ? entry.look : LookAhead(k, known);
  }
  const Look& LookAhead(size_t k, size_t known);
  // Puts the final verdicts of all beats before `end` into their marks.
  void MarkUntil(size_t end, size_t known);
  // What beat k adds to sums by itself, and by its difference from the beat before.
  BeatTally Own(size_t k, uint8_t mark) const;
  BeatTally Difference(size_t k, uint8_t mark_before, uint8_t mark) const;
  // The same of beats with a mark.
  BeatTally Own(size_t k) const { return Own(k, beats().mark(k)); }
  BeatTally Difference(size_t k) const {
    return Difference(k, beats().mark(k - 1), beats().mark(k));
  }
  void Forget(size_t from);

  const Params* params_;
  BeatSeries series_;
  uint32_t entries_begin_ = 0;
  uint32_t marked_ = 0;  // beats whose final verdict is in their mark
  std::pmr::vector<Entry> entries_;
  // Beats in the quartiles of the last entry.
  uint32_t quartiles_begin_ = 0;
  uint32_t quartiles_end_ = 0;
  SlidingQuartiles jumps_;
  SlidingQuartiles deviations_;
  std::array<Window, kWindows> windows_;
  int64_t rejudged_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_TRACK_H_
