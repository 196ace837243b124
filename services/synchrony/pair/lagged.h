// Windowed lagged cross-correlation of two people, on the integer grid, line removed per window.
//
// Geometry and sign (Boker et al. 2002, as in cran/wcc): the LATER series is the base window ending
// now, the other looks back. lag l >= 0: r(a[t - l], b[t]), lag l < 0: r(a[t], b[t - |l|]); so a
// positive lag means that b follows a. From each of the two windows of a cell its own least-squares
// line is removed. Samples missing in either are left out of the cell (pairwise deletion), line
// included.
//
// All sums are exact integers; r differs from the double computation on the same integers by
// rounding in the last places only.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_LAGGED_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_LAGGED_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/pair/lag_scales.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/grid.h"

namespace attune::synchrony {

// Params::Valid() allows no longer lag.
inline constexpr int kMostLag = 500;

// What one person brings to every pair at one tick: the windows 0..max_lag samples back.
class LaggedWindows {
 public:
  // What it holds lies in `memory`, which must outlive it.
  explicit LaggedWindows(const Params& params,
                         std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // What one of them takes of `memory` while no sample is missing.
  static size_t Bytes(const Params& params);

  // The grid must hold lagged_window + lagged_max_lag samples ending with `last`, and stay as it is
  // while this is in use.
  void Update(const GridTrack& grid, int64_t last);

  size_t MemoryBytes() const {
    return sizeof(*this) + (back_.capacity() + missing_.capacity()) * sizeof(int32_t) +
           (x_.capacity() + ux_.capacity() + xx_.capacity()) * sizeof(int64_t) +
           scales_.capacity() * sizeof(LagScale);
  }

 private:
  friend class LaggedCorrelation;
  void SumUp();

  int length_;
  int max_lag_;
  const int16_t* values_ = nullptr;  // length + max_lag, oldest first
  const int16_t* masks_ = nullptr;
  std::pmr::vector<int32_t> back_;     // the same, packed for the kernel
  std::pmr::vector<int32_t> missing_;  // positions without a value
  std::pmr::vector<LagScale> scales_;  // by lag; only if nothing is missing
  bool flat_ = false;                  // one of them is
  // By lag, once they are needed: sums of x, u x and x x over the window, u = 2 i - (length - 1).
  bool summed_up_ = false;
  std::pmr::vector<int64_t> x_, ux_, xx_;
};

class LaggedCorrelation {
 public:
  LaggedCorrelation(const Params& params, const Kernels& kernels);

  // r by lag -max_lag..max_lag, NaN where there is none; both windows updated to the same sample.
  // Rounding may take r beyond +-1 in the last places: clamp what is shown.
  void Compute(LaggedWindows& a, LaggedWindows& b, std::vector<double>* r) {
    r->resize(static_cast<size_t>(2 * max_lag_ + 1));
    Compute(a, b, r->data());
  }
  // The same into 2 * max_lag + 1 values.
  void Compute(LaggedWindows& a, LaggedWindows& b, double* r) const;

 private:
  // The cells of `base` now and `past` 0, 1 .. max_lag samples ago; to r[0], r[step], r[2 step] ...
  void OneSide(LaggedWindows& base, LaggedWindows& past, double* r, int step) const;
  double WithoutMissing(const LaggedWindows& base, const LaggedWindows& past, int lag,
                        int32_t dot) const;

  const Kernels& kernels_;
  int length_;
  int max_lag_;
  int min_valid_;
  int64_t uu_;  // sum of u u over a whole window
};

// The largest r, clamped to +-1, and its lag; of equals the lag nearest 0, the negative one last.
// False unless every cell has a value.
bool FindPeak(std::span<const double> r, double* peak, int* lag);

// One standard error of the lag of the peak, in samples, from the noise alone: the Cramer-Rao bound
// of a delay between two noisy copies (Quazi 1981), var = (1 - r^2) / (r^2 B N), with B the mean
// square bandwidth, read from the curve at its peak (-r'' / r), and N the independent samples in
// `window` samples, of a curve that is a bell of that width there: N = window sqrt(B / pi).
// At most that of a lag of which nothing is known, and that also where the curve has no peak (at
// its ends, or r <= 0).
double LagStandardError(std::span<const double> r, int lag, int window);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_LAGGED_H_
