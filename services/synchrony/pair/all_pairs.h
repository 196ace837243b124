// The lagged correlation of pair/lagged.h for all pairs of many people at one tick: r at lag 0, the
// largest r and its lag, bit for bit what LaggedCorrelation and FindPeak give. For people without
// missing samples; from four people on it is faster than pair by pair.
//
// Nothing is kept from tick to tick: everything is computed anew from the last lagged_window +
// lagged_max_lag samples, N (N - 1) / 2 * 41 correlations of 240 samples each by default.
//
// How: people stand side by side in panels of 32, samples as pairs, those that begin at even
// samples apart from those at odd ones. Up to 16 people stand in 4, 8 or 16 lanes: a vector of 32
// then holds several rows of such a panel, that is everybody at several lags, two samples apart.
//
// Memory: 4 bytes a sample, 1,060 bytes a person by default; scales 504 bytes a person; 18 bytes a
// pair of results. 1,000 people: 1.6 MB and 10 MB.
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

  // Chooses lanes_ and what follows from it.
  void Arrange();
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
  // Lane c * lanes_ + i of a window is person i, `lag` - 2 c samples back; lag <= max_lag + 1.
  const int32_t* Window(int panel, int lag, int first) const;
  TileScales Scales(int panel, int lag, int first) const;
  // Calls visit(lag) so that all lanes together see every lag, each lane its lags rising, and the
  // first visit sees lag 0. What else they see is not valid: its scale is NaN.
  template <typename Visit>
  void ForLags(const Visit& visit) const;

  void PackSamples(std::span<const int16_t* const> series);
  void PackScales(std::span<const int16_t* const> series);
  void Diagonal(int panel);                       // pairs within a panel
  void Rectangle(int row_panel, int lane_panel);  // pairs of two panels
  // One lag of up to eight rows of the `rows` in their panel. One of the lags is 0.
  void Tile(int row_panel, int first_row, int rows, int row_lag, int lane_panel, int lane_lag,
            int lag, Best* best) const;
  void Keep(const Best& best, size_t at);

  int length_;
  int max_lag_;
  const Kernels& kernels_;
  int people_ = 0;
  int panels_ = 0;
  int lanes_ = kTileLanes;  // people a panel
  int copies_ = 1;          // kTileLanes / lanes_
  int first_lag_ = 0;       // of the first visit; its copy first_lag_ / 2 is lag 0
  size_t rows_ = 0;         // of one parity
  // [panel][parity of the first sample][row][lanes_].
  AlignedVector<int32_t> samples_;
  // [panel][lag][mean, slope, inverse][kTileLanes], only lags that are visited.
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
