#include "services/synchrony/signal/grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/curve.h"
#include "services/synchrony/signal/pchip.h"
#include "services/synchrony/testing/injection.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using testing::BeatsFromMs;
using testing::JsonNumbers;

const char kFolder[] = "tests/data/reference-values/grid/";

std::vector<double> ReadBeats(const std::string& file, const std::string& person) {
  auto csv = testing::ReadCsv(kFolder + file);
  const std::vector<double> rr = testing::ToDoubles(csv["rr_ms"]);
  std::vector<double> chosen;
  for (size_t i = 0; i < rr.size(); ++i) {
    if (csv["case"][i] == person) chosen.push_back(rr[i]);
  }
  return chosen;
}

std::vector<Knot> Knots(const std::vector<double>& rr_ms) {
  std::vector<Knot> knots;
  double t = 0;
  for (double rr : rr_ms) {
    t += rr;
    knots.push_back({t / 1000, rr});
  }
  return knots;
}

double CurveAt(const std::vector<Knot>& knots, double t) {
  const auto right = std::lower_bound(knots.begin(), knots.end(), t,
                                      [](const Knot& k, double at) { return k.t < at; });
  const auto left = right - 1;
  return PchipAt(t, left == knots.begin() ? nullptr : &*(left - 1), *left, *right,
                 right + 1 == knots.end() ? nullptr : &*(right + 1));
}

double ToMs(int16_t value) { return (value + kGridBaseline) * 1000.0 / kGridUnitsPerSecond; }

class GridReferenceTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GridReferenceTest, CurveAgreesWithScipy) {
  const std::vector<Knot> knots = Knots(ReadBeats("input_beats.csv", GetParam()));
  for (const char* half : {"expected_grid_first_half.json", "expected_grid_second_half.json"}) {
    const std::string json = testing::ReadFile(kFolder + std::string(half));
    const double t0 = testing::JsonNumber(json, "t0_s");
    const std::vector<double> expected = JsonNumbers(json, GetParam());
    ASSERT_EQ(expected.size(), 1200u);
    for (size_t k = 0; k < expected.size(); ++k) {
      ASSERT_NEAR(CurveAt(knots, t0 + 0.25 * static_cast<double>(k)), expected[k], 1e-6);
    }
  }
}

// What a strap sends (1/1024 s) on the integer grid (1/2048 s), against the curve through the
// unrounded intervals: at most 0.49 ms of rounding at the strap, 0.24 ms on the grid, and a little
// more where a rounded knot turns a slope to 0.
TEST_P(GridReferenceTest, LiveGridIsWithinItsRounding) {
  const std::vector<Beat> beats = BeatsFromMs(ReadBeats("input_beats.csv", GetParam()));
  GridTrack grid(2700);
  const Params params;
  BeatTrack track(params, beats);
  grid.ExtendTo(2600, &track, params);
  int missing = 0;
  double worst = 0, squares = 0;
  for (const char* half : {"expected_grid_first_half.json", "expected_grid_second_half.json"}) {
    const std::string json = testing::ReadFile(kFolder + std::string(half));
    const int first = static_cast<int>(testing::JsonNumber(json, "t0_s") * 4);
    const std::vector<double> expected = JsonNumbers(json, GetParam());
    for (size_t k = 0; k < expected.size(); ++k) {
      const int64_t sample = first + static_cast<int64_t>(k);
      if (*grid.masks(sample, 1) == 0) {
        ++missing;
        continue;
      }
      const double error = std::fabs(ToMs(*grid.values(sample, 1)) - expected[k]);
      worst = std::max(worst, error);
      squares += error * error;
    }
  }
  EXPECT_LE(missing, 24);
  // Beside a beat that screening took out the curve has one knot less.
  if (missing == 0) {
    EXPECT_LE(worst, 1.0);
  }
  EXPECT_LE(std::sqrt(squares / 2400), 1.0);
  RecordProperty("worst_us", static_cast<int>(worst * 1000));
}

INSTANTIATE_TEST_SUITE_P(People, GridReferenceTest,
                         ::testing::Values("nsr003", "nsr008", "nsr010", "nsr013", "nsr021",
                                           "nsr023"));

