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

#include <cstdint>
#include <vector>

#include "services/synchrony/pair/lag_scales.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/grid.h"

namespace attune::synchrony {

// What one person brings to every pair at one tick: the windows 0..max_lag samples back.
class LaggedWindows {
 public:
  explicit LaggedWindows(const Params& params);

  // The grid must hold lagged_window + lagged_max_lag samples ending with `last`, and stay as it is
  // while this is in use.
  void Update(const GridTrack& grid, int64_t last);

 private:
  friend class LaggedCorrelation;
  const int16_t* Values(int lag) const { return values_ + max_lag_ - lag; }
  const int16_t* Masks(int lag) const { return masks_ + max_lag_ - lag; }

  int length_;
  int max_lag_;
  std::vector<int16_t> u_;  // 2 i - (length - 1)
  const int16_t* values_ = nullptr;
  const int16_t* masks_ = nullptr;
  // By lag.
  std::vector<uint8_t> complete_;
  std::vector<LagScale> scales_;  // of the complete ones
};

class LaggedCorrelation {
 public:
  explicit LaggedCorrelation(const Params& params);

  struct Cell {
    bool valid = false;
    double r = 0;  // rounding may take it beyond +-1 in the last places: clamp what is shown
  };
  // Cells by lag -max_lag..max_lag, both windows updated to the same sample.
  void Compute(const LaggedWindows& a, const LaggedWindows& b, std::vector<Cell>* cells) const;

 private:
  Cell One(const LaggedWindows& a, int lag_a, const LaggedWindows& b, int lag_b) const;

  int length_;
  int max_lag_;
  int min_valid_;
};

// The largest r, clamped to +-1, and its lag; of equals the lag nearest 0, the negative one last.
// False unless every cell is valid.
bool FindPeak(const std::vector<LaggedCorrelation::Cell>& cells, double* r, int* lag);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_LAGGED_H_
