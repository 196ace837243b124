// The kernels in 256-bit vectors: vpmaddwd multiplies 16 int16 and adds neighbours, vpaddd adds the
// result on.
//
// Built with flags that the rest of the program does not have. Include nothing here whose inline
// functions others use too: the linker keeps one copy, and it could be ours.
#include <immintrin.h>

#include <cstdint>

#include "services/synchrony/kernel/tables.h"

namespace attune::synchrony {
namespace {

using Vector = __m256i;

inline Vector Load(const void* from) {
  return _mm256_loadu_si256(static_cast<const Vector*>(from));
}
inline void Store(void* to, Vector value) { _mm256_storeu_si256(static_cast<Vector*>(to), value); }
inline Vector Broadcast(const void* pair) {
  int32_t value;
  __builtin_memcpy(&value, pair, sizeof(value));
  return _mm256_set1_epi32(value);
}
inline void MultiplyAdd(Vector& sum, Vector x, Vector y) {
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
}

// --- One pair of people

// kVectors * 8 lags.
template <int kVectors>
void LaggedSome(const int16_t* base, const int32_t* back, int length, int32_t* out) {
  Vector sums[2][kVectors];
#pragma GCC unroll 3
  for (int v = 0; v < kVectors; ++v) sums[0][v] = sums[1][v] = _mm256_setzero_si256();
  const int32_t* newest = back + (length - 2);
  const int steps = length / 2;
  const auto step = [&](int s, Vector* sum) {
    const Vector x = Broadcast(base + 2 * s);
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) MultiplyAdd(sum[v], x, Load(newest - 2 * s + 8 * v));
  };
  int s = 0;
  for (; s + 2 <= steps; s += 2) {
    step(s, sums[0]);
    step(s + 1, sums[1]);
  }
  if (s < steps) step(s, sums[0]);
  if (length % 2 != 0) {
    const Vector x = _mm256_set1_epi32(
        static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(base[length - 1])) << 16));
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) MultiplyAdd(sums[1][v], x, Load(back + 8 * v));
  }
#pragma GCC unroll 3
  for (int v = 0; v < kVectors; ++v) {
    Store(out + 8 * v, _mm256_add_epi32(sums[0][v], sums[1][v]));
  }
}

void LaggedDots(const int16_t* base, const int32_t* back, int length, int lags, int32_t* out) {
  int k = 0;
  for (; lags - k > 16; k += 24) LaggedSome<3>(base, back + k, length, out + k);
  if (lags - k > 8) {
    LaggedSome<2>(base, back + k, length, out + k);
  } else if (lags - k > 0) {
    LaggedSome<1>(base, back + k, length, out + k);
  }
}

// --- Many people

// Four rows against 16 lanes: 8 sums, and room for what is multiplied.
inline void TileQuarter(const int32_t* rows, const int32_t* lanes, int stride, int steps,
                        int32_t* dots) {
  Vector sums[4][2];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
#pragma GCC unroll 2
  for (int s = 0; s < steps; ++s, rows += stride, lanes += stride) {
    const Vector y0 = Load(lanes);
    const Vector y1 = Load(lanes + 8);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const Vector x = Broadcast(rows + r);
      MultiplyAdd(sums[r][0], x, y0);
      MultiplyAdd(sums[r][1], x, y1);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    Store(dots + r * kTileLanes, sums[r][0]);
    Store(dots + r * kTileLanes + 8, sums[r][1]);
  }
}

void TileDots(const int32_t* rows, int row_count, const int32_t* lanes, int stride, int steps,
              int32_t* dots) {
  for (int r = 0; r < row_count; r += 4) {
    for (int l = 0; l < kTileLanes; l += 16) {
      TileQuarter(rows + r, lanes + l, stride, steps, dots + r * kTileLanes + l);
    }
  }
}

void TileBest(const int32_t* dots, int row_count, const TileScales& rows, const TileScales& lanes,
              double lag, double* best, double* best_lag) {
  const __m256d this_lag = _mm256_set1_pd(lag);
  for (int l = 0; l < kTileLanes; l += 4) {
    const __m256d mean = _mm256_loadu_pd(lanes.mean + l);
    const __m256d slope = _mm256_loadu_pd(lanes.slope + l);
    const __m256d inverse = _mm256_loadu_pd(lanes.inverse + l);
#pragma GCC unroll 4
    for (int r = 0; r < row_count; ++r) {
      const int at = r * kTileLanes + l;
      __m256d value =
          _mm256_cvtepi32_pd(_mm_loadu_si128(reinterpret_cast<const __m128i*>(dots + at)));
      value = _mm256_sub_pd(value, _mm256_mul_pd(_mm256_set1_pd(rows.mean[r]), mean));
      value = _mm256_sub_pd(value, _mm256_mul_pd(_mm256_set1_pd(rows.slope[r]), slope));
      value = _mm256_mul_pd(value, _mm256_mul_pd(_mm256_set1_pd(rows.inverse[r]), inverse));
      const __m256d before = _mm256_loadu_pd(best + at);
      const __m256d larger = _mm256_cmp_pd(value, before, _CMP_GT_OQ);
      _mm256_storeu_pd(best + at, _mm256_blendv_pd(before, value, larger));
      _mm256_storeu_pd(best_lag + at,
                       _mm256_blendv_pd(_mm256_loadu_pd(best_lag + at), this_lag, larger));
    }
  }
}

