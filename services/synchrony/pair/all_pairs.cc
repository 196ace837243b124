#include "services/synchrony/pair/all_pairs.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "services/synchrony/kernel/layout.h"

namespace attune::synchrony {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();
constexpr LagScale kNoScale{0, 0, std::numeric_limits<double>::quiet_NaN()};
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
      scratch_(static_cast<size_t>(max_lag) + 1) {}

void AllPairs::Arrange() {
  lanes_ = people_ <= 4 ? 4 : people_ <= 8 ? 8 : people_ <= 16 ? 16 : kTileLanes;
  copies_ = kTileLanes / lanes_;
  first_lag_ = max_lag_ / 2 * 2 % (2 * copies_);
  // One row before the first sample and a vector of rows beyond the last.
  rows_ = static_cast<size_t>((length_ + max_lag_) / 2 + 2 + copies_);
}

template <typename Visit>
void AllPairs::ForLags(const Visit& visit) const {
  for (int lag = first_lag_; lag <= max_lag_; lag += 2 * copies_) {
    visit(lag);
    if (lag + 1 - 2 * (copies_ - 1) <= max_lag_) visit(lag + 1);
  }
}

const int32_t* AllPairs::Window(int panel, int lag, int first) const {
  const auto start = static_cast<size_t>(2 + max_lag_ - lag);
  const size_t row = (static_cast<size_t>(panel) * 2 + start % 2) * rows_ + start / 2;
  return &samples_[row * static_cast<size_t>(lanes_) + static_cast<size_t>(first)];
}

TileScales AllPairs::Scales(int panel, int lag, int first) const {
  const double* scales = &scales_[static_cast<size_t>(panel * (max_lag_ + 2) + lag) * 3 * kLanes +
                                  static_cast<size_t>(first)];
  return {scales, scales + kLanes, scales + 2 * kLanes};
}

void AllPairs::PackSamples(std::span<const int16_t* const> series) {
  const int total = length_ + max_lag_;
  const auto lanes = static_cast<size_t>(lanes_);
  const auto even_pairs = static_cast<size_t>(total / 2);
  const auto odd_pairs = static_cast<size_t>((total - 1) / 2);
  for (size_t person = 0; person < series.size(); person += 4) {
    // Where fewer than four are left the last one stands in for the others: nobody looks at those.
    const int16_t* x[4];
    const int16_t* later[4];
    for (size_t i = 0; i < 4; ++i) {
      x[i] = series[std::min(person + i, series.size() - 1)];
      later[i] = x[i] + 1;
    }
    int32_t* even = &samples_[(person / lanes * 2 * rows_ + 1) * lanes + person % lanes];
    int32_t* odd = even + rows_ * lanes;
    PackFour(x, static_cast<int>(even_pairs), lanes, even);
    PackFour(later, static_cast<int>(odd_pairs), lanes, odd);
    // The newest sample, which begins no pair.
    int32_t* last = total % 2 != 0 ? even + even_pairs * lanes : odd + odd_pairs * lanes;
    for (size_t i = 0; i < 4; ++i) last[i] = PackPair(x[i][total - 1], 0);
  }
}

void AllPairs::PackScales(std::span<const int16_t* const> series) {
  const auto lanes = static_cast<size_t>(lanes_);
  for (size_t person = 0; person < series.size(); ++person) {
    ComputeLagScales(series[person], length_, max_lag_, scratch_.data());
    const int panel = static_cast<int>(person / lanes);
    ForLags([&](int first) {
      double* scales = &scales_[static_cast<size_t>(panel * (max_lag_ + 2) + first) * 3 * kLanes +
                                person % lanes];
      for (int lag = first; lag > first - 2 * copies_; lag -= 2, scales += lanes) {
        // What is no number is never the largest.
        const LagScale scale =
            lag >= 0 && lag <= max_lag_ ? scratch_[static_cast<size_t>(lag)] : kNoScale;
        scales[0] = scale.mean;
        scales[kLanes] = scale.slope;
        scales[2 * kLanes] = scale.inverse;
        if (scale.inverse == 0) flat_[person] |= lag == 0 ? kFlatNow : kFlatBefore;
      }
    });
  }
}

void AllPairs::Compute(std::span<const int16_t* const> series) {
  people_ = static_cast<int>(series.size());
  panels_ = RoundUp(people_, kTileLanes) / kTileLanes;
  const auto panels = static_cast<size_t>(panels_);
  // Zeros where nobody stands and beyond the newest sample: an odd length needs one more.
  if (flat_.size() != series.size()) {
    Arrange();
    samples_.assign(panels * 2 * rows_ * static_cast<size_t>(lanes_), 0);
    scales_.assign(panels * (static_cast<size_t>(max_lag_) + 2) * 3 * kLanes, 0);
  }
  flat_.assign(series.size(), 0);
  PackSamples(series);
  PackScales(series);
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

void AllPairs::Tile(int row_panel, int first_row, int rows, int row_lag, int lane_panel,
                    int lane_lag, int lag, Best* best) const {
  alignas(64) int32_t dots[kTileRows * kTileLanes];
  const int row_count = rows - first_row <= kTileRows / 2 ? kTileRows / 2 : kTileRows;
  kernels_.tile_dots(Window(row_panel, row_lag, first_row), row_count,
                     Window(lane_panel, lane_lag, 0), lanes_, (length_ + 1) / 2, dots);
  // Rows are seen once, at lag 0 or at the lag that the first of the copies stands for.
  const TileScales row_scales =
      row_lag == 0 ? Scales(row_panel, first_lag_, lanes_ * first_lag_ / 2 + first_row)
                   : Scales(row_panel, row_lag, first_row);
  kernels_.tile_best(dots, row_count, row_scales, Scales(lane_panel, lane_lag, 0), lag, best->r,
                     best->lag);
}

void AllPairs::Rectangle(int row_panel, int lane_panel) {
  const int rows = std::min(kTileLanes, people_ - row_panel * kTileLanes);
  Best best;
  for (int first = 0; first < rows; first += kTileRows) {
    best.Clear();
    Tile(row_panel, first, rows, 0, lane_panel, 0, 0, &best);
    best.RememberZero();
    for (int k = 1; k <= max_lag_; ++k) {
      // The lanes are the earlier people: a positive lag looks back on them (pair/lagged.h).
      Tile(row_panel, first, rows, 0, lane_panel, k, k, &best);
      Tile(row_panel, first, rows, k, lane_panel, 0, -k, &best);
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
    ForLags([&](int lag) {
      Tile(panel, first, people, 0, panel, lag, lag, &rows);
      if (lag == first_lag_) rows.RememberZero();
    });
  }
  const size_t block = Block(panel, panel);
  const int zero = first_lag_ / 2 * lanes_;  // where lag 0 stands
  for (int a = 0; a < people; ++a) {
    const Best& back_on_b = best[a / kTileRows];
    const int row_a = a % kTileRows * kTileLanes;
    for (int b = a + 1; b < people; ++b) {
      const Best& back_on_a = best[b / kTileRows];
      const int at_b = row_a + b, at_a = b % kTileRows * kTileLanes + a;
      // Of equals the lag nearest 0, the negative one last. Without branches: nobody can guess
      // them.
      double r = back_on_a.r[at_a];
      int lag = static_cast<int>(back_on_a.lag[at_a]);
      const auto consider = [&r, &lag](double other_r, int other_lag) {
        const bool nearer =
            2 * std::abs(other_lag) - (other_lag > 0) < 2 * std::abs(lag) - (lag > 0);
        const bool better = (other_r > r) | ((other_r == r) & nearer);
        r = std::max(r, other_r);
        lag = better ? other_lag : lag;
      };
      consider(back_on_b.r[at_b], -static_cast<int>(back_on_b.lag[at_b]));
      for (int c = 1; c < copies_; ++c) {
        const int copy = c * lanes_;
        consider(back_on_a.r[at_a + copy], static_cast<int>(back_on_a.lag[at_a + copy]) - 2 * c);
        consider(back_on_b.r[at_b + copy], 2 * c - static_cast<int>(back_on_b.lag[at_b + copy]));
      }
      const size_t at = block + static_cast<size_t>(a) * kLanes + static_cast<size_t>(b);
      r_zero_[at] = back_on_b.zero[at_b + zero];
      r_peak_[at] = r;
      lag_[at] = static_cast<int16_t>(lag);
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
