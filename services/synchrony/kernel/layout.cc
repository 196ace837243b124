#include "services/synchrony/kernel/layout.h"

#include <emmintrin.h>  // SSE2 is part of x86-64

#include <cmath>

namespace attune::synchrony {

size_t PackedBackSize(int length, int lags) {
  // The last vector of lags begins at most at length - 2 + RoundUp(lags, kLagLanes) - kLagLanes.
  return static_cast<size_t>(length) + static_cast<size_t>(RoundUp(lags, kLagLanes));
}

void PackBack(const int16_t* samples, int length, int lags, int32_t* back) {
  const int pairs = length + lags - 2;
  for (int u = 0; u < pairs; ++u) {
    back[u] = PackPair(samples[pairs - 1 - u], samples[pairs - u]);
  }
  const int size = static_cast<int>(PackedBackSize(length, lags));
  for (int u = pairs; u < size; ++u) back[u] = 0;
}

void PackFour(const int16_t* const series[4], int count, size_t stride, int32_t* out) {
  int s = 0;
  for (; s + 4 <= count; s += 4) {
    const auto load = [&](int p) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(series[p] + 2 * s));
    };
    const auto store = [&](int row, __m128i pairs) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + static_cast<size_t>(s + row) * stride),
                       pairs);
    };
    // Four pairs of four people, turned over.
    const __m128i low01 = _mm_unpacklo_epi32(load(0), load(1));
    const __m128i low23 = _mm_unpacklo_epi32(load(2), load(3));
    const __m128i high01 = _mm_unpackhi_epi32(load(0), load(1));
    const __m128i high23 = _mm_unpackhi_epi32(load(2), load(3));
    store(0, _mm_unpacklo_epi64(low01, low23));
    store(1, _mm_unpackhi_epi64(low01, low23));
    store(2, _mm_unpacklo_epi64(high01, high23));
    store(3, _mm_unpackhi_epi64(high01, high23));
  }
  for (; s < count; ++s) {
    for (size_t p = 0; p < 4; ++p) {
      out[static_cast<size_t>(s) * stride + p] = PackPair(series[p][2 * s], series[p][2 * s + 1]);
    }
  }
}

void SetBlockRow(const int16_t* row, size_t slot, int32_t* blocks) {
  int32_t* lane = blocks + slot / kBlockWindows * kBlockSize + slot % kBlockWindows;
  for (int p = 0; p < kRowPairs; ++p) {
    lane[p * kBlockWindows] = PackPair(row[2 * p], row[2 * p + 1]);
  }
}

void GetBlockRow(const int32_t* blocks, size_t slot, int16_t* row) {
  const int32_t* lane = blocks + slot / kBlockWindows * kBlockSize + slot % kBlockWindows;
  for (int p = 0; p < kRowPairs; ++p) {
    const auto pair = static_cast<uint32_t>(lane[p * kBlockWindows]);
    row[2 * p] = static_cast<int16_t>(pair & 0xffff);
    row[2 * p + 1] = static_cast<int16_t>(pair >> 16);
  }
}

int32_t PackUnit(double re, double im) {
  return PackPair(static_cast<int16_t>(std::lrint(re * kUnitScale)),
                  static_cast<int16_t>(std::lrint(im * kUnitScale)));
}

}  // namespace attune::synchrony
