#include "services/synchrony/signal/windows.h"

#include <gtest/gtest.h>

#include <algorithm>
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

bool Usable(const WindowRing& ring, int64_t window) {
  return ring.slots().usable(ring.slots().SlotOf(window));
}

std::vector<int16_t> Row(const WindowRing& ring, int64_t window) {
  std::vector<int16_t> row(kRowLength);
  GetBlockRow(ring.blocks(), static_cast<size_t>(ring.slots().SlotOf(window)), row.data());
  return row;
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
  WindowRing wa(601, 1), wb(601, 1);
  wa.ExtendTo(600, a, Params{});
  wb.ExtendTo(600, b, Params{});
  double worst = 0, worst_given_grid = 0, mean = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto m = static_cast<int64_t>(i) + 15;
    ASSERT_TRUE(Usable(wa, m) && Usable(wb, m));
    const double r = Dot(Row(wa, m).data(), Row(wb, m).data(), kRowLength) * kRScale;
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

// Whatever the steps, the ring holds the windows of the last `size` seconds, and the changes tell
// what each step did to it.
TEST(WindowsTest, ChangesTellWhatAStepDid) {
  auto csv = testing::ReadCsv("tests/data/reference-values/pair/input_pair.csv");
  const GridTrack grid = Quantised(testing::ToDoubles(csv["A_nsr003"]));
  constexpr int kSize = 70;
  WindowRing ring(kSize, 1);
  std::vector<std::vector<int16_t>> before(kSize, std::vector<int16_t>(kRowLength));
  int64_t known = -1;
  for (const int64_t m : {3, 14, 15, 16, 17, 60, 61, 100, 101, 102, 300, 301, 302}) {
    const int64_t back_to = m == 102 ? 95 : m;  // a late beat
    ring.ForgetFromSample(4 * back_to - 3);
    ring.ExtendTo(m, grid, Params{});
    for (const WindowRing::Change& change : ring.changes()) {
      for (int i = 0; i < kRowLength; ++i) {
        int16_t& value = before[static_cast<size_t>(change.slot)][static_cast<size_t>(i)];
        value = static_cast<int16_t>(value + change.difference[i]);
      }
    }
    int64_t own = 0;
    int usable = 0;
    for (int64_t w = std::max<int64_t>(0, m - kSize + 1); w <= m; ++w) {
      std::vector<int16_t> expected(kRowLength);
      const bool there = w >= 15 && NormaliseWindow(grid.values(4 * w, 60), grid.masks(4 * w, 60),
                                                    60, 0.8, expected.data());
      EXPECT_EQ(Usable(ring, w), there) << m << " " << w;
      EXPECT_EQ(Row(ring, w), expected) << m << " " << w;
      EXPECT_EQ(before[static_cast<size_t>(w % kSize)], expected) << m << " " << w;
      own += Dot(expected.data(), expected.data(), kRowLength);
      usable += there ? 1 : 0;
    }
    EXPECT_EQ(ring.own(), own);
    EXPECT_EQ(ring.slots().usable_count(), usable);
    if (m == known + 1 && m > 15 && m != 102) {
      EXPECT_EQ(ring.changes().size(), 1u) << m;
    }
    known = m;
  }
  ring.ExtendTo(302, grid, Params{});
  EXPECT_TRUE(ring.changes().empty());
}

}  // namespace
}  // namespace attune::synchrony
