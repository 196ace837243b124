// 15-s windows, one a second, ready for correlation: line removed, unit length, int16.
//
// Window m is the samples of ((m - 15) s, m s]. From its clean samples the least-squares line is
// removed; the rest is scaled to Euclidean length 2^14 and rounded (ties to even); missing samples
// are 0. The dot product of two windows is then Pearson's r of the detrended windows times 2^28,
// exact as an integer. Rounding costs r about 3e-5 (never more than 5e-4); a missing sample counts
// as "on the line", which pulls r towards 0.
//
// Not usable: fewer than window_min_valid_share clean samples, or a residual too flat to be told
// from rounding (sum of squares below 4 steps of 1/2048 s squared).
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_WINDOWS_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_WINDOWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/kernel/dot.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/grid.h"

namespace attune::synchrony {

inline constexpr int kUnitLength = 1 << 14;
inline constexpr double kRScale = 1.0 / (1 << 28);  // dot product of two windows -> r

// `row` is kRowLength long, `length` <= kRowLength. False (and row all 0) when not usable.
bool NormaliseWindow(const int16_t* values, const int16_t* masks, int length,
                     double min_valid_share, int16_t* row);

// One person's windows [begin, end), computed once each.
class WindowTrack {
 public:
  // Keeps at least `keep` windows.
  explicit WindowTrack(int keep);

  // Brings the track to window `last`; the grid must hold the samples of the last `keep` windows.
  void ExtendTo(int64_t last, const GridTrack& grid, const Params& params);

  // Samples from `first` on changed.
  void TruncateFromSample(int64_t first);

  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  // Rows of consecutive windows follow each other, at least up to end().
  const int16_t* row(int64_t window) const { return &rows_[Slot(window) * kRowLength]; }
  bool usable(int64_t window) const { return usable_[Slot(window)] != 0; }

  // Raised whenever windows that had been there were taken back.
  uint64_t revision() const { return revision_; }

  size_t MemoryBytes() const { return rows_.capacity() * sizeof(int16_t) + usable_.capacity(); }

 private:
  size_t Slot(int64_t window) const { return static_cast<size_t>(window - base_); }

  int keep_;
  int64_t base_ = 0;  // window of slot 0
  int64_t begin_ = 0;
  int64_t end_ = 0;
  uint64_t revision_ = 0;
  std::vector<int16_t> rows_;
  std::vector<uint8_t> usable_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_WINDOWS_H_
