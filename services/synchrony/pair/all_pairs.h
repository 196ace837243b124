// The lagged correlation of pair/lagged.h for all pairs of many people at one tick: r at lag 0, the
// largest r and its lag, bit for bit what LaggedCorrelation and FindPeak give. For people without
// missing samples; from some 16 people on it is faster than pair by pair.
//
// Nothing is kept from tick to tick: everything is computed anew from the last lagged_window +
// lagged_max_lag samples, N (N - 1) / 2 * 41 correlations of 240 samples each by default.
//
// Memory: people stand side by side in panels of 32, samples as pairs at even and at odd times, 4
// bytes a sample: 1,040 bytes a person by default; scales 504 bytes a person; 18 bytes a pair of
// results. 1,000 people: 1.6 MB and 10 MB.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_ALL_PAIRS_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_ALL_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "services/synchrony/kernel/aligned.h"
#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/pair/lag_scales.h"

namespace attune::synchrony {

class AllPairs {
 public:
  // `kernels` must outlive this. Sizes as in Params, which must be Valid().
  AllPairs(int length, int max_lag, const Kernels& kernels);

  // series[i]: person i's max_lag + length samples, oldest first, none of them missing.
  void Compute(std::span<const int16_t* const> series);

  int people() const { return people_; }

  struct Pair {
    bool r_zero_valid = false;  // both windows vary
    bool r_peak_valid = false;  // so do all that are looked back upon
    double r_zero = 0;
    double r_peak = 0;
    int lag = 0;  // samples; positive: b follows a
  };
  // 0 <= a < b < people().
  Pair At(int a, int b) const;

  size_t MemoryBytes() const;

 private:
  struct Best;

  // Results come in blocks of 32 rows by 32 lanes: where that of two panels begins, and where the
  // pair a < b lies. Within a panel a is the row, of two panels the later one is.
  static size_t Block(int row_panel, int lane_panel) {
    const auto row = static_cast<size_t>(row_panel);
    return (row * (row + 1) / 2 + static_cast<size_t>(lane_panel)) * kTileLanes * kTileLanes;
  }
  static size_t Cell(int a, int b) {
    const int panel_a = a / kTileLanes, panel_b = b / kTileLanes;
    const int row = panel_a == panel_b ? a : b, lane = panel_a == panel_b ? b : a;
    return Block(panel_b, panel_a) + static_cast<size_t>(row % kTileLanes * kTileLanes) +
           static_cast<size_t>(lane % kTileLanes);
  }
  // First pair of the window `lag` samples back, person `first` of the panel.
  const int32_t* Window(int panel, int lag, int first) const;
  TileScales Scales(int panel, int lag, int first) const;

  void Pack(std::span<const int16_t* const> series);
  void Diagonal(int panel);                       // pairs within a panel
  void Rectangle(int row_panel, int lane_panel);  // pairs of two panels
  // One lag of eight rows, the looked back upon being the rows or the lanes.
  void Tile(int row_panel, int first_row, int row_lag, int lane_panel, int lane_lag, int lag,
            Best* best) const;
  void Keep(const Best& best, size_t at);

  int length_;
  int max_lag_;
  const Kernels& kernels_;
  int people_ = 0;
  int panels_ = 0;
  // [panel][parity of the first sample][pair][kTileLanes].
  size_t pairs_per_parity_;
  AlignedVector<int32_t> samples_;
  // [panel][lag][mean, slope, inverse][kTileLanes].
  AlignedVector<double> scales_;
  std::vector<LagScale> scratch_;
  std::vector<uint8_t> flat_;  // by person: bits kFlatNow, kFlatBefore
  // By Cell().
  std::vector<double> r_zero_;
  std::vector<double> r_peak_;
  std::vector<int16_t> lag_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_ALL_PAIRS_H_
