// The chance levels of recordings: fixed shifts, and pairing anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "services/synchrony/chance/null.h"
#include "services/synchrony/chance/segment_shuffle.h"
#include "services/synchrony/chance/shift_test.h"
#include "services/synchrony/pair/reference.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

TEST(ShiftTestTest, ShiftsAreSpreadAndApart) {
  EXPECT_EQ(FixedShifts(100, 20, 1000).size(), 61u);  // 20..80
  const std::vector<int> few = FixedShifts(1000, 120, 99, 4);
  ASSERT_EQ(few.size(), 99u);
  EXPECT_EQ(few.front(), 120);
  EXPECT_EQ(few.back(), 880);
  for (size_t i = 1; i < few.size(); ++i) {
    EXPECT_EQ(few[i] % 4, 0);
    EXPECT_GE(few[i] - few[i - 1], 4);
    EXPECT_LE(few[i] - few[i - 1], 8);
  }
  EXPECT_TRUE(FixedShifts(239, 120, 10).empty());
  EXPECT_EQ(FixedShifts(240, 120, 10), std::vector<int>{120});
  const std::vector<double> x = {1, 2, 3, 4, 5};
  EXPECT_EQ(Shifted(x, 2), (std::vector<double>{4, 5, 1, 2, 3}));
}

// All 961 shifts of the reference pairs, through the general form.
TEST(ShiftTestTest, AgreesWithTheReferencePairs) {
  const std::string folder = "tests/data/reference-values/nulls/";
  auto csv = testing::ReadCsv(folder + "input_grid.csv");
  const std::string json = testing::ReadFile(folder + "expected_20_pairs.json");
  for (int i = 0; i < 2; ++i) {
    const std::string_view pair = testing::JsonAt(json, "a", i);
    const auto name = [](std::string_view text) {
      return std::string(text.substr(1, text.find('"', 1) - 1));
    };
    const std::vector<double> a = testing::ToDoubles(csv[name(pair)]);
    const std::vector<double> b = testing::ToDoubles(csv[name(testing::JsonAt(pair, "b"))]);
    const auto mean_r = [](std::span<const double> x, std::span<const double> y) {
      double sum = 0;
      const std::vector<double> r = reference::WindowedR({x.begin(), x.end()}, {y.begin(), y.end()},
                                                         60, 4, reference::Trend::kRemoveLine);
      for (double v : r) sum += v / static_cast<double>(r.size());
      return sum;
    };
    const std::string_view expected = testing::JsonAt(pair, "window_detrended");
    Chance chance;
    ASSERT_TRUE(ShiftTest(a, b, FixedShifts(1200, 120, 1000), 20, mean_r, &chance));
    EXPECT_EQ(chance.shifts, 961);
    EXPECT_NEAR(chance.p, testing::JsonNumber(expected, "p"), 1e-12);
    EXPECT_NEAR(chance.mean, testing::JsonNumber(expected, "null_mean"), 1e-9);
  }
}

TEST(ShiftTestTest, ShiftsWithoutAValueAreLeftOut) {
  const std::vector<int> shifts = {1, 2, 3, 4};
  const auto statistic = [](int shift) { return shift == 3 ? std::nan("") : 0.1 * shift; };
  Chance chance;
  EXPECT_FALSE(ShiftTest(0.2, shifts, 4, statistic, &chance));
  ASSERT_TRUE(ShiftTest(0.2, shifts, 3, statistic, &chance));
  EXPECT_EQ(chance.shifts, 3);
  EXPECT_DOUBLE_EQ(chance.p, 3.0 / 4);  // 0.2 and 0.4 are not below 0.2
}

TEST(PairingTestTest, EveryOtherPairingOfAFew) {
  const std::vector<double> matrix = {3, 0, 1,  //
                                      0, 3, 1,  //
                                      1, 1, 0};
  const PairingNull null = PairingTest(matrix, 3, 100, 1);
  EXPECT_DOUBLE_EQ(null.observed, 2);
  std::vector<double> sums;
  for (double v : null.null_values) sums.push_back(3 * v);
  std::sort(sums.begin(), sums.end());
  ASSERT_EQ(sums.size(), 5u);
  // (0)(12): 3+1+1; (1)(02): 1+3+1; (2)(01): 0; two rotations: 0+1+1, 1+0+1.
  const double expected[] = {0, 2, 2, 5, 5};
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(sums[i], expected[i], 1e-12);
  EXPECT_TRUE(PairingTest(std::vector<double>{1}, 1, 100, 1).null_values.empty());
  EXPECT_EQ(PairingTest(std::vector<double>(36), 6, 100, 1).null_values.size(), 719u);
}

// Random pairings: the same for the same seed, each column once, all alike often.
TEST(PairingTestTest, DrawsOfMany) {
  constexpr size_t kSize = 8;
  std::vector<double> matrix(kSize * kSize);
  for (size_t i = 0; i < kSize; ++i) {
    for (size_t j = 0; j < kSize; ++j) matrix[i * kSize + j] = static_cast<double>(1u << j);
  }
  // Whatever the pairing, every column counts once.
  for (double v : PairingTest(matrix, kSize, 50, 9).null_values) EXPECT_DOUBLE_EQ(8 * v, 255);
  std::vector<double> corner(kSize * kSize);
  corner[3 * kSize + 5] = 8;
  const PairingNull null = PairingTest(corner, kSize, 8000, 2);
  EXPECT_EQ(null.null_values, PairingTest(corner, kSize, 8000, 2).null_values);
  double mean = 0;
  for (double v : null.null_values) mean += v / 8000;
  EXPECT_NEAR(mean, 1.0 / 8, 0.015);
}

// A p from pairing anew is uniform when nothing is special about the diagonal, also when rows and
// columns differ among themselves.
TEST(PairingTestTest, HoldsItsLevel) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  int significant = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<double> rows(6), columns(6), matrix;
    for (double& v : rows) v = 3 * normal(random);
    for (double& v : columns) v = 3 * normal(random);
    for (double r : rows) {
      for (double c : columns) matrix.push_back(r + c + normal(random));
    }
    PairingNull null = PairingTest(matrix, 6, 0, 0);
    significant += ChanceFrom(null.observed, null.null_values).p <= 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(significant / 2000.0, 0.05, 0.015);
}

TEST(PseudoPairsTest, EveryoneWithEveryoneOfAnotherCouple) {
  const std::vector<std::pair<int, int>> couples = {{1, 4}, {3, 2}};
  EXPECT_EQ(PseudoPairs(couples),
            (std::vector<std::pair<int, int>>{{1, 2}, {1, 3}, {2, 4}, {3, 4}}));
  EXPECT_TRUE(PseudoPairs(std::vector<std::pair<int, int>>{{1, 4}}).empty());
}

}  // namespace
}  // namespace attune::synchrony
