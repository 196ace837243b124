#include "services/synchrony/signal/screen.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace attune::synchrony {
namespace {

constexpr size_t kMaxNeighbours = 16;

bool InRange(const Beat& beat, const Params& params) {
  const int32_t scaled = int32_t{beat.rr_1024} * 1000;
  return scaled >= params.rr_min_ms * 1024 && scaled <= params.rr_max_ms * 1024;
}

}  // namespace

bool IsClean(const std::vector<Beat>& beats, size_t k, size_t known, const Params& params) {
  if (!InRange(beats[k], params)) return false;

  std::array<int32_t, kMaxNeighbours> rr;
  size_t count = 0;
  const auto take = [&](size_t i) {
    const int64_t away_us = std::llabs(beats[i].time_us - beats[k].time_us);
    if (away_us <= params.screen_reach_us && count < kMaxNeighbours && InRange(beats[i], params)) {
      rr[count++] = beats[i].rr_1024;
    }
  };
  const size_t before = std::min(k, static_cast<size_t>(params.screen_before));
  for (size_t i = k - before; i < k; ++i) take(i);
  const size_t end = std::min(known, k + 1 + static_cast<size_t>(params.screen_after));
  for (size_t i = k + 1; i < end; ++i) take(i);
  if (count < 3) return true;

  // At most seven by default: insertion sort.
  for (size_t i = 1; i < count; ++i) {
    for (size_t j = i; j > 0 && rr[j - 1] > rr[j]; --j) std::swap(rr[j - 1], rr[j]);
  }
  const int32_t median2 = rr[(count - 1) / 2] + rr[count / 2];  // twice the median
  const int32_t floor2 = params.screen_deviation_floor_ms * 2048 / 1000;
  const int32_t limit2 = std::max(median2 * params.screen_deviation_pct / 100, floor2);
  const int32_t pair_limit2 = std::max(median2 * params.screen_pair_pct / 100, floor2);

  const int32_t deviation2 = 2 * beats[k].rr_1024 - median2;
  if (std::abs(deviation2) > limit2) return false;
  if (std::abs(deviation2) <= pair_limit2) return true;
  const auto opposite = [&](size_t i) {
    const int32_t other2 = 2 * beats[i].rr_1024 - median2;
    return std::abs(other2) > pair_limit2 && (other2 < 0) != (deviation2 < 0);
  };
  if (IsAdjacent(beats, k, params) && opposite(k - 1)) return false;
  if (k + 1 < known && IsAdjacent(beats, k + 1, params) && opposite(k + 1)) return false;
  return true;
}

bool IsAdjacent(const std::vector<Beat>& beats, size_t k, const Params& params) {
  if (k == 0 || beats[k].gap_before) return false;
  const int64_t distance_us = beats[k].time_us - beats[k - 1].time_us;
  const int64_t rr_us = int64_t{beats[k].rr_1024} * 1'000'000 / 1024;
  return std::llabs(distance_us - rr_us) <= params.adjacency_tolerance_us;
}

}  // namespace attune::synchrony
