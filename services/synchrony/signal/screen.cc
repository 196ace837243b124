#include "services/synchrony/signal/screen.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace attune::synchrony {
namespace {

constexpr size_t kMaxNeighbours = 8;  // on one side
constexpr size_t kFewest = 3;

int32_t Rr2(const Beat& beat) { return 2 * int32_t{beat.rr_1024}; }  // 1/2048 s

// Intervals in range near beat k; all in 1/2048 s, so that medians are integers.
class Neighbours {
 public:
  // Of beats [first, end).
  Neighbours(const PackedBeats& beats, size_t first, size_t end, int64_t time_us,
             const Params& params) {
    for (size_t i = first; i < end && count_ < kMaxNeighbours; ++i) {
      const Beat beat = beats[i];
      if (std::llabs(beat.time_us - time_us) > params.screen_reach_us ||
          !IsInRange(beat.rr_1024, params)) {
        continue;
      }
      // Few: each takes its place, without a branch to be guessed.
      int32_t rr = beat.rr_1024;
      for (size_t at = 0; at < count_; ++at) {
        const int32_t less = std::min(rr_[at], rr);
        rr = std::max(rr_[at], rr);
        rr_[at] = less;
      }
      rr_[count_++] = rr;
    }
  }
  size_t count() const { return count_; }
  int32_t Median() const { return rr_[(count_ - 1) / 2] + rr_[count_ / 2]; }

 private:
  std::array<int32_t, kMaxNeighbours> rr_;
  size_t count_ = 0;
};

// Of beat k, which is at `time_us`.
Neighbours Before(const PackedBeats& beats, size_t k, int64_t time_us, const Params& params) {
  return {beats, k - std::min(k, static_cast<size_t>(params.screen_before)), k, time_us, params};
}

// The stretch between the medians before and after an event.
struct Level {
  Level(const Neighbours& before, const Neighbours& after) : count(before.count() + after.count()) {
    if (count == 0) return;
    low = before.count() == 0 ? after.Median() : before.Median();
    high = after.count() == 0 ? low : after.Median();
    if (low > high) std::swap(low, high);
  }

  // How far `rr2` lies outside: negative below, 0 within.
  int32_t Excess(int32_t rr2) const { return rr2 < low ? rr2 - low : std::max(0, rr2 - high); }