// --- Windows

// kRows rows against one block of 16 windows.
template <int kRows>
inline void CrossBlock(const int16_t* const* rows, const int32_t* block, size_t stride,
                       int32_t* out) {
  Vector sums[kRows][2];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
#pragma GCC unroll 2
  for (int p = 0; p < kRowPairs; ++p, block += kBlockWindows) {
    const Vector y0 = Load(block);
    const Vector y1 = Load(block + 8);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Vector x = Broadcast(rows[r] + 2 * p);
      MultiplyAdd(sums[r][0], x, y0);
      MultiplyAdd(sums[r][1], x, y1);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    Store(out + static_cast<size_t>(r) * stride, sums[r][0]);
    Store(out + static_cast<size_t>(r) * stride + 8, sums[r][1]);
  }
}

template <int kRows>
void CrossSomeRows(const int16_t* const* rows, const int32_t* blocks, int block_count,
                   int32_t* out) {
  const auto stride = static_cast<size_t>(block_count) * kBlockWindows;
  for (int b = 0; b < block_count; ++b) {
    CrossBlock<kRows>(rows, blocks + b * kRowPairs * kBlockWindows, stride,
                      out + b * kBlockWindows);
  }
}

void CrossRows(const int16_t* const* rows, int row_count, const int32_t* blocks, int block_count,
               int32_t* out) {
  const auto stride = static_cast<size_t>(block_count) * kBlockWindows;
  int r = 0;
  for (; r + 4 <= row_count; r += 4) {
    CrossSomeRows<4>(rows + r, blocks, block_count, out + static_cast<size_t>(r) * stride);
  }
  int32_t* rest = out + static_cast<size_t>(r) * stride;
  switch (row_count - r) {
    case 3:
      return CrossSomeRows<3>(rows + r, blocks, block_count, rest);
    case 2:
      return CrossSomeRows<2>(rows + r, blocks, block_count, rest);
    case 1:
      return CrossSomeRows<1>(rows + r, blocks, block_count, rest);
  }
}

// values * sign as (value ^ flip) - flip with flip 0 or -1.
inline void AddFour(__m128i values, Vector flip, int64_t* sums) {
  const Vector wide = _mm256_sub_epi64(_mm256_xor_si256(_mm256_cvtepi32_epi64(values), flip), flip);
  Store(sums, _mm256_add_epi64(Load(sums), wide));
}

void Add(const int32_t* values, int count, int sign, int64_t* sums) {
  const Vector flip = _mm256_set1_epi64x(sign > 0 ? 0 : -1);
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    AddFour(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values + i)), flip, sums + i);
  }
  for (; i < count; ++i) sums[i] += int64_t{sign} * values[i];
}

void AddReversed(const int32_t* values, int count, int sign, int64_t* sums) {
  const Vector flip = _mm256_set1_epi64x(sign > 0 ? 0 : -1);
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + count - i - 4));
    AddFour(_mm_shuffle_epi32(four, _MM_SHUFFLE(0, 1, 2, 3)), flip, sums + i);
  }
  for (; i < count; ++i) sums[i] += int64_t{sign} * values[count - 1 - i];
}

// --- Unit vectors

void CrossUnits(int32_t one, const int32_t* others, int count, int32_t* re, int32_t* im) {
  const int32_t real = static_cast<int16_t>(static_cast<uint32_t>(one) & 0xffff);
  const int32_t imaginary = one >> 16;
  const Vector x = _mm256_set1_epi32(one);
  const Vector y = _mm256_set1_epi32(static_cast<int32_t>(
      static_cast<uint32_t>(one) >> 16 | static_cast<uint32_t>(-real) << 16));  // (im, -re)
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const Vector other = Load(others + i);
    Store(re + i, _mm256_madd_epi16(x, other));
    Store(im + i, _mm256_madd_epi16(y, other));
  }
  for (; i < count; ++i) {
    const int32_t other_re = static_cast<int16_t>(static_cast<uint32_t>(others[i]) & 0xffff);
    const int32_t other_im = others[i] >> 16;
    re[i] = real * other_re + imaginary * other_im;
    im[i] = imaginary * other_re - real * other_im;
  }
}

// --- Groups

