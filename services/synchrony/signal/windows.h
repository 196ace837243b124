// 15-s windows, one a moment, ready for correlation: line removed, unit length, int16.
//
// Window m is the samples of the 15 s up to moment m (Params::moment_seconds). From its clean
// samples the least-squares line is removed; the rest is scaled to Euclidean length 2^14 and
// rounded (ties to even); missing samples are 0. The dot product of two windows is then Pearson's r
// of the detrended windows times 2^28, exact as an integer. Rounding costs r about 3e-5 (never more
// than 5e-4); a missing sample counts as "on the line", which pulls r towards 0.
//
// Not usable: fewer than window_min_valid_share clean samples, or a residual too flat to be told
// from rounding (sum of squares below 4 steps of 1/2048 s squared).
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_WINDOWS_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_WINDOWS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/kernel/dot.h"
#include "services/synchrony/kernel/layout.h"
#include "services/synchrony/kernel/prefetch.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/grid.h"
#include "services/synchrony/signal/slots.h"

namespace attune::synchrony {

inline constexpr int kUnitLength = 1 << 14;
inline constexpr double kRScale = 1.0 / (1 << 28);  // dot product of two windows -> r

// `row` is kRowLength long, `length` <= kRowLength. False (and row all 0) when not usable.
bool NormaliseWindow(const int16_t* values, const int16_t* masks, int length,
                     double min_valid_share, int16_t* row);

// One person's windows of the last `size` moments, in the block layout of the kernels: the window
// that ends at moment m is in slot m % size. Slots without a usable window are all 0.
class WindowRing {
 public:
  // It lies in `memory`, which must outlive it.
  WindowRing(int size, int moment_seconds,
             std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // Brings the ring to window `last` (which never falls); the grid must hold the samples of the
  // windows that are not known yet.
  void ExtendTo(int64_t last, const GridTrack& grid, const Params& params);

  // Samples from `first` on changed. The rows stay as they are until ExtendTo replaces them.
  void ForgetFromSample(int64_t first);

  const Slots& slots() const { return slots_; }
  const int32_t* blocks() const { return blocks_[0].pairs; }
  int block_count() const { return static_cast<int>(blocks_.size()); }

  // What the last ExtendTo did to a row: new row - old row, |x| < 2^15 (after the line is removed
  // no single sample can hold the whole length).
  struct Change {
    int slot;
    int16_t difference[kRowLength];
  };
  const std::pmr::vector<Change>& changes() const { return changes_; }

  // ExtendTo for the next moment will be called soon.
  void PrefetchNext() const {
    const auto slot = static_cast<size_t>(slots_.SlotOf(slots_.known() + 1));
    Prefetch(&blocks_[slot / kBlockWindows], sizeof(Block));
    Prefetch(slots_.flags(), static_cast<size_t>(slots_.size()));
    Prefetch(changes_.data(), changes_.capacity() * sizeof(Change));
  }

  size_t BlockBytes() const { return blocks_.size() * sizeof(Block); }

  // Sum of row . row over all slots.
  int64_t own() const { return own_; }

  size_t MemoryBytes() const {
    return blocks_.capacity() * sizeof(Block) + changes_.capacity() * sizeof(Change) +
           slots_.MemoryBytes();
  }

 private:
  struct alignas(64) Block {
    int32_t pairs[kBlockSize];
  };

  int moment_samples_;
  Slots slots_;
  std::pmr::vector<Block> blocks_;
  std::pmr::vector<Change> changes_;
  int64_t own_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_WINDOWS_H_
