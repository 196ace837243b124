// How data lies in memory for the kernels, and the small functions that put it there.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_LAYOUT_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "services/synchrony/kernel/kernels.h"

namespace attune::synchrony {

inline constexpr int RoundUp(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Two samples in one int32, the first in the low half.
inline int32_t PackPair(int16_t low, int16_t high) {
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(low)) |
                              static_cast<uint32_t>(static_cast<uint16_t>(high)) << 16);
}

// A SERIES LOOKED BACK UPON, for Kernels::lagged_dots: the pairs of neighbouring samples, newest
// first, so that neighbouring lags are neighbours in memory.
//   back[u] = pair(samples[n - 2 - u], samples[n - 1 - u]),  n = length + lags - 1,
// zeros beyond u = n - 2. `back` holds PackedBackSize(length, lags) values.
size_t PackedBackSize(int length, int lags);
void PackBack(const int16_t* samples, int length, int lags, int32_t* back);

// PEOPLE SIDE BY SIDE, for Kernels::tile_dots: out[s * stride + p] = pair(series[p][2 s],
// series[p][2 s + 1]) for s < count and the four people p < 4.
void PackFour(const int16_t* const series[4], int count, size_t stride, int32_t* out);

// WINDOWS IN BLOCKS of kBlockWindows, for Kernels::cross_rows: block b is [kRowPairs][16] pairs,
// pair p of the 16 windows side by side, so that 16 results come out without adding across a
// register. Keep window m of a person in slot m % capacity with a capacity that is a multiple of
// 16, or move blocks down whole.
inline constexpr size_t kBlockSize = size_t{kRowPairs} * kBlockWindows;  // int32; 2 KiB

// Writes `row` (64 samples) as window `slot` (block slot / 16, lane slot % 16) of `blocks`.
void SetBlockRow(const int16_t* row, size_t slot, int32_t* blocks);
// Reads it back.
void GetBlockRow(const int32_t* blocks, size_t slot, int16_t* row);

// UNIT VECTORS: (re, im) of length 1 or 0 as a pair with the scale 2^14, ties to even.
inline constexpr int kUnitScale = 1 << 14;
int32_t PackUnit(double re, double im);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_LAYOUT_H_
