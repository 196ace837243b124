// The kernels in 512-bit vectors with vpdpwssd: 32 multiplications of int16 and their additions in
// one instruction. Optional: without this file KernelsFor() would do with AVX2.
//
// Built with flags that the rest of the program does not have. Include nothing here whose inline
// functions others use too: the linker keeps one copy, and it could be ours.
#include <immintrin.h>

#include <cstdint>

#include "services/synchrony/kernel/tables.h"

namespace attune::synchrony {
namespace {

using Vector = __m512i;

// Written as an instruction: with the intrinsic, GCC 12 copies accumulators to and fro.
inline void MultiplyAdd(Vector& sum, Vector x, Vector y) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
}

inline Vector Load(const void* from) { return _mm512_loadu_si512(from); }
inline void Store(void* to, Vector value) { _mm512_storeu_si512(to, value); }
inline Vector Broadcast(const void* pair) {
  int32_t value;
  __builtin_memcpy(&value, pair, sizeof(value));
  return _mm512_set1_epi32(value);
}
inline __mmask16 FirstLanes(int count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : (1 << count) - 1);
}

// --- One pair of people

// Lags 0..15 of `back` go into sums[0], 16..31 into sums[1]; steps [begin, end) of two samples.
inline void LaggedSteps(const int16_t* base, const int32_t* back, int begin, int end,
                        Vector sums[2]) {
  for (int s = begin; s < end; ++s) {
    const Vector x = Broadcast(base + 2 * s);
    MultiplyAdd(sums[0], x, Load(back - 2 * s));
    MultiplyAdd(sums[1], x, Load(back - 2 * s + 16));
  }
}

// Eight steps are 16 pairs: what the step at hand looks up for lags 0..15, the one eight steps on
// looks up for lags 16..31. So every vector is loaded once. Four of the eight phases at a time.
template <int kFirst>
inline void LaggedPhases(const int16_t* base, const int32_t* back, int rounds, Vector sums[8]) {
  Vector older[4];
#pragma GCC unroll 4
  for (int p = 0; p < 4; ++p) older[p] = Load(back - 2 * (kFirst + p) + 16);
  for (int j = 0; j < rounds; ++j, base += 16, back -= 16) {
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) {
      const Vector x = Broadcast(base + 2 * (kFirst + p));
      const Vector y = Load(back - 2 * (kFirst + p));
      MultiplyAdd(sums[2 * p], x, y);
      MultiplyAdd(sums[2 * p + 1], x, older[p]);
      older[p] = y;
    }
  }
}

void LaggedDots(const int16_t* base, const int32_t* back, int length, int lags, int32_t* out) {
  const int steps = length / 2;
  const int rounds = steps / 8;
  for (int k = 0; k < lags; k += kLagLanes) {
    const int32_t* newest = back + (length - 2 + k);
    Vector sums[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) sums[i] = _mm512_setzero_si512();
    LaggedPhases<0>(base, newest, rounds, sums);
    LaggedPhases<4>(base, newest, rounds, sums);
    LaggedSteps(base, newest, 8 * rounds, steps, sums);
    if (length % 2 != 0) {
      const Vector x = _mm512_set1_epi32(static_cast<int32_t>(
          static_cast<uint32_t>(static_cast<uint16_t>(base[length - 1])) << 16));
      MultiplyAdd(sums[0], x, Load(back + k));
      MultiplyAdd(sums[1], x, Load(back + k + 16));
    }
    Store(out + k,
          _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[2]), _mm512_add_epi32(sums[4], sums[6])));
    Store(out + k + 16,
          _mm512_add_epi32(_mm512_add_epi32(sums[1], sums[3]), _mm512_add_epi32(sums[5], sums[7])));
  }
}

// --- Many people

// One step of kRows rows against 32 lanes.
template <int kRows>
inline void TileStep(const int32_t* rows, const int32_t* lanes, Vector sums[kRows][2]) {
  const Vector y0 = Load(lanes);
  const Vector y1 = Load(lanes + 16);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const Vector x = Broadcast(rows + r);
    MultiplyAdd(sums[r][0], x, y0);
    MultiplyAdd(sums[r][1], x, y1);
  }
}

