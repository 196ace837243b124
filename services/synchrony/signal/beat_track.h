// One person's beats with what is made of them: thresholds and verdicts (signal/screen.h), worked
// out about once a beat. Caching never shows in a result: each verdict is that of the pure function
// of the beats [0, known).
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_TRACK_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_TRACK_H_

#include <cstddef>
#include <cstdint>
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
};

class BeatTrack {
 public:
  // `params` must outlive the track.
  BeatTrack(const Params& params, size_t max_beats) : params_(&params), series_(max_beats) {}
  // All of `beats`, in any order.
  BeatTrack(const Params& params, std::vector<Beat> beats);

  BeatSeries::Added Add(const Beat& beat);
  void DropBefore(int64_t time_us);

  const std::vector<Beat>& beats() const { return series_.beats(); }
  std::vector<Beat> Retained() const { return series_.Retained(); }
  // Index of the first beat later than `time_us`.
  size_t UpperBound(int64_t time_us) const { return series_.UpperBound(time_us); }
  // The same, found from `hint`: any index will do, one nearby is fast.
  size_t UpperBoundNear(int64_t time_us, size_t hint) const {
    return series_.UpperBoundNear(time_us, hint);
  }
  // Beat k and what is kept of it will be read soon.
  void PrefetchNear(size_t k) const {
    if (k < series_.beats().size()) __builtin_prefetch(&series_.beats()[k]);
    if (k < entries_.size()) __builtin_prefetch(&entries_[k]);
    if (k < running_.size()) __builtin_prefetch(&running_[k]);
  }

  // The verdict on beat k knowing only beats [0, known); k < known.
  Verdict Judge(size_t k, size_t known) {
    const BeatClass two_before = k < 2 ? BeatClass::kNormal : LookOf(k - 2, known).pair;
    const BeatClass before = k < 1 ? BeatClass::kNormal : LookOf(k - 1, known).pair;
    return Combine(two_before, before, LookOf(k, known));
  }
  // Will no further beat change Judge(k, known)?
  bool Final(size_t k, size_t known) const {
    return k + static_cast<size_t>(params_->screen_after) < known;
  }

  // Over beats [begin, end), knowing [0, known); begin <= end <= known. The difference between beat
  // begin and the one before it is not counted. Running sums of final verdicts are kept, so this
  // takes no longer for a longer stretch.
  BeatTally Tally(size_t begin, size_t end, size_t known);

  // How often a beat was looked at again with more beats known and came out differently.
  int64_t rejudged() const { return rejudged_; }

  size_t MemoryBytes() const;

 private:
  static constexpr uint8_t kNever = 0xff;
  struct Entry {
    Thresholds thresholds;
    int16_t jump = -1;  // what the quartiles of later beats are taken from
    int16_t deviation = -1;
    bool nothing = false;    // BeginsNothing: `look` is empty for good
    uint8_t ahead = kNever;  // beats ahead that `look` knows
    Look look;
  };

  // Thresholds of all beats before `end`.
  void ExtendThresholds(size_t end);
  // What the quartiles of later beats are taken from, of all beats before `end`.
  void Measure(size_t end);
  // Entry j enters or leaves the window.
  void Enter(size_t j);
  void Leave(size_t j);
  const Look& LookOf(size_t k, size_t known) {
    if (with_thresholds_ <= k) ExtendThresholds(k + 1);
    return entries_[k].nothing ? entries_[k].look : LookAhead(k, known);
  }
  const Look& LookAhead(size_t k, size_t known);
  // Adds beat k, and its difference from the beat before if asked for.
  void AddTo(BeatTally* tally, size_t k, size_t known, bool difference);
  void Forget(size_t from);

  const Params* params_;
  BeatSeries series_;
  std::vector<Entry> entries_;  // of the first beats
  size_t measured_ = 0;         // entries with jump and deviation
  size_t with_thresholds_ = 0;
  // The window of the last beat with thresholds: entries [window_begin_, window_end_).
  size_t window_begin_ = 0;
  size_t window_end_ = 0;
  SlidingQuartiles jumps_;
  SlidingQuartiles deviations_;
  std::vector<BeatTally> running_;  // [k]: of beats [0, k), all final
  int64_t rejudged_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_BEAT_TRACK_H_
