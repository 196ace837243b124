// The even grid: a person's beat intervals at 4 Hz, as integers.
//
// Sample g stands for the time g * 250 ms (session time; the first is g = 1). Its value is that of
// the curve through the corrected beats (signal/curve.h), a pure function of the beats with time <=
// that time + Params::horizon_us: a sample, once its horizon is known, is final. Where there is no
// curve the sample is missing (value 0, mask 0), never guessed.
//
// Values are int16 in 1/2048 s around 1.15 s, the middle of the accepted range 0.3..2.0 s: no
// person and no moment can leave +-2047, so the baseline is a constant and needs no state.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_GRID_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_GRID_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/kernel/prefetch.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/curve.h"

namespace attune::synchrony {

inline constexpr int32_t kGridUnitsPerSecond = 2048;
inline constexpr int32_t kGridBaseline = 2355;  // 1/2048 s
inline constexpr int32_t kGridLimit = 2047;

// The newest samples of one person, computed once each; of those before them only whether they are
// there. A sample whose value has been given up is worked out anew when a late beat asks for it.
class GridTrack {
 public:
  // Masks asked for at a time.
  static constexpr int kMostMasks = 1024;

  // Keeps `keep` values; knows of the last `history` samples whether they are there. What looks
  // back on samples that are new may begin `lead` samples before them.
  // It lies in `memory`, which must outlive it; masks lie on the heap.
  GridTrack(int keep, int history, int lead,
            std::pmr::memory_resource* memory = std::pmr::get_default_resource());
  // A value of each of the last `keep` samples.
  explicit GridTrack(int keep) : GridTrack(keep, keep, 0) {}
  // Samples [begin, begin + values.size()) as given (values 0 where the mask is 0); for tests.
  static GridTrack ForTest(int64_t begin, std::vector<int16_t> values, std::vector<int16_t> masks);

  // Brings the track to `last`, which never falls. Until the next Trim() there are values also of
  // all samples that were not known (of the last `history`) and of `lead` before them.
  void ExtendTo(int64_t last, BeatTrack* beats, const Params& params);
  // Gives up values before the last `keep`.
  void Trim();

  // The beats changed: samples from `first` on are to be computed again.
  void TruncateFrom(int64_t first);

  // Samples [begin, end) have values.
  int64_t begin() const { return begin_; }
  int64_t end() const { return begin_ + static_cast<int64_t>(values_.size()); }

  // `count` samples ending with `last`, oldest first. They must have values, or lie before
  // sample 1.
  const int16_t* values(int64_t last, int count) const { return &values_[Offset(last, count)]; }
  // -1 where there is a value, 0 where it is missing; count <= kMostMasks.
  const int16_t* masks(int64_t last, int count) const {
    return masks_.empty() ? AllThere() : &masks_[Offset(last, count)];
  }

  // How many of the `count` samples ending with `last` are there; count <= history.
  int CountValid(int64_t last, int count) const { return CountBoth(*this, last, count); }
  // In both tracks, which have the same history.
  int CountBoth(const GridTrack& other, int64_t last, int count) const;
  // How many samples up to `last` are there without a gap, counting up to `most` <= history.
  int CountRun(int64_t last, int most) const;

  // ExtendTo() will be called soon: the values, and the newest bits.
  void Prefetch() const {
    synchrony::Prefetch(values_.data(), values_.size() * sizeof(int16_t));
    __builtin_prefetch(&there_[static_cast<size_t>(known_end_ / 64) % there_.size()]);
  }

  size_t MemoryBytes() const {
    return (values_.capacity() + masks_.capacity()) * sizeof(int16_t) +
           there_.capacity() * sizeof(uint64_t);
  }

 private:
  size_t Offset(int64_t last, int count) const {
    return static_cast<size_t>(last - count + 1 - begin_);
  }
  static const int16_t* AllThere();
  uint64_t Word(int64_t word) const { return there_[static_cast<size_t>(word) % there_.size()]; }
  void Append(int64_t sample, bool there, int16_t value);
  void DropMasks() { std::vector<int16_t>().swap(masks_); }

  int keep_;
  int history_;
  int lead_;
  Curve curve_;
  int64_t begin_ = 0;
  int64_t known_end_ = 1;  // samples before it are known
  std::pmr::vector<int16_t> values_;
  std::vector<int16_t> masks_;  // of the same; empty: all are there
  // A circle of bits, that of sample s in word s / 64 % size.
  std::pmr::vector<uint64_t> there_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_GRID_H_
