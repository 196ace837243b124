#include "services/synchrony/pair/all_pairs.h"

#include <algorithm>
#include <limits>

#include "services/synchrony/kernel/layout.h"

namespace attune::synchrony {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();
constexpr size_t kLanes = kTileLanes;
constexpr uint8_t kFlatNow = 1;
constexpr uint8_t kFlatBefore = 2;

}  // namespace

// The running best of eight rows against 32 lanes.
struct alignas(64) AllPairs::Best {
  double r[kTileRows * kTileLanes];
  double lag[kTileRows * kTileLanes];
  double zero[kTileRows * kTileLanes];

  void Clear() {
    std::fill_n(r, kTileRows * kTileLanes, kNone);
    std::fill_n(lag, kTileRows * kTileLanes, 0.0);
  }
  // To be called when lag 0 has been seen and nothing else.
  void RememberZero() { std::copy_n(r, kTileRows * kTileLanes, zero); }
};

AllPairs::AllPairs(int length, int max_lag, const Kernels& kernels)
    : length_(length),
      max_lag_(max_lag),
      kernels_(kernels),
      // The last window may begin at an odd sample and have an odd length.
      pairs_per_parity_(static_cast<size_t>(RoundUp(length + max_lag + 2, 2)) / 2),
      scratch_(static_cast<size_t>(max_lag) + 1) {}

const int32_t* AllPairs::Window(int panel, int lag, int first) const {
  const auto start = static_cast<size_t>(max_lag_ - lag);
  const size_t stream = static_cast<size_t>(panel) * 2 + start % 2;
  return &samples_[(stream * pairs_per_parity_ + start / 2) * kLanes + static_cast<size_t>(first)];
}

TileScales AllPairs::Scales(int panel, int lag, int first) const {
  const double* scales =
      &scales_[(static_cast<size_t>(panel) * (static_cast<size_t>(max_lag_) + 1) +
                static_cast<size_t>(lag)) *
                   3 * kLanes +
               static_cast<size_t>(first)];
  return {scales, scales + kLanes, scales + 2 * kLanes};
}

void AllPairs::Pack(std::span<const int16_t* const> series) {
  const int total = length_ + max_lag_;
  const auto lags = static_cast<size_t>(max_lag_) + 1;
  // Zeros where nobody stands and beyond the newest sample: an odd length needs one more.
  if (flat_.size() != series.size()) {
    samples_.assign(static_cast<size_t>(panels_) * 2 * pairs_per_parity_ * kLanes, 0);
    scales_.assign(static_cast<size_t>(panels_) * lags * 3 * kLanes, 0);
  }
  flat_.assign(series.size(), 0);
  for (size_t person = 0; person < series.size(); ++person) {
    const int16_t* x = series[person];
    const size_t panel = person / kLanes, lane = person % kLanes;
    int32_t* even = &samples_[panel * 2 * pairs_per_parity_ * kLanes + lane];
    int32_t* odd = even + pairs_per_parity_ * kLanes;
    for (int t = 0; t + 1 < total; t += 2, even += kLanes) *even = PackPair(x[t], x[t + 1]);
    if (total % 2 != 0) *even = PackPair(x[total - 1], 0);
    for (int t = 1; t + 1 < total; t += 2, odd += kLanes) *odd = PackPair(x[t], x[t + 1]);
    if (total % 2 == 0) *odd = PackPair(x[total - 1], 0);

    ComputeLagScales(x, length_, max_lag_, scratch_.data());
    double* scales = &scales_[panel * lags * 3 * kLanes + lane];
    for (size_t lag = 0; lag < lags; ++lag, scales += 3 * kLanes) {
      scales[0] = scratch_[lag].mean;
      scales[kLanes] = scratch_[lag].slope;
      scales[2 * kLanes] = scratch_[lag].inverse;
      if (scratch_[lag].inverse == 0) flat_[person] |= lag == 0 ? kFlatNow : kFlatBefore;
    }
  }
}

void AllPairs::Compute(std::span<const int16_t* const> series) {
  people_ = static_cast<int>(series.size());
  panels_ = RoundUp(people_, kTileLanes) / kTileLanes;
  Pack(series);
  const auto panels = static_cast<size_t>(panels_);
  const size_t cells = panels * (panels + 1) / 2 * kLanes * kLanes;
  r_zero_.resize(cells);
  r_peak_.resize(cells);
  lag_.resize(cells);
  for (int j = 0; j < panels_; ++j) {
    // Rows come in eights, lanes in 32: the last panel, which may not be full, had better be rows.
    for (int i = 0; i < j; ++i) Rectangle(j, i);
    Diagonal(j);
  }
}