void TileEight(const int32_t* rows, const int32_t* lanes, int stride, int steps, int32_t* dots) {
  Vector sums[8][2];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (int s = 0; s < steps; ++s, rows += stride, lanes += stride) {
    TileStep<8>(rows, lanes, sums);
  }
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
    Store(dots + r * kTileLanes, sums[r][0]);
    Store(dots + r * kTileLanes + 16, sums[r][1]);
  }
}

// Eight sums would wait for themselves: even and odd steps apart.
void TileFour(const int32_t* rows, const int32_t* lanes, int stride, int steps, int32_t* dots) {
  Vector even[4][2];
  Vector odd[4][2];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    even[r][0] = even[r][1] = odd[r][0] = odd[r][1] = _mm512_setzero_si512();
  }
  int s = 0;
#pragma GCC unroll 2
  for (; s + 2 <= steps; s += 2, rows += 2 * stride, lanes += 2 * stride) {
    TileStep<4>(rows, lanes, even);
    TileStep<4>(rows + stride, lanes + stride, odd);
  }
  if (s < steps) TileStep<4>(rows, lanes, even);
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    Store(dots + r * kTileLanes, _mm512_add_epi32(even[r][0], odd[r][0]));
    Store(dots + r * kTileLanes + 16, _mm512_add_epi32(even[r][1], odd[r][1]));
  }
}

void TileDots(const int32_t* rows, int row_count, const int32_t* lanes, int stride, int steps,
              int32_t* dots) {
  if (row_count == 8) {
    TileEight(rows, lanes, stride, steps, dots);
  } else {
    TileFour(rows, lanes, stride, steps, dots);
  }
}

void TileBest(const int32_t* dots, int row_count, const TileScales& rows, const TileScales& lanes,
              double lag, double* best, double* best_lag) {
  const __m512d this_lag = _mm512_set1_pd(lag);
  const double* row_mean = rows.mean;
  const double* row_slope = rows.slope;
  const double* row_inverse = rows.inverse;
  for (int l = 0; l < kTileLanes; l += 8) {
    const __m512d mean = _mm512_loadu_pd(lanes.mean + l);
    const __m512d slope = _mm512_loadu_pd(lanes.slope + l);
    const __m512d inverse = _mm512_loadu_pd(lanes.inverse + l);
#pragma GCC unroll 4
    for (int r = 0; r < row_count; ++r) {
      const int at = r * kTileLanes + l;
      __m512d value =
          _mm512_cvtepi32_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(dots + at)));
      value = _mm512_sub_pd(value, _mm512_mul_pd(_mm512_set1_pd(row_mean[r]), mean));
      value = _mm512_sub_pd(value, _mm512_mul_pd(_mm512_set1_pd(row_slope[r]), slope));
      value = _mm512_mul_pd(value, _mm512_mul_pd(_mm512_set1_pd(row_inverse[r]), inverse));
      const __mmask8 larger = _mm512_cmp_pd_mask(value, _mm512_loadu_pd(best + at), _CMP_GT_OQ);
      _mm512_mask_storeu_pd(best + at, larger, value);
      _mm512_mask_storeu_pd(best_lag + at, larger, this_lag);
    }
  }
}

// --- Windows

// kRows rows against kBlocks blocks; two sets of sums where one would wait for itself.
template <int kRows, int kBlocks>
void CrossTile(const int16_t* const* rows, const int32_t* blocks, size_t stride, int32_t* out) {
  constexpr int kSets = kRows * kBlocks <= 8 ? 2 : 1;
  Vector sums[kSets][kRows][kBlocks];
#pragma GCC unroll 2
  for (int i = 0; i < kSets; ++i) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) sums[i][r][b] = _mm512_setzero_si512();
    }
  }
#pragma GCC unroll 1
  for (int p = 0; p < kRowPairs; p += kSets) {
#pragma GCC unroll 2
    for (int i = 0; i < kSets; ++i) {
      Vector y[kBlocks];
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
        y[b] = Load(blocks + (b * kRowPairs + p + i) * kBlockWindows);
      }
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const Vector x = Broadcast(rows[r] + 2 * (p + i));
#pragma GCC unroll 4
        for (int b = 0; b < kBlocks; ++b) MultiplyAdd(sums[i][r][b], x, y[b]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) {
      Vector sum = sums[0][r][b];
      if (kSets == 2) sum = _mm512_add_epi32(sum, sums[kSets - 1][r][b]);
      Store(out + static_cast<size_t>(r) * stride + b * kBlockWindows, sum);
    }
  }
}

