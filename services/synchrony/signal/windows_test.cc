#include "services/synchrony/signal/windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "services/synchrony/pair/reference.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

GridTrack Quantised(const std::vector<double>& ms) {
  std::vector<int16_t> values;
  for (double v : ms) {
    values.push_back(static_cast<int16_t>(std::lrint(v * 2.048) - kGridBaseline));
  }
  std::vector<int16_t> masks(ms.size(), -1);
  return GridTrack::ForTest(1, std::move(values), std::move(masks));
}

// Window m ends at sample 4 m, that is at row 4 m - 1 of the CSV: the reference's starts 0, 4, ...
// are m = 15, 16, ...
TEST(WindowsTest, DotProductIsTheDetrendedWindowedR) {
  auto csv = testing::ReadCsv("tests/data/reference-values/pair/input_pair.csv");
  const GridTrack a = Quantised(testing::ToDoubles(csv["A_nsr003"]));
  const GridTrack b = Quantised(testing::ToDoubles(csv["B_nsr008"]));
  const std::vector<double> expected = testing::JsonNumbers(
      testing::ReadFile("tests/data/reference-values/pair/expected_windowed_r.json"),
      "r_detrended_AB");
  ASSERT_EQ(expected.size(), 586u);
  WindowTrack wa(700), wb(700);
  wa.ExtendTo(600, a, Params{});
  wb.ExtendTo(600, b, Params{});
  double worst = 0, worst_given_grid = 0, mean = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto m = static_cast<int64_t>(i) + 15;
    ASSERT_TRUE(wa.usable(m) && wb.usable(m));
    const double r = Dot(wa.row(m), wb.row(m), kRowLength) * kRScale;
    mean += (r - expected[i]) / 586;
    worst = std::max(worst, std::fabs(r - expected[i]));
    // Against double arithmetic on the same integers only the rounding of the rows is left.
    std::vector<double> x, y;
    for (int k = 0; k < 60; ++k) {
      x.push_back(a.values(4 * m, 60)[k]);
      y.push_back(b.values(4 * m, 60)[k]);
    }
    worst_given_grid = std::max(
        worst_given_grid,
        std::fabs(r - reference::PearsonR(x.data(), y.data(), 60, reference::Trend::kRemoveLine)));
  }
  EXPECT_LE(worst_given_grid, 2e-4);
  EXPECT_LE(worst, 1e-2);
  EXPECT_LE(std::fabs(mean), 2e-4);
}

TEST(WindowsTest, MissingAndFlatWindowsAreNotUsable) {
  std::vector<int16_t> values(60), masks(60, -1), row(kRowLength);
  for (int i = 0; i < 60; ++i) values[static_cast<size_t>(i)] = static_cast<int16_t>(3 * i);
  EXPECT_FALSE(NormaliseWindow(values.data(), masks.data(), 60, 0.8, row.data()));  // a line
  for (int i = 0; i < 60; ++i) values[static_cast<size_t>(i)] = static_cast<int16_t>(i * i % 17);
  EXPECT_TRUE(NormaliseWindow(values.data(), masks.data(), 60, 0.8, row.data()));
  int64_t squares = 0;
  for (int16_t v : row) squares += int64_t{v} * v;
  EXPECT_NEAR(static_cast<double>(squares) * kRScale, 1.0, 1e-3);
  for (size_t i = 20; i < 32; ++i) values[i] = masks[i] = 0;
  EXPECT_TRUE(NormaliseWindow(values.data(), masks.data(), 60, 0.8, row.data()));
  for (size_t i = 20; i < 32; ++i) EXPECT_EQ(row[i], 0);
  values[32] = masks[32] = 0;
  EXPECT_FALSE(NormaliseWindow(values.data(), masks.data(), 60, 0.8, row.data()));
  for (int16_t v : row) EXPECT_EQ(v, 0);
}

TEST(WindowsTest, TakingBackSamplesTakesBackTheirWindows) {
  auto csv = testing::ReadCsv("tests/data/reference-values/pair/input_pair.csv");
  const GridTrack grid = Quantised(testing::ToDoubles(csv["A_nsr003"]));
  WindowTrack track(100);
  for (int64_t m = 1; m <= 450; ++m) {
    track.ExtendTo(m, grid, Params{});
    EXPECT_EQ(track.end(), m + 1);
  }
  const std::vector<int16_t> before(track.row(440), track.row(440) + kRowLength);
  const uint64_t revision = track.revision();
  track.TruncateFromSample(4 * 450 + 1);  // not there yet
  EXPECT_EQ(track.revision(), revision);
  track.TruncateFromSample(4 * 440 - 3);
  EXPECT_EQ(track.end(), 440);
  EXPECT_NE(track.revision(), revision);
  track.ExtendTo(450, grid, Params{});
  EXPECT_EQ(std::vector<int16_t>(track.row(440), track.row(440) + kRowLength), before);
}

}  // namespace
}  // namespace attune::synchrony
