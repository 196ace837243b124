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
#include <vector>

#include "services/synchrony/kernel/prefetch.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/curve.h"

namespace attune::synchrony {

inline constexpr int32_t kGridUnitsPerSecond = 2048;
inline constexpr int32_t kGridBaseline = 2355;  // 1/2048 s
inline constexpr int32_t kGridLimit = 2047;

// The last `keep` samples of one person, computed once each.
class GridTrack {
 public:
  explicit GridTrack(int keep) : keep_(keep) {}
  // Samples [begin, begin + values.size()) as given (values 0 where the mask is 0); for tests.
  static GridTrack ForTest(int64_t begin, std::vector<int16_t> values, std::vector<int16_t> masks);

  // Brings the track to `last` (computing at most `keep` samples); `last` never falls.
  void ExtendTo(int64_t last, BeatTrack* beats, const Params& params);

  // The beats changed: samples from `first` on are to be computed again.
  void TruncateFrom(int64_t first);

  // Samples [begin, end) are there.
  int64_t begin() const { return begin_; }
  int64_t end() const { return begin_ + static_cast<int64_t>(values_.size()); }

  // `count` samples ending with `last`, oldest first. They must be there, or lie before sample 1.
  const int16_t* values(int64_t last, int count) const { return &values_[Offset(last, count)]; }
  // -1 where there is a value, 0 where it is missing.
  const int16_t* masks(int64_t last, int count) const { return &masks_[Offset(last, count)]; }

  // How many of the `count` samples ending with `last` have a value.
  int CountValid(int64_t last, int count) const;

  void PrefetchNewest(int count) const {
    const size_t from = values_.size() - std::min(values_.size(), static_cast<size_t>(count));
    Prefetch(values_.data() + from, static_cast<size_t>(count) * sizeof(int16_t));
    Prefetch(masks_.data() + from, static_cast<size_t>(count) * sizeof(int16_t));
  }

  size_t MemoryBytes() const { return (values_.capacity() + masks_.capacity()) * sizeof(int16_t); }

 private:
  size_t Offset(int64_t last, int count) const {
    return static_cast<size_t>(last - count + 1 - begin_);
  }

  int keep_;
  Curve curve_;
  int64_t begin_ = 0;
  std::vector<int16_t> values_;
  std::vector<int16_t> masks_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_GRID_H_
