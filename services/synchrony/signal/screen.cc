#include "services/synchrony/signal/screen.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace attune::synchrony {
namespace {

constexpr size_t kMaxNeighbours = 16;  // on one side

bool InRange(const Beat& beat, const Params& params) {
  const int32_t scaled = int32_t{beat.rr_1024} * 1000;
  return scaled >= params.rr_min_ms * 1024 && scaled <= params.rr_max_ms * 1024;
}

class Neighbours {
 public:
  void Add(const Beat& beat) {
    if (count_ == kMaxNeighbours) return;
    // Few: insertion sort.
    size_t at = count_++;
    for (; at > 0 && rr_[at - 1] > beat.rr_1024; --at) rr_[at] = rr_[at - 1];
    rr_[at] = beat.rr_1024;
  }
  size_t count() const { return count_; }
  // In 1/2048 s, so that it is an integer; not for an empty set.
  int32_t Median2() const { return rr_[(count_ - 1) / 2] + rr_[count_ / 2]; }

 private:
  std::array<int32_t, kMaxNeighbours> rr_;
  size_t count_ = 0;
};

// The stretch between the medians before beat `first` and after beat `last`, 1/2048 s, as seen from
// beat `k` (first <= k <= last): no neighbour lies more than screen_after beyond k.
struct Yardstick {
  Yardstick(const std::vector<Beat>& beats, size_t first, size_t k, size_t last, size_t known,
            const Params& params) {
    const auto near = [&](size_t i) {
      return std::llabs(beats[i].time_us - beats[k].time_us) <= params.screen_reach_us &&
             InRange(beats[i], params);
    };
    Neighbours before, after;
    const size_t reach = std::min(first, static_cast<size_t>(params.screen_before));
    for (size_t i = first - reach; i < first; ++i) {
      if (near(i)) before.Add(beats[i]);
    }
    const size_t end = std::min(known, k + 1 + static_cast<size_t>(params.screen_after));
    for (size_t i = last + 1; i < end; ++i) {
      if (near(i)) after.Add(beats[i]);
    }
    count = before.count() + after.count();
    if (count == 0) return;
    low = before.count() == 0 ? after.Median2() : before.Median2();
    high = after.count() == 0 ? low : after.Median2();
    if (low > high) std::swap(low, high);
  }

  // How far the beat lies outside, negative below, 0 within; 0 also within `pct` and the floor.
  int32_t Excess(const Beat& beat, int32_t pct, const Params& params) const {
    const int32_t rr2 = 2 * beat.rr_1024;
    const int32_t near = rr2 < low ? low : high;
    const int32_t excess = rr2 < low || rr2 > high ? rr2 - near : 0;
    const int32_t floor2 = params.screen_deviation_floor_ms * 2048 / 1000;
    return std::abs(excess) > std::max(near * pct / 100, floor2) ? excess : 0;
  }

  size_t count = 0;
  int32_t low = 0;
  int32_t high = 0;
};

constexpr size_t kFewest = 3;

// Beats k and k + 1, seen from `from` (one of the two): one too short, the other too long?
bool IsEctopicPair(const std::vector<Beat>& beats, size_t k, size_t from, size_t known,
                   const Params& params) {
  // Each must lie beyond the floor, on opposite sides: nearly all beats are done here.
  const int32_t difference = std::abs(int32_t{beats[k].rr_1024} - int32_t{beats[k + 1].rr_1024});
  if (difference <= 2 * params.screen_deviation_floor_ms * 1024 / 1000) return false;
  if (!IsAdjacent(beats, k + 1, params)) return false;
  const Yardstick around(beats, k, from, k + 1, known, params);
  if (around.count < kFewest) return false;
  const int32_t first = around.Excess(beats[k], params.screen_pair_pct, params);
  const int32_t second = around.Excess(beats[k + 1], params.screen_pair_pct, params);
  return (first < 0 && second > 0) || (first > 0 && second < 0);
}

}  // namespace

bool IsClean(const std::vector<Beat>& beats, size_t k, size_t known, const Params& params) {
  if (!InRange(beats[k], params)) return false;
  const Yardstick around(beats, k, k, k, known, params);
  if (around.count < kFewest) return true;
  if (around.Excess(beats[k], params.screen_deviation_pct, params) != 0) return false;
  if (k > 0 && IsEctopicPair(beats, k - 1, k, known, params)) return false;
  return k + 1 >= known || !IsEctopicPair(beats, k, k, known, params);
}

bool IsAdjacent(const std::vector<Beat>& beats, size_t k, const Params& params) {
  if (k == 0 || beats[k].gap_before) return false;
  const int64_t distance_us = beats[k].time_us - beats[k - 1].time_us;
  const int64_t rr_us = int64_t{beats[k].rr_1024} * 1'000'000 / 1024;
  return std::llabs(distance_us - rr_us) <= params.adjacency_tolerance_us;
}

}  // namespace attune::synchrony
