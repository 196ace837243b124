// The kernels in plain C++: what they mean, and what runs where nothing better does. The compiler
// may use vectors; integers and separate double operations come out the same.
#include <cstdint>

#include "services/synchrony/kernel/tables.h"

namespace attune::synchrony {
namespace {

int32_t Low(int32_t pair) { return static_cast<int16_t>(static_cast<uint32_t>(pair) & 0xffff); }
int32_t High(int32_t pair) { return pair >> 16; }
int32_t Product(int32_t x, int32_t y) { return Low(x) * Low(y) + High(x) * High(y); }

void LaggedDots(const int16_t* base, const int32_t* back, int length, int lags, int32_t* out) {
  for (int k = 0; k < lags; ++k) out[k] = 0;
  const int steps = length / 2;
  for (int s = 0; s < steps; ++s) {
    const int32_t low = base[2 * s];
    const int32_t high = base[2 * s + 1];
    const int32_t* y = back + (length - 2 - 2 * s);
    for (int k = 0; k < lags; ++k) out[k] += low * Low(y[k]) + high * High(y[k]);
  }
  if (length % 2 == 0) return;
  for (int k = 0; k < lags; ++k) out[k] += base[length - 1] * High(back[k]);
}

void TileDots(const int32_t* rows, int row_count, const int32_t* lanes, int stride, int steps,
              int32_t* dots) {
  for (int i = 0; i < row_count * kTileLanes; ++i) dots[i] = 0;
  for (int s = 0; s < steps; ++s, rows += stride, lanes += stride) {
    for (int r = 0; r < row_count; ++r) {
      int32_t* out = dots + r * kTileLanes;
      for (int l = 0; l < kTileLanes; ++l) out[l] += Product(rows[r], lanes[l]);
    }
  }
}

void TileBest(const int32_t* dots, int row_count, const TileScales& rows, const TileScales& lanes,
              double lag, double* best, double* best_lag) {
  for (int r = 0; r < row_count; ++r) {
    const double mean = rows.mean[r];
    const double slope = rows.slope[r];
    const double inverse = rows.inverse[r];
    const int at = r * kTileLanes;
    for (int l = 0; l < kTileLanes; ++l) {
      const double covariance = (dots[at + l] - mean * lanes.mean[l]) - slope * lanes.slope[l];
      const double value = covariance * (inverse * lanes.inverse[l]);
      const bool larger = value > best[at + l];
      best[at + l] = larger ? value : best[at + l];
      best_lag[at + l] = larger ? lag : best_lag[at + l];
    }
  }
}

void CrossRows(const int16_t* const* rows, int row_count, const int32_t* blocks, int block_count,
               int32_t* out) {
  for (int r = 0; r < row_count; ++r) {
    const int32_t* block = blocks;
    for (int b = 0; b < block_count; ++b, out += kBlockWindows) {
      for (int w = 0; w < kBlockWindows; ++w) out[w] = 0;
      for (int p = 0; p < kRowPairs; ++p, block += kBlockWindows) {
        const int32_t low = rows[r][2 * p];
        const int32_t high = rows[r][2 * p + 1];
        for (int w = 0; w < kBlockWindows; ++w) {
          out[w] += low * Low(block[w]) + high * High(block[w]);
        }
      }
    }
  }
}

void Add(const int32_t* values, int count, int sign, int64_t* sums) {
  for (int i = 0; i < count; ++i) sums[i] += int64_t{sign} * values[i];
}

void AddReversed(const int32_t* values, int count, int sign, int64_t* sums) {
  for (int i = 0; i < count; ++i) sums[i] += int64_t{sign} * values[count - 1 - i];
}

void CrossUnits(int32_t one, const int32_t* others, int count, int32_t* re, int32_t* im) {
  const int32_t one_re = Low(one);
  const int32_t one_im = High(one);
  for (int i = 0; i < count; ++i) {
    const int32_t other_re = Low(others[i]);
    const int32_t other_im = High(others[i]);
    re[i] = one_re * other_re + one_im * other_im;
    im[i] = one_im * other_re - one_re * other_im;
  }
}

void AddRows(const int16_t* const* rows, int count, int length, int32_t* sums) {
  for (int r = 0; r < count; ++r) {
    const int16_t* row = rows[r];
    for (int i = 0; i < length; ++i) sums[i] += row[i];
  }
}

int64_t SumOfSquares(const int32_t* values, int count) {
  int64_t sum = 0;
  for (int i = 0; i < count; ++i) sum += int64_t{values[i]} * values[i];
  return sum;
}

int32_t SumOfSquares16(const int16_t* values, int count) {
  int32_t sum = 0;
  for (int i = 0; i < count; ++i) sum += int32_t{values[i]} * int32_t{values[i]};
  return sum;
}

void NearMoments(const MomentRows& rows, size_t lag, size_t words, int32_t sure_at_most,
                 int32_t never_from, uint64_t* sure, uint64_t* may) {
  for (size_t w = 0; w < words; ++w) {
    const size_t first = w * kMomentsPerWord;
    int32_t gram[kMomentsPerWord] = {};
    const int32_t* pairs = rows.pairs + first;
    for (int p = 0; p < rows.count; ++p, pairs += rows.stride) {
      for (size_t i = 0; i < kMomentsPerWord; ++i) gram[i] += Product(pairs[i], pairs[i + lag]);
    }
    const int32_t* norms = rows.norms + first;
    sure[w] = may[w] = 0;
    for (size_t i = 0; i < kMomentsPerWord; ++i) {
      const int32_t squared = norms[i] + norms[i + lag] - 2 * gram[i];
      sure[w] |= uint64_t{squared <= sure_at_most} << i;
      may[w] |= uint64_t{squared < never_from} << i;
    }
  }
}

}  // namespace

extern constexpr Kernels kPortableKernels = {
    .lagged_dots = LaggedDots,
    .tile_dots = TileDots,
    .tile_best = TileBest,
    .cross_rows = CrossRows,
    .add = Add,
    .add_reversed = AddReversed,
    .cross_units = CrossUnits,
    .add_rows = AddRows,
    .sum_of_squares = SumOfSquares,
    .sum_of_squares_16 = SumOfSquares16,
    .near_moments = NearMoments,
};

}  // namespace attune::synchrony
