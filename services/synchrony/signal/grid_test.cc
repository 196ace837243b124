#include "services/synchrony/signal/grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "services/synchrony/signal/pchip.h"
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
  grid.ExtendTo(2600, beats, Params{});
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
  grid.ExtendTo(1330, BeatsFromMs(ReadBeats("input_beats_dropouts.csv", "nsr030")), Params{});
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
  std::vector<Beat> beats = BeatsFromMs(std::vector<double>(40, 800));
  beats[20].gap_before = true;  // between 16.0 and 16.8 s
  GridTrack grid(200);
  grid.ExtendTo(120, beats, Params{});
  for (int64_t g = 5; g <= 120; ++g) {
    const bool in_gap = g * 250 > 16000 && g * 250 <= 16800;
    EXPECT_EQ(*grid.masks(g, 1) == 0, in_gap) << g;
  }
  // One rejected beat is passed over, two in a row are not.
  for (int rejected : {1, 2}) {
    beats = BeatsFromMs(std::vector<double>(40, 800));
    for (int i = 0; i < rejected; ++i) beats[static_cast<size_t>(20 + i)].rr_1024 = 500;
    for (Beat& beat : beats) beat.gap_before = false;
    Params loose;
    loose.adjacency_tolerance_us = 1'000'000;
    GridTrack track(200);
    track.ExtendTo(120, beats, loose);
    EXPECT_EQ(track.CountValid(75, 20) == 20, rejected == 1);
  }
}

// A sample never changes with what lies beyond its horizon, however the track came to it: a heart
// with artefacts, and one so slow that the horizon cuts off knots.
TEST(GridTest, SamplesAreFinalAtTheirHorizon) {
  std::vector<double> slow;
  for (int i = 0; i < 500; ++i) slow.push_back(1500 + 40 * (i * i % 7));
  for (const std::vector<Beat>& beats : {BeatsFromMs(testing::ReadNsr(16)), BeatsFromMs(slow)}) {
    GridTrack once(3000), stepwise(3000);
    once.ExtendTo(2400, beats, Params{});
    size_t known = 0;
    for (int64_t last = 1; last <= 2400; ++last) {
      while (known < beats.size() && beats[known].time_us <= last * kSampleUs + 3'000'000) ++known;
      stepwise.ExtendTo(last, {beats.begin(), beats.begin() + static_cast<ptrdiff_t>(known)},
                        Params{});
    }
    int valid = 0;
    for (int64_t g = 1; g <= 2400; ++g) {
      ASSERT_EQ(*once.masks(g, 1), *stepwise.masks(g, 1)) << g;
      ASSERT_EQ(*once.values(g, 1), *stepwise.values(g, 1)) << g;
      valid += *once.masks(g, 1) != 0 ? 1 : 0;
    }
    EXPECT_GT(valid, 1500);
    once.TruncateFrom(1000);
    EXPECT_EQ(once.end(), 1000);
    once.ExtendTo(2400, beats, Params{});
    EXPECT_EQ(*once.values(2400, 1), *stepwise.values(2400, 1));
  }
}

}  // namespace
}  // namespace attune::synchrony