  size_t count = 0;
  int32_t low = 0;
  int32_t high = 0;
};

int32_t Floor(int32_t level, const Params& params) {
  return std::max(params.screen_floor_ms * 2048 / 1000, level * params.screen_floor_pct / 100);
}

// Within floor and ceiling; the floor gives way to nothing.
int32_t Bounded(int32_t threshold, int32_t level, const Params& params) {
  const int32_t ceiling = level * params.screen_ceiling_pct / 100;
  return std::max(threshold < 0 ? ceiling : std::min(threshold, ceiling), Floor(level, params));
}

// Beats k and k + 1, adjacent both.
BeatClass PairAt(const PackedBeats& beats, size_t k, const Level& level,
                 const Thresholds& thresholds, const Params& params) {
  const int32_t first = Rr2(beats[k]), second = Rr2(beats[k + 1]);
  const int32_t sum = first + second;
  const int32_t middle = (level.low + level.high) / 2;
  const int32_t limit = Bounded(thresholds.level, middle, params);
  const int32_t off_first = level.Excess(first), off_second = level.Excess(second);
  const int32_t less = std::min(std::abs(off_first), std::abs(off_second));
  const int32_t more = std::max(std::abs(off_first), std::abs(off_second));
  const int32_t floor = Floor(middle, params);
  if (off_first < 0 && off_second < 0) {
    return less > floor && more > limit && std::abs(level.Excess(sum)) <= limit &&
                   IsInRange(sum / 2, params)
               ? BeatClass::kExtra
               : BeatClass::kNormal;
  }
  if (off_first >= 0 && off_second >= 0) return BeatClass::kNormal;
  return 2 * less > std::max(limit, more) &&
                 std::abs(second - first) >
                     std::max(2 * floor, Bounded(thresholds.jump, middle, params)) &&
                 IsInRange(sum / 4, params)
             ? BeatClass::kEctopic
             : BeatClass::kNormal;
}

Verdict AloneAt(const PackedBeats& beats, size_t k, size_t known, const Level& level,
                const Thresholds& thresholds, const Params& params) {
  const bool in_range = IsInRange(beats[k].rr_1024, params);
  const Verdict otherwise{in_range ? BeatClass::kNormal : BeatClass::kOutOfRange, 0};
  if (level.count < kFewest) return otherwise;
  const int32_t rr2 = Rr2(beats[k]);
  const int32_t middle = (level.low + level.high) / 2;
  const int32_t limit = Bounded(thresholds.level, middle, params);
  const int32_t off = level.Excess(rr2);
  if (std::abs(off) <= limit) return otherwise;
  const bool adjacent = IsAdjacent(beats, k, params);
  if (2 * rr2 > 3 * level.high && adjacent &&
      beats[k].time_us - beats[k - 1].time_us <= params.bridge_us) {
    const int32_t half = std::abs(level.Excess(rr2 / 2));
    const int32_t third = std::abs(level.Excess(rr2 / 3));
    const int missing = third < half ? 2 : 1;
    if (std::min(half, third) <= std::min(limit, middle / 5) &&
        IsInRange(beats[k].rr_1024 / (missing + 1), params)) {
      return {BeatClass::kMissed, static_cast<uint8_t>(missing)};
    }
  }
  if (!in_range) return otherwise;
  // A wave's crest is far from both medians too, but one comes to it and leaves it without a jump.
  const int32_t jump = Bounded(thresholds.jump, middle, params);
  const int32_t sign = off > 0 ? 1 : -1;
  const auto jumps_from = [&](size_t other) { return sign * (rr2 - Rr2(beats[other])) > jump; };
  const bool comes =
      !adjacent || jumps_from(k - 1) || !IsAdjacent(beats, k - 1, params) || jumps_from(k - 2);
  const bool goes = k + 1 >= known || !IsAdjacent(beats, k + 1, params) || jumps_from(k + 1) ||
                    k + 2 >= known || !IsAdjacent(beats, k + 2, params) || jumps_from(k + 2);
  return comes && goes ? Verdict{off > 0 ? BeatClass::kLong : BeatClass::kShort, 0} : otherwise;
}

bool IsNear(const Beat& beat, const Neighbours& before, const Thresholds& thresholds,
            const Params& params) {
  if (before.count() < kFewest || !IsInRange(beat.rr_1024, params)) return false;
  const int32_t median = before.Median();
  return std::abs(Rr2(beat) - median) <= Bounded(thresholds.level, median, params) / 2;
}

}  // namespace

bool BeginsNothing(const PackedBeats& beats, size_t k, const Thresholds& thresholds,
                   const Params& params) {
  const Beat beat = beats[k];
  return IsNear(beat, Before(beats, k, beat.time_us, params), thresholds, params);
}

Look LookAt(const PackedBeats& beats, size_t k, size_t known, const Thresholds& thresholds,
            const Params& params) {
  const size_t end = std::min(known, k + 1 + static_cast<size_t>(params.screen_after));
  const Beat beat = beats[k];
  const Neighbours before = Before(beats, k, beat.time_us, params);
  if (IsNear(beat, before, thresholds, params)) return {};
  Look look;
  const Level alone(before, Neighbours(beats, std::min(k + 1, end), end, beat.time_us, params));
  look.alone = AloneAt(beats, k, end, alone, thresholds, params);
  if (k + 1 < end && IsAdjacent(beats, k, params) && IsAdjacent(beats, k + 1, params)) {
    const Level around(before, Neighbours(beats, k + 2, end, beat.time_us, params));
    if (around.count >= kFewest) look.pair = PairAt(beats, k, around, thresholds, params);
  }
  return look;
}

int32_t LevelDeviation(const PackedBeats& beats, size_t j, const Params& params) {
  const Beat beat = beats[j];
  if (!IsInRange(beat.rr_1024, params)) return -1;
  const Neighbours before = Before(beats, j, beat.time_us, params);
  const Neighbours after(beats, j + 1, j + 1 + static_cast<size_t>(params.screen_after),
                         beat.time_us, params);
  const Level level(before, after);
  return level.count < kFewest ? -1 : std::abs(level.Excess(Rr2(beat)));
}

int32_t Jump(const PackedBeats& beats, size_t j, const Params& params) {
  if (j == 0) return -1;
  const PackedBeats::Step step = beats.StepTo(j);
  const uint16_t before = beats.rr_1024(j - 1);
  if (!IsAdjacent(step, params) || !IsInRange(step.rr_1024, params) || !IsInRange(before, params)) {
    return -1;
  }
  return 2 * std::abs(int32_t{step.rr_1024} - int32_t{before});
}

}  // namespace attune::synchrony
