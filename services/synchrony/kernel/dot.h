// Exact integer dot products of int16 vectors: the inner loops of every pair measure.
//
// Shapes are fixed so that the compiler's vectors need no remainder; results are exact, so any
// other path that is ever added must agree bit for bit.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_DOT_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_DOT_H_

#include <cstdint>

namespace attune::synchrony {

// A 15-s window of 60 samples, padded with zeros.
inline constexpr int kRowLength = 64;

// out[i] = row . rows[i * kRowLength ...], i = 0..count-1. |sum| must fit int32.
void DotRows(const int16_t* row, const int16_t* rows, int count, int32_t* out);

// sum x[i] * y[i] over `length` samples. |sum| must fit int32.
int32_t Dot(const int16_t* x, const int16_t* y, int length);

// Sums over the samples present in both (masks -1 or 0, values 0 where missing). u is the position
// of a sample in the window, given by the caller; every sum must fit int32.
struct MaskedSums {
  int32_t n = 0, u = 0, uu = 0;
  int32_t x = 0, xx = 0, ux = 0;
  int32_t y = 0, yy = 0, uy = 0;
  int32_t xy = 0;
};
MaskedSums SumMasked(const int16_t* x, const int16_t* x_mask, const int16_t* y,
                     const int16_t* y_mask, const int16_t* u, int length);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_DOT_H_
