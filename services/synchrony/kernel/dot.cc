#include "services/synchrony/kernel/dot.h"

namespace attune::synchrony {

void DotRows(const int16_t* row, const int16_t* rows, int count, int32_t* out) {
  for (int i = 0; i < count; ++i) {
    const int16_t* other = rows + static_cast<int64_t>(i) * kRowLength;
    int32_t sum = 0;
    for (int k = 0; k < kRowLength; ++k) sum += int32_t{row[k]} * int32_t{other[k]};
    out[i] = sum;
  }
}

int32_t Dot(const int16_t* x, const int16_t* y, int length) {
  int32_t sum = 0;
  for (int i = 0; i < length; ++i) sum += int32_t{x[i]} * int32_t{y[i]};
  return sum;
}

MaskedSums SumMasked(const int16_t* x, const int16_t* x_mask, const int16_t* y,
                     const int16_t* y_mask, const int16_t* u, int length) {
  MaskedSums s;
  for (int i = 0; i < length; ++i) {
    const auto both = static_cast<int16_t>(x_mask[i] & y_mask[i]);
    const auto one = static_cast<int16_t>(both & 1);
    const auto xi = static_cast<int16_t>(x[i] & both);
    const auto yi = static_cast<int16_t>(y[i] & both);
    const auto ui = static_cast<int16_t>(u[i] & both);
    s.n += int32_t{one} * int32_t{one};
    s.u += int32_t{ui} * int32_t{one};
    s.uu += int32_t{ui} * int32_t{ui};
    s.x += int32_t{xi} * int32_t{one};
    s.xx += int32_t{xi} * int32_t{xi};
    s.ux += int32_t{ui} * int32_t{xi};
    s.y += int32_t{yi} * int32_t{one};
    s.yy += int32_t{yi} * int32_t{yi};
    s.uy += int32_t{ui} * int32_t{yi};
    s.xy += int32_t{xi} * int32_t{yi};
  }
  return s;
}

}  // namespace attune::synchrony