template <int kRows>
void CrossSomeRows(const int16_t* const* rows, const int32_t* blocks, int block_count,
                   int32_t* out) {
  const auto stride = static_cast<size_t>(block_count) * kBlockWindows;
  int b = 0;
  const auto from = [&] { return blocks + b * kRowPairs * kBlockWindows; };
  const auto to = [&] { return out + b * kBlockWindows; };
  for (; b + 4 <= block_count; b += 4) CrossTile<kRows, 4>(rows, from(), stride, to());
  switch (block_count - b) {
    case 3:
      return CrossTile<kRows, 3>(rows, from(), stride, to());
    case 2:
      return CrossTile<kRows, 2>(rows, from(), stride, to());
    case 1:
      return CrossTile<kRows, 1>(rows, from(), stride, to());
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

// The eight values at `values` into eight sums; kReversed: the eight before `values`, last first.
template <bool kReversed>
inline void AddEight(const int32_t* values, __mmask8 lanes, bool plus, int64_t* sums) {
  __m256i narrow;
  if (kReversed) {
    // Lane j is values[-1 - j]: the last (8 - j) of the eight that end before `values`.
    const __m256i order = _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    const auto mirrored = static_cast<__mmask8>(
        _mm256_cmplt_epi32_mask(order, _mm256_set1_epi32(__builtin_popcount(lanes))));
    narrow = _mm256_permutexvar_epi32(order, _mm256_maskz_loadu_epi32(mirrored, values - 8));
  } else {
    narrow = _mm256_maskz_loadu_epi32(lanes, values);
  }
  const Vector wide = _mm512_cvtepi32_epi64(narrow);
  const Vector sum = _mm512_maskz_loadu_epi64(lanes, sums);
  _mm512_mask_storeu_epi64(sums, lanes,
                           plus ? _mm512_add_epi64(sum, wide) : _mm512_sub_epi64(sum, wide));
}

void Add(const int32_t* values, int count, int sign, int64_t* sums) {
  int i = 0;
  for (; i + 8 <= count; i += 8) AddEight<false>(values + i, 0xff, sign > 0, sums + i);
  if (i < count) {
    AddEight<false>(values + i, static_cast<__mmask8>(FirstLanes(count - i)), sign > 0, sums + i);
  }
}

void AddReversed(const int32_t* values, int count, int sign, int64_t* sums) {
  int i = 0;
  for (; i + 8 <= count; i += 8) AddEight<true>(values + count - i, 0xff, sign > 0, sums + i);
  if (i < count) {
    AddEight<true>(values + count - i, static_cast<__mmask8>(FirstLanes(count - i)), sign > 0,
                   sums + i);
  }
}

// --- Unit vectors

void CrossUnits(int32_t one, const int32_t* others, int count, int32_t* re, int32_t* im) {
  const auto real = static_cast<uint32_t>(one) & 0xffff;
  const auto turned = static_cast<int32_t>(static_cast<uint32_t>(one) >> 16 | (0 - real) << 16);
  const Vector x = _mm512_set1_epi32(one);
  const Vector y = _mm512_set1_epi32(turned);  // (imaginary, -real)
  for (int i = 0; i < count; i += 16) {
    const __mmask16 lanes = FirstLanes(count - i);
    const Vector other = _mm512_maskz_loadu_epi32(lanes, others + i);
    _mm512_mask_storeu_epi32(re + i, lanes, _mm512_madd_epi16(x, other));
    _mm512_mask_storeu_epi32(im + i, lanes, _mm512_madd_epi16(y, other));
  }
}

// --- Groups

// 32 * kParts samples of every row. Even and odd samples are added up apart by multiplying the
// other one with 0; four sets of sums, because an addition takes longer than the next row.
template <int kParts>
void AddRowsPart(const int16_t* const* rows, int count, int at, int32_t* sums) {
  const Vector even = _mm512_set1_epi32(1);
  const Vector odd = _mm512_set1_epi32(1 << 16);
  Vector total[4][kParts][2];
#pragma GCC unroll 4
  for (int set = 0; set < 4; ++set) {
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) total[set][p][0] = total[set][p][1] = _mm512_setzero_si512();
  }
  int r = 0;
  for (; r + 4 <= count; r += 4) {
#pragma GCC unroll 4
    for (int set = 0; set < 4; ++set) {
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) {
        const Vector x = Load(rows[r + set] + at + 32 * p);
        MultiplyAdd(total[set][p][0], x, even);
        MultiplyAdd(total[set][p][1], x, odd);
      }
    }
  }
  for (; r < count; ++r) {
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) {
      const Vector x = Load(rows[r] + at + 32 * p);
      MultiplyAdd(total[0][p][0], x, even);
      MultiplyAdd(total[0][p][1], x, odd);
    }
  }
  const Vector first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const Vector second =
      _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#pragma GCC unroll 2
  for (int p = 0; p < kParts; ++p) {
    Vector part[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      part[i] = _mm512_add_epi32(_mm512_add_epi32(total[0][p][i], total[1][p][i]),
                                 _mm512_add_epi32(total[2][p][i], total[3][p][i]));
    }
    int32_t* to = sums + at + 32 * p;
    Store(to, _mm512_add_epi32(Load(to), _mm512_permutex2var_epi32(part[0], first, part[1])));
    Store(to + 16,
          _mm512_add_epi32(Load(to + 16), _mm512_permutex2var_epi32(part[0], second, part[1])));
  }
}