// Dropouts of the recording: never bridged where the definition says invalid, and, where the live
// grid (which also screens) has a value, near the curve through the raw beats.
TEST(GridTest, DropoutsStayMissing) {
  const std::string json = testing::ReadFile(kFolder + std::string("expected_grid_dropouts.json"));
  const std::string_view valid = testing::JsonAt(json, "valid").substr(1, 1200);
  const std::vector<double> expected = JsonNumbers(json, "y_ms_where_valid_else_null");
  GridTrack grid(1400);
  const Params params;
  BeatTrack track(params, BeatsFromMs(ReadBeats("input_beats_dropouts.csv", "nsr030")));
  grid.ExtendTo(1330, &track, params);
  const std::vector<Knot> knots = Knots(ReadBeats("input_beats_dropouts.csv", "nsr030"));
  int has = 0;
  for (int k = 0; k < 1200; ++k) {
    const bool there = *grid.masks(120 + k, 1) != 0;
    if (valid[static_cast<size_t>(k)] == '0') {
      EXPECT_FALSE(there) << k;
    } else {
      EXPECT_NEAR(CurveAt(knots, 30 + 0.25 * k), expected[static_cast<size_t>(k)], 1e-6);
      has += there ? 1 : 0;
    }
  }
  EXPECT_GT(has, 700);
}

TEST(GridTest, NothingIsGuessedAcrossAGap) {
  const Params params;
  std::vector<Beat> beats = BeatsFromMs(std::vector<double>(40, 800));
  beats[20].gap_before = true;  // between 16.0 and 16.8 s
  BeatTrack track(params, beats);
  GridTrack grid(200);
  grid.ExtendTo(120, &track, params);
  for (int64_t g = 5; g <= 120; ++g) {
    const bool in_gap = g * 250 > 16000 && g * 250 <= 16800;
    EXPECT_EQ(*grid.masks(g, 1) == 0, in_gap) << g;
  }
  // One beat left out is passed over, two in a row are not.
  for (const size_t out : {1u, 2u}) {
    std::vector<double> rr(40, 800);
    for (size_t i = 0; i < out; ++i) rr[20 + i] = 1250;
    BeatTrack odd(params, BeatsFromMs(rr));
    ASSERT_EQ(odd.Judge(20, 40), (Verdict{BeatClass::kLong, 0}));
    GridTrack passes(200);
    passes.ExtendTo(120, &odd, params);
    EXPECT_EQ(passes.CountValid(75, 20) == 20, out == 1);
  }
}

// What a correction puts in is on the curve; a hole of more than bridge_us, or one without beats
// beside it, is not.
TEST(GridTest, CorrectedBeatsAreKnots) {
  const Params params;
  const auto grid_of = [&](const std::vector<Beat>& beats) {
    BeatTrack track(params, beats);
    GridTrack grid(200);
    grid.ExtendTo(100, &track, params);
    return grid;
  };
  const auto with = [](std::vector<double> odd) {
    std::vector<double> rr(20, 800);
    rr.insert(rr.end(), odd.begin(), odd.end());
    rr.insert(rr.end(), 20, 800);
    return rr;
  };
  for (const std::vector<double>& odd :
       {std::vector<double>{1600}, {2400}, {380, 420}, {560, 1040}, {1040, 560}}) {
    const GridTrack grid = grid_of(BeatsFromMs(with(odd)));
    for (int64_t g = 5; g <= 100; ++g) {
      ASSERT_EQ(*grid.masks(g, 1), -1) << odd[0] << " at " << g;
      ASSERT_NEAR(ToMs(*grid.values(g, 1)), 800, 1) << odd[0] << " at " << g;
    }
  }
  // 3.2 s, four intervals: longer than may be bridged. And a link loss of two beats.
  std::vector<Beat> lost = BeatsFromMs(std::vector<double>(40, 800));
  lost.erase(lost.begin() + 20, lost.begin() + 22);
  for (const auto& beats : {BeatsFromMs(with({3200})), lost}) {
    const GridTrack grid = grid_of(beats);
    for (int64_t g = 65; g <= 72; ++g) EXPECT_EQ(*grid.masks(g, 1), 0) << g;
  }
}

// A sample never changes with what lies beyond its horizon, however the track came to it: a heart
// with artefacts, one full of them, and one so slow that the horizon cuts off knots.
TEST(GridTest, SamplesAreFinalAtTheirHorizon) {
  const Params params;
  std::vector<double> slow;
  for (int i = 0; i < 500; ++i) slow.push_back(1500 + 40 * (i * i % 7));
  const std::vector<double> spoilt =
      testing::Inject(testing::ReadNsr(3), {.apart_min = 1, .apart_max = 6}, 7).rr_ms;
  for (const std::vector<double>& rr : {testing::ReadNsr(16), spoilt, slow}) {
    const std::vector<Beat> beats = BeatsFromMs(rr);
    BeatTrack all(params, beats), known(params, beats.size());
    GridTrack once(3000), stepwise(3000);
    once.ExtendTo(2400, &all, params);
    size_t next = 0;
    for (int64_t last = 1; last <= 2400; ++last) {
      while (next < beats.size() && beats[next].time_us <= last * kSampleUs + 3'000'000) {
        known.Add(beats[next++]);
      }
      stepwise.ExtendTo(last, &known, params);
    }
    int valid = 0;
    for (int64_t g = 1; g <= 2400; ++g) {
      ASSERT_EQ(*once.masks(g, 1), *stepwise.masks(g, 1)) << g;
      ASSERT_EQ(*once.values(g, 1), *stepwise.values(g, 1)) << g;
      valid += *once.masks(g, 1) != 0 ? 1 : 0;
      // And as worked out by itself, from nothing that was kept.
      if (g % 10 != 0) continue;
      BeatTrack fresh(params, beats);
      Curve curve;
      double units = 0;
      const bool there = curve.At(g * kSampleUs, &fresh, params, &units);
      ASSERT_EQ(there, *once.masks(g, 1) != 0) << g;
      if (there) {
        ASSERT_EQ(std::lrint(units) - kGridBaseline, *once.values(g, 1)) << g;
      }
    }
    EXPECT_GT(valid, 1500);
    once.TruncateFrom(1000);
    EXPECT_EQ(once.end(), 1000);
    once.ExtendTo(2400, &all, params);
    EXPECT_EQ(*once.values(2400, 1), *stepwise.values(2400, 1));
  }
}

