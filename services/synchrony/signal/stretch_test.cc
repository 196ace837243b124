#include "services/synchrony/signal/stretch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/grid.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;

std::vector<Beat> Nsr(int person) { return testing::BeatsFromMs(testing::ReadNsr(person)); }

// The stretch is the live grid before rounding, whichever part of a recording is asked for.
TEST(StretchTest, GridIsTheLiveGridUnrounded) {
  for (const int person : {3, 16, 30}) {
    const std::vector<Beat> beats = Nsr(person);
    GridTrack live(4 * 1800 + 10);
    const Params params;
    BeatTrack track(params, beats);
    live.ExtendTo(4 * 1800, &track, params);
    for (const int64_t from : {int64_t{0}, 700 * kSecond}) {
      const Stretch stretch = BuildStretch(beats, {}, from, from + 600 * kSecond, Params{});
      ASSERT_EQ(stretch.grid_ms.size(), 2400u);
      int valid = 0;
      for (size_t k = 0; k < stretch.grid_ms.size(); ++k) {
        const int64_t sample = from / kSampleUs + static_cast<int64_t>(k) + 1;
        const bool there = *live.masks(sample, 1) != 0;
        ASSERT_EQ(there, !std::isnan(stretch.grid_ms[k])) << sample;
        if (!there) continue;
        ++valid;
        const double live_ms =
            (*live.values(sample, 1) + kGridBaseline) * 1000.0 / kGridUnitsPerSecond;
        ASSERT_NEAR(live_ms, stretch.grid_ms[k], 500.0 / kGridUnitsPerSecond + 1e-9);
      }
      EXPECT_GT(valid, 1200);
    }
  }
}

TEST(StretchTest, IntervalsLieInsideAndAreCounted) {
  const std::vector<Beat> beats = Nsr(16);
  const Stretch stretch =
      BuildStretch(beats, {1000, 2000}, 100 * kSecond, 1000 * kSecond, Params{});
  EXPECT_EQ(stretch.timing.jitter_us, 1000);
  int inside = 0;
  for (const Beat& beat : beats) {
    inside += beat.time_us > 100 * kSecond && beat.time_us <= 1000 * kSecond ? 1 : 0;
  }
  EXPECT_EQ(stretch.beats, inside);
  ASSERT_EQ(stretch.raw_rr_ms.size(), static_cast<size_t>(inside));
  double raw_ms = 0;
  for (double rr : stretch.raw_rr_ms) raw_ms += rr;
  EXPECT_NEAR(raw_ms, 900'000, 2000);  // unbroken: they add up to the stretch
  EXPECT_GT(stretch.artefacts, 0);
  EXPECT_LT(stretch.ArtefactShare(), 0.2);
  ASSERT_FALSE(stretch.nn.empty());
  EXPECT_FALSE(stretch.nn.front().adjacent);
  int64_t last_us = 100 * kSecond;
  for (const NnInterval& interval : stretch.nn) {
    EXPECT_GT(interval.end_us, last_us);
    last_us = interval.end_us;
    EXPECT_GE(interval.nn_ms, 300);
    EXPECT_LE(interval.nn_ms, 2000);
    EXPECT_FALSE(interval.adjacent && interval.corrected);
  }
  EXPECT_LE(last_us, 1000 * kSecond);
}

TEST(StretchTest, NothingInNothingOut) {
  EXPECT_TRUE(BuildStretch({}, {}, 0, 0, Params{}).grid_ms.empty());
  EXPECT_TRUE(BuildStretch(Nsr(3), {}, 5 * kSecond, 4 * kSecond, Params{}).nn.empty());
  const Stretch empty = BuildStretch({}, {}, 0, 10 * kSecond, Params{});
  EXPECT_EQ(empty.grid_ms.size(), 40u);
  for (const double ms : empty.grid_ms) EXPECT_TRUE(std::isnan(ms));
  EXPECT_EQ(empty.ArtefactShare(), 0);
}

}  // namespace
}  // namespace attune::synchrony
