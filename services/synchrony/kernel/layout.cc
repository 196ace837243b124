#include "services/synchrony/kernel/layout.h"

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