// A beat older than the reach never changes a sample, whatever there is of artefacts and gaps: that
// is why a session may drop it.
TEST(GridTest, OlderBeatsThanTheReachDecideNothing) {
  const Params params;
  std::mt19937_64 random(20261122);
  int there = 0, decided_by_older = 0;
  for (int run = 0; run < 6; ++run) {
    // Restless and quiet by turns, with odd intervals near what the thresholds just let pass.
    const auto unit = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53 - 0.5; };
    std::vector<double> rr;
    for (int i = 0; i < 600; ++i) {
      const double restless = i / 40 % 2 == 0 ? 0.22 : 0.08;
      const double odd = random() % 12 == 0 ? 0.8 * unit() : 0;
      // Up to the slowest heart, whose beats reach back furthest.
      rr.push_back(std::min(2000.0, (700 + 250 * run) * (1 + restless * unit() + odd)));
    }
    std::vector<Beat> beats = BeatsFromMs(rr);
    for (Beat& beat : beats) {
      beat.gap_before = random() % 100 == 0;
      beat.time_us += static_cast<int64_t>(random() % 200'000);  // near the tolerance
    }
    BeatTrack all(params, beats);
    for (int64_t time_us = 100'000'000; time_us < 300'000'000; time_us += 750'000) {
      const auto since = [&](int64_t reach_us) {
        std::vector<Beat> newer;
        for (const Beat& beat : beats) {
          if (beat.time_us >= time_us - reach_us) newer.push_back(beat);
        }
        BeatTrack track(params, std::move(newer));
        double units = -1;
        return Curve().At(time_us, &track, params, &units) ? units : -1.0;
      };
      double expected = -1;
      there += Curve().At(time_us, &all, params, &expected) ? 1 : 0;
      ASSERT_EQ(since(BeatReachUs(params)), expected) << run << " at " << time_us;
      decided_by_older += since(BeatReachUs(params) / 2) != expected ? 1 : 0;
    }
  }
  EXPECT_GT(there, 800);
  EXPECT_GT(decided_by_older, 0);
}

// Beats that come late: once what they change is taken back, the grid is that of beats in time.
TEST(GridTest, LateBeatsLeaveNothingBehind) {
  const Params params;
  const std::vector<Beat> beats = BeatsFromMs(testing::ReadNsr(16));
  BeatTrack all(params, beats), late(params, beats.size());
  GridTrack once(1300), live(1300);
  once.ExtendTo(1200, &all, params);
  size_t next = 0;
  std::vector<Beat> held;
  for (int64_t last = 1; last <= 1200; ++last) {
    const auto add = [&](const Beat& beat) {
      late.Add(beat);
      live.TruncateFrom((std::max<int64_t>(0, beat.time_us - params.horizon_us - 1) + kSampleUs) /
                        kSampleUs);
    };
    for (; beats[next].time_us <= last * kSampleUs + params.horizon_us; ++next) {
      if (next % 5 == 3) {
        held.push_back(beats[next]);
      } else {
        add(beats[next]);
      }
    }
    // Each held back until its own time, three seconds late.
    while (!held.empty() && held.front().time_us <= last * kSampleUs) {
      add(held.front());
      held.erase(held.begin());
    }
    live.ExtendTo(last, &late, params);
  }
  for (const Beat& beat : held) late.Add(beat);
  live.TruncateFrom(1185);
  live.ExtendTo(1200, &late, params);
  for (int64_t g = 1; g <= 1200; ++g) {
    ASSERT_EQ(*once.masks(g, 1), *live.masks(g, 1)) << g;
    ASSERT_EQ(*once.values(g, 1), *live.values(g, 1)) << g;
  }
}

}  // namespace
}  // namespace attune::synchrony
