#include "services/synchrony/pair/concordance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr char kFolder[] = "tests/data/reference-values/pair/";

// The program of this oracle that takes the slope as the mean of central differences
// (SSI_AB_mean_gradient) is not followed: least squares is what Marci et al. describe, and the
// index of strangers changes its sign with it (0.056 and -0.082 here).
TEST(ConcordanceTest, AgreesWithDyadSyncAndNumpy) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_pair.csv"));
  const std::string json = testing::ReadFile(kFolder + std::string("expected_concordance.json"));
  const ConcordanceShape shape;
  const std::vector<double> a = Slopes(testing::ToDoubles(csv["A_nsr003"]), shape);
  const std::vector<double> b = Slopes(testing::ToDoubles(csv["B_nsr008"]), shape);
  const std::vector<double> l = Slopes(testing::ToDoubles(csv["L"]), shape);
  ASSERT_EQ(a.size(), 595u);
  const std::vector<double> first = testing::JsonNumbers(json, "slope_ls_A_first10_ms_per_s");
  for (size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(a[i], first[i], 1e-9);
  const std::vector<double> expected = testing::JsonNumbers(json, "r_of_slopes_AB");
  const std::vector<double> r = RollingR(a, b, 15, 12);
  ASSERT_EQ(r.size(), expected.size());
  for (size_t i = 0; i < r.size(); ++i) ASSERT_NEAR(r[i], expected[i], 1e-9) << i;
  const Concordance ab = ConcordanceOfSlopes(a, b, shape);
  EXPECT_EQ(ab.windows, 581);
  EXPECT_NEAR(ab.index, testing::JsonNumber(json, "SSI_AB_least_squares"), 1e-9);
  EXPECT_NEAR(ab.index, testing::JsonNumber(json, "SSI_AB_by_DyadSync_marciIndex"), 1e-9);
  EXPECT_NEAR(ab.mean_r, testing::JsonNumber(json, "mean_r_AB"), 1e-9);
  EXPECT_NEAR(ConcordanceOfSlopes(a, l, shape).index,
              testing::JsonNumber(json, "SSI_AL_least_squares"), 1e-9);
}

TEST(ConcordanceTest, HeldWithinTenAndMissingSlopesLeftOut) {
  std::vector<double> x, opposite;
  for (int i = 0; i < 200; ++i) {
    x.push_back(std::sin(0.1 * i));
    opposite.push_back(-std::sin(0.1 * i));
  }
  const ConcordanceShape shape;
  std::vector<double> slopes = Slopes(x, shape);
  EXPECT_EQ(ConcordanceOfSlopes(slopes, slopes, shape).index, 10);
  EXPECT_EQ(ConcordanceOfSlopes(slopes, Slopes(opposite, shape), shape).index, -10);
  // A missing sample takes the slopes that would need it, and nothing else.
  x[100] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> holed = Slopes(x, shape);
  for (size_t i = 0; i < holed.size(); ++i) {
    EXPECT_EQ(std::isnan(holed[i]), 4 * i <= 100 && 100 <= 4 * i + 20) << i;
    if (!std::isnan(holed[i])) {
      EXPECT_EQ(holed[i], slopes[i]);
    }
  }
  EXPECT_EQ(ConcordanceOfSlopes(std::vector<double>(14), std::vector<double>(14), shape).windows,
            0);
}

// A slope is per second: a line of 3 ms each sample rises by 12 ms a second.
TEST(ConcordanceTest, SlopeOfALine) {
  std::vector<double> x;
  for (int i = 0; i < 30; ++i) x.push_back(800 + 3 * i);
  for (double slope : Slopes(x, {})) EXPECT_NEAR(slope, 12, 1e-9);
}

}  // namespace
}  // namespace attune::synchrony
