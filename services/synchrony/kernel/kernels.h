// The integer inner loops of every pair and group measure, one table of functions per path.
//
// All results are exact integers, or doubles made by a fixed sequence of IEEE multiplications,
// subtractions and comparisons: every path gives the same bits (kernel_test).
//
// Pointers need the alignment of their type only. Buffers must be as long as stated, padding
// included: a path may read all of it. Buffers at addresses that are multiples of 64 bytes are
// faster. Input and output must not overlap. No state: any thread may call anything.
//
// "Pair" of samples: two int16 in one int32, the earlier (or: real) one in the low half.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_KERNELS_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "services/synchrony/kernel/path.h"

namespace attune::synchrony {

// A vector of lags, of windows, of people: what the widest path handles at once.
inline constexpr int kLagLanes = 32;
inline constexpr int kBlockWindows = 16;
inline constexpr int kTileRows = 8;
inline constexpr int kTileLanes = 32;
// A row is a 15-s window of 60 samples, padded with zeros (signal/windows.h).
inline constexpr int kRowPairs = 32;

// What the cells of one tile are normalised with: kTileRows or kTileLanes values each; see
// pair/lag_scales.h.
struct TileScales {
  const double* mean;     // sum of the window / sqrt(length)
  const double* slope;    // sum of u x / sqrt(sum of u u)
  const double* inverse;  // 1 / sqrt(sum of squares about the line)
};

// Moments of a multivariate series as vectors of integers, two columns to a pair, with their
// squared lengths.
struct MomentRows {
  const int32_t* pairs;  // pair p of moment t: pairs[p * stride + t], p < count
  int count;
  size_t stride;
  const int32_t* norms;  // by moment
};
inline constexpr int kMomentsPerWord = 64;

struct Kernels {
  // ONE PAIR OF PEOPLE, many lags.
  //   out[k] = sum over i < length of base[i] * past[i - k],  k = 0..lags-1,
  // where `back` is PackBack() of the lags - 1 + length samples of `past` (layout.h). `base` is
  // exactly `length` long; any length >= 2, any lags >= 1; out[] has RoundUp(lags, kLagLanes).
  // |x| <= 2047 and length <= 500: 2047^2 * 500 = 2.095e9 < 2^31.
  void (*lagged_dots)(const int16_t* base, const int32_t* back, int length, int lags, int32_t* out);

  // MANY PEOPLE, one lag at a time (used through pair/all_pairs.h).
  //   dots[r * kTileLanes + l] = sum over s < steps of rows[s * stride + r] . lanes[s * stride +
  //   l], r < row_count, l < kTileLanes; row_count is kTileRows or half of it;
  // where . is the product of two pairs: low * low + high * high. Rows may be a part of the lanes.
  // The same bound, with length = 2 * steps.
  void (*tile_dots)(const int32_t* rows, int row_count, const int32_t* lanes, int stride, int steps,
                    int32_t* dots);
  // r = ((dot - mean * mean) - slope * slope) * (inverse * inverse) of each cell, in this order;
  // where r > best: best = r, best_lag = lag. Where an inverse is NaN nothing changes.
  void (*tile_best)(const int32_t* dots, int row_count, const TileScales& rows,
                    const TileScales& lanes, double lag, double* best, double* best_lag);

  // WINDOWS, one row against many.
  //   out[w] = row . window w,  w = 0..block_count * kBlockWindows - 1,
  // for `row_count` rows at once (the blocks are then read once): row r's results begin at
  // out[r * block_count * kBlockWindows]. rows[r] is a row of 64 samples; blocks as SetBlockRow()
  // (layout.h) fills them. Rows of length 2^14 (signal/windows.h): |dot| and every part of it stay
  // within 2^28 + 2^20. Any rows with |x| <= 2^12 are fine too: 2^24 * 64 = 2^30.
  void (*cross_rows)(const int16_t* const* rows, int row_count, const int32_t* blocks,
                     int block_count, int32_t* out);

  // sums[i] += sign * values[i], i = 0..count-1; sign is 1 or -1.
  void (*add)(const int32_t* values, int count, int sign, int64_t* sums);
  // sums[i] += sign * values[count - 1 - i].
  void (*add_reversed)(const int32_t* values, int count, int sign, int64_t* sums);

  // UNIT VECTORS: complex numbers as a pair (real, imaginary), at most 2^14 each (PackUnit).
  //   re[i] + i im[i] = one * conj(others[i]),  i = 0..count-1;
  // |re|, |im| <= 2^29, so sums over time belong into int64 (`add`).
  void (*cross_units)(int32_t one, const int32_t* others, int count, int32_t* re, int32_t* im);

  // GROUPS.
  //   sums[i] += sum over r < count of rows[r][i],  i = 0..length-1; length a multiple of 32.
  // |x| <= 2^15 and fewer than 2^16 rows in all: within int32.
  void (*add_rows)(const int16_t* const* rows, int count, int length, int32_t* sums);
  // Sum of squares of `count` values with |x| < 2^27, count <= 512: below 2^63.
  int64_t (*sum_of_squares)(const int32_t* values, int count);
  // The same of int16 values with |x| <= 2^14 and a sum that fits int32.
  int32_t (*sum_of_squares_16)(const int16_t* values, int count);

  // RECURRENCE. Squared distances d = |x|^2 + |y|^2 - 2 x . y of moments t and t + lag,
  // t = 64 w + i, w < words, as bit i of word w:
  //   sure[w]: d <= sure_at_most,  may[w]: d < never_from.
  // Norms and pairs reach to moment 64 words + lag - 1; lengths at most 23,170: d < 2^31.
  void (*near_moments)(const MomentRows& rows, size_t lag, size_t words, int32_t sure_at_most,
                       int32_t never_from, uint64_t* sure, uint64_t* may);
};

// Requires Supports(path). Constant, valid for ever.
const Kernels& KernelsFor(Path path);

// Those of BestPath(), asked for once.
const Kernels& BestKernels();

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_KERNELS_H_
