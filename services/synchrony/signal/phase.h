// Phase of the low-frequency waves (0.04-0.15 Hz), one unit vector a second.
//
// A complex FIR: Hann window times exp(i 2 pi f k / 4), f = phase_centre_hz, length
// phase_filter_seconds, coefficients rounded to integers that sum to exactly 0 (so a constant gives
// no phase). The default, 20 s, has its -6 dB points at f +- 0.05 Hz. Symmetric, hence a pure
// delay: the vector of second m is the phase at m - phase_filter_seconds / 2.
//
// Missing samples count as the mean of the clean ones in the filter's reach; with fewer than
// phase_min_valid_share clean there is no phase. The sum is an exact integer unless something is
// missing; only sqrt and division follow.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PHASE_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PHASE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/params.h"
#include "services/synchrony/signal/grid.h"

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

// One person's unit vectors of seconds [begin, end), computed once each.
class PhaseTrack {
 public:
  explicit PhaseTrack(int keep) : keep_(keep) {}

  void ExtendTo(int64_t last, const GridTrack& grid, const PhaseFilter& filter);
  void TruncateFromSample(int64_t first);

  int64_t begin() const { return begin_; }
  int64_t end() const { return begin_ + static_cast<int64_t>(units_.size()); }
  // Vectors of consecutive seconds follow each other.
  const UnitVector* at(int64_t second) const {
    return &units_[static_cast<size_t>(second - begin_)];
  }

  size_t MemoryBytes() const { return units_.capacity() * sizeof(UnitVector); }

 private:
  int keep_;
  int64_t begin_ = 0;
  std::vector<UnitVector> units_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PHASE_H_