// 32 samples of every row. Even and odd samples are added up apart by multiplying the other one
// with 0.
inline void AddRowsPart(const int16_t* const* rows, int count, int at, int32_t* sums) {
  const Vector even = _mm256_set1_epi32(1);
  const Vector odd = _mm256_set1_epi32(1 << 16);
  Vector total[2][2];
#pragma GCC unroll 2
  for (int p = 0; p < 2; ++p) total[p][0] = total[p][1] = _mm256_setzero_si256();
  for (int r = 0; r < count; ++r) {
#pragma GCC unroll 2
    for (int p = 0; p < 2; ++p) {
      const Vector x = Load(rows[r] + at + 16 * p);
      MultiplyAdd(total[p][0], x, even);
      MultiplyAdd(total[p][1], x, odd);
    }
  }
#pragma GCC unroll 2
  for (int p = 0; p < 2; ++p) {
    // Within each half of 8 samples: 0 1 2 3 | 4 5 6 7.
    const Vector low = _mm256_unpacklo_epi32(total[p][0], total[p][1]);
    const Vector high = _mm256_unpackhi_epi32(total[p][0], total[p][1]);
    int32_t* to = sums + at + 16 * p;
    Store(to, _mm256_add_epi32(Load(to), _mm256_permute2x128_si256(low, high, 0x20)));
    Store(to + 8, _mm256_add_epi32(Load(to + 8), _mm256_permute2x128_si256(low, high, 0x31)));
  }
}

void AddRows(const int16_t* const* rows, int count, int length, int32_t* sums) {
  for (int at = 0; at < length; at += 32) AddRowsPart(rows, count, at, sums);
}

int64_t SumOfSquares(const int32_t* values, int count) {
  Vector sum = _mm256_setzero_si256();
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const Vector x = Load(values + i);
    const Vector shifted = _mm256_srli_epi64(x, 32);
    sum = _mm256_add_epi64(sum, _mm256_mul_epi32(x, x));
    sum = _mm256_add_epi64(sum, _mm256_mul_epi32(shifted, shifted));
  }
  int64_t parts[4];
  Store(parts, sum);
  int64_t total = parts[0] + parts[1] + parts[2] + parts[3];
  for (; i < count; ++i) total += int64_t{values[i]} * values[i];
  return total;
}

int32_t SumOfSquares16(const int16_t* values, int count) {
  Vector sum = _mm256_setzero_si256();
  int i = 0;
  for (; i + 16 <= count; i += 16) MultiplyAdd(sum, Load(values + i), Load(values + i));
  int32_t parts[8];
  Store(parts, sum);
  int32_t total = 0;
  for (int32_t part : parts) total += part;
  for (; i < count; ++i) total += int32_t{values[i]} * int32_t{values[i]};
  return total;
}

// --- Recurrence

// Packing works within halves of a vector; the permutation puts the lanes back in order.
inline uint64_t Bits(const Vector* verdicts) {
  const Vector low = _mm256_packs_epi32(verdicts[0], verdicts[1]);
  const Vector high = _mm256_packs_epi32(verdicts[2], verdicts[3]);
  const Vector ordered = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high),
                                                     _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  return static_cast<uint32_t>(_mm256_movemask_epi8(ordered));
}

// Four vectors of distances at a time: their sums need not wait for each other, and their verdicts
// pack into one.
void NearMoments(const MomentRows& rows, size_t lag, size_t words, int32_t sure_at_most,
                 int32_t never_from, uint64_t* sure, uint64_t* may) {
  constexpr size_t kLanes = 8, kStep = 4 * kLanes;
  const Vector most = _mm256_set1_epi32(sure_at_most);
  const Vector never = _mm256_set1_epi32(never_from);
  for (size_t w = 0; w < words; ++w) {
    uint64_t no_bits = 0, may_bits = 0;
    for (size_t part = 0; part < kMomentsPerWord; part += kStep) {
      const size_t first = w * kMomentsPerWord + part;
      Vector gram[4] = {}, no[4], maybe[4];
      const int32_t* pairs = rows.pairs + first;
      for (int p = 0; p < rows.count; ++p, pairs += rows.stride) {
#pragma GCC unroll 4
        for (size_t v = 0; v < 4; ++v) {
          const int32_t* at = pairs + v * kLanes;
          MultiplyAdd(gram[v], Load(at), Load(at + lag));
        }
      }
#pragma GCC unroll 4
      for (size_t v = 0; v < 4; ++v) {
        const int32_t* norms = rows.norms + first + v * kLanes;
        const Vector squared = _mm256_sub_epi32(_mm256_add_epi32(Load(norms), Load(norms + lag)),
                                                _mm256_add_epi32(gram[v], gram[v]));
        no[v] = _mm256_cmpgt_epi32(squared, most);
        maybe[v] = _mm256_cmpgt_epi32(never, squared);
      }
      no_bits |= Bits(no) << part;
      may_bits |= Bits(maybe) << part;
    }
    sure[w] = ~no_bits;
    may[w] = may_bits;
  }
}

}  // namespace

extern constexpr Kernels kAvx2Kernels = {
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