void AddRows(const int16_t* const* rows, int count, int length, int32_t* sums) {
  int at = 0;
  for (; at + 64 <= length; at += 64) AddRowsPart<2>(rows, count, at, sums);
  if (at < length) AddRowsPart<1>(rows, count, at, sums);
}

int64_t SumOfSquares(const int32_t* values, int count) {
  Vector even = _mm512_setzero_si512();
  Vector odd = _mm512_setzero_si512();
  for (int i = 0; i < count; i += 16) {
    const Vector x = _mm512_maskz_loadu_epi32(FirstLanes(count - i), values + i);
    const Vector shifted = _mm512_srli_epi64(x, 32);
    even = _mm512_add_epi64(even, _mm512_mul_epi32(x, x));
    odd = _mm512_add_epi64(odd, _mm512_mul_epi32(shifted, shifted));
  }
  return _mm512_reduce_add_epi64(_mm512_add_epi64(even, odd));
}

int32_t SumOfSquares16(const int16_t* values, int count) {
  Vector sum = _mm512_setzero_si512();
  for (int i = 0; i < count; i += 32) {
    const int left = count - i;
    const auto lanes = static_cast<__mmask32>(left >= 32 ? 0xffffffff : (1u << left) - 1);
    const Vector x = _mm512_maskz_loadu_epi16(lanes, values + i);
    MultiplyAdd(sum, x, x);
  }
  return _mm512_reduce_add_epi32(sum);
}

// --- Recurrence

void NearMoments(const MomentRows& rows, size_t lag, size_t words, int32_t sure_at_most,
                 int32_t never_from, uint64_t* sure, uint64_t* may) {
  constexpr size_t kLanes = 16, kVectors = kMomentsPerWord / kLanes;
  const Vector most = _mm512_set1_epi32(sure_at_most);
  const Vector never = _mm512_set1_epi32(never_from);
  for (size_t w = 0; w < words; ++w) {
    const size_t first = w * kMomentsPerWord;
    Vector gram[kVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) gram[v] = _mm512_setzero_si512();
    const int32_t* pairs = rows.pairs + first;
    for (int p = 0; p < rows.count; ++p, pairs += rows.stride) {
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) {
        const int32_t* at = pairs + v * kLanes;
        MultiplyAdd(gram[v], Load(at), Load(at + lag));
      }
    }
    uint64_t sure_bits = 0, may_bits = 0;
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      const int32_t* norms = rows.norms + first + v * kLanes;
      const Vector squared = _mm512_sub_epi32(_mm512_add_epi32(Load(norms), Load(norms + lag)),
                                              _mm512_add_epi32(gram[v], gram[v]));
      sure_bits |= uint64_t{_mm512_cmple_epi32_mask(squared, most)} << (v * kLanes);
      may_bits |= uint64_t{_mm512_cmplt_epi32_mask(squared, never)} << (v * kLanes);
    }
    sure[w] = sure_bits;
    may[w] = may_bits;
  }
}

}  // namespace

extern constexpr Kernels kVnniKernels = {
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