void AllPairs::Tile(int row_panel, int first_row, int row_lag, int lane_panel, int lane_lag,
                    int lag, Best* best) const {
  alignas(64) int32_t dots[kTileRows * kTileLanes];
  kernels_.tile_dots(Window(row_panel, row_lag, first_row), Window(lane_panel, lane_lag, 0),
                     (length_ + 1) / 2, dots);
  kernels_.tile_best(dots, Scales(row_panel, row_lag, first_row), Scales(lane_panel, lane_lag, 0),
                     lag, best->r, best->lag);
}

void AllPairs::Rectangle(int row_panel, int lane_panel) {
  const int rows = std::min(kTileLanes, people_ - row_panel * kTileLanes);
  Best best;
  for (int first = 0; first < rows; first += kTileRows) {
    best.Clear();
    Tile(row_panel, first, 0, lane_panel, 0, 0, &best);
    best.RememberZero();
    for (int k = 1; k <= max_lag_; ++k) {
      // The lanes are the earlier people: a positive lag looks back on them (pair/lagged.h).
      Tile(row_panel, first, 0, lane_panel, k, k, &best);
      Tile(row_panel, first, k, lane_panel, 0, -k, &best);
    }
    Keep(best, Block(row_panel, lane_panel) + static_cast<size_t>(first) * kLanes);
  }
}

void AllPairs::Diagonal(int panel) {
  const int people = std::min(kTileLanes, people_ - panel * kTileLanes);
  Best best[kTileLanes / kTileRows];
  // Every ordered pair, so lags one way only: lane looked back upon.
  for (int first = 0; first < people; first += kTileRows) {
    Best& rows = best[first / kTileRows];
    rows.Clear();
    Tile(panel, first, 0, panel, 0, 0, &rows);
    rows.RememberZero();
    for (int k = 1; k <= max_lag_; ++k) Tile(panel, first, 0, panel, k, k, &rows);
  }
  const size_t block = Block(panel, panel);
  for (int a = 0; a < people; ++a) {
    for (int b = a + 1; b < people; ++b) {
      const Best& back_on_b = best[a / kTileRows];
      const Best& back_on_a = best[b / kTileRows];
      const int at_b = a % kTileRows * kTileLanes + b;
      const int at_a = b % kTileRows * kTileLanes + a;
      const double behind = back_on_b.r[at_b], ahead = back_on_a.r[at_a];
      // Of equals the lag nearest 0, the negative one last.
      const bool take_ahead =
          ahead > behind || (ahead == behind && back_on_a.lag[at_a] <= back_on_b.lag[at_b]);
      const size_t at = block + static_cast<size_t>(a) * kLanes + static_cast<size_t>(b);
      r_zero_[at] = back_on_b.zero[at_b];
      r_peak_[at] = take_ahead ? ahead : behind;
      lag_[at] = static_cast<int16_t>(take_ahead ? back_on_a.lag[at_a] : -back_on_b.lag[at_b]);
    }
  }
}

void AllPairs::Keep(const Best& best, size_t at) {
  constexpr int kCells = kTileRows * kTileLanes;
  std::copy_n(best.zero, kCells, &r_zero_[at]);
  std::copy_n(best.r, kCells, &r_peak_[at]);
  for (size_t i = 0; i < kCells; ++i) lag_[at + i] = static_cast<int16_t>(best.lag[i]);
}

AllPairs::Pair AllPairs::At(int a, int b) const {
  const size_t i = Cell(a, b);
  const int flat = flat_[static_cast<size_t>(a)] | flat_[static_cast<size_t>(b)];
  Pair pair;
  pair.r_zero_valid = (flat & kFlatNow) == 0;
  pair.r_peak_valid = flat == 0;
  if (pair.r_zero_valid) pair.r_zero = std::clamp(r_zero_[i], -1.0, 1.0);
  if (pair.r_peak_valid) {
    pair.r_peak = std::clamp(r_peak_[i], -1.0, 1.0);
    pair.lag = lag_[i];
  }
  return pair;
}

size_t AllPairs::MemoryBytes() const {
  return samples_.capacity() * sizeof(int32_t) + scales_.capacity() * sizeof(double) +
         flat_.capacity() + (r_zero_.capacity() + r_peak_.capacity()) * sizeof(double) +
         lag_.capacity() * sizeof(int16_t);
}

}  // namespace attune::synchrony
