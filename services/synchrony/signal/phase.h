// Phase of the low-frequency waves (0.04-0.15 Hz), one unit vector a moment.
//
// A complex FIR: Hann window times exp(i 2 pi f k / 4), f = phase_centre_hz, length
// phase_filter_seconds, coefficients rounded to integers that sum to exactly 0 (so a constant gives
// no phase). The default, 20 s, has its -6 dB points at f +- 0.05 Hz. Symmetric, hence a pure
// delay: the vector of a moment is the phase phase_filter_seconds / 2 before it.
//
// Missing samples count as the mean of the clean ones in the filter's reach; with fewer than
// phase_min_valid_share clean there is no phase. The sum is an exact integer unless something is
// missing; only sqrt and division follow.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PHASE_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PHASE_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "services/synchrony/params.h"
#include "services/synchrony/signal/grid.h"
#include "services/synchrony/signal/slots.h"

namespace attune::synchrony {

// cos and sin of a phase; both 0 when there is none.
struct UnitVector {
  double re = 0;
  double im = 0;
  bool valid() const { return re != 0 || im != 0; }
};

class PhaseFilter {
 public:
  explicit PhaseFilter(const Params& params);
  // Any band: 2 * half + 1 samples around centre_hz, a delay of `half` samples. Its -6 dB points
  // lie 2 / (half + 1) Hz to either side. 1 <= half <= 240.
  PhaseFilter(double centre_hz, int half, double min_valid_share);

  int length() const { return static_cast<int>(re_.size()); }  // samples, odd
  UnitVector Apply(const int16_t* values, const int16_t* masks) const;

  const std::vector<int16_t>& re() const { return re_; }
  const std::vector<int16_t>& im() const { return im_; }

 private:
  double min_valid_share_;
  std::vector<int16_t> re_;
  std::vector<int16_t> im_;
};

// A unit vector as two int16 in one int32 (the real part in the low half), of length kPhaseScale;
// 0: none. Sums of up to 255 products of two of them stay within int32: 2896^2 * 255 < 2^31.
inline constexpr int kPhaseScale = 2896;
int32_t PackPhase(const UnitVector& unit);

// One person's unit vectors of the last `size` moments; that of moment m is in slot m % size.
class PhaseRing {
 public:
  // It lies in `memory`, which must outlive it.
  PhaseRing(int size, int moment_seconds,
            std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // Brings the ring to moment `last` (which never falls); the grid must hold the samples of the
  // moments that are not known yet.
  void ExtendTo(int64_t last, const GridTrack& grid, const PhaseFilter& filter);
  // The same with a vector given for the next `moment`; for tests.
  void Give(int64_t moment, const UnitVector& unit);
  // Samples from `first` on changed.
  void ForgetFromSample(int64_t first);

  const Slots& slots() const { return slots_; }
  // Packed; slots().size() of them, padded with zeros to a multiple of 16.
  const int32_t* units() const { return units_.data(); }

  // What the last ExtendTo did: new - old, packed.
  struct Change {
    int slot;
    int32_t difference;
  };
  const std::pmr::vector<Change>& changes() const { return changes_; }

  // ExtendTo for the next moment will be called soon.
  void PrefetchNext() const {
    __builtin_prefetch(&units_[static_cast<size_t>(slots_.SlotOf(slots_.known() + 1))]);
    __builtin_prefetch(slots_.flags());
    __builtin_prefetch(changes_.data());
  }

  size_t MemoryBytes() const {
    return units_.capacity() * sizeof(int32_t) + changes_.capacity() * sizeof(Change) +
           slots_.MemoryBytes();
  }

 private:
  void Set(int64_t moment, const UnitVector& unit);

  int moment_samples_;
  Slots slots_;
  std::pmr::vector<int32_t> units_;
  std::pmr::vector<Change> changes_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PHASE_H_
