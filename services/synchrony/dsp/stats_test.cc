#include "services/synchrony/dsp/stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/math.h"

namespace attune::synchrony::dsp {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(StatsTest, MomentsByHand) {
  const std::vector<double> x = {2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(Mean(x), 5);
  EXPECT_DOUBLE_EQ(Variance(x, 0), 4);
  EXPECT_DOUBLE_EQ(StandardDeviation(x, 1), std::sqrt(32.0 / 7));
  EXPECT_TRUE(std::isnan(Mean({})));
  EXPECT_TRUE(std::isnan(Variance(std::vector<double>{1}, 1)));
}

TEST(StatsTest, PearsonByHand) {
  const std::vector<double> x = {1, 2, 3, 4}, y = {1, 3, 2, 4}, flat = {5, 5, 5, 5};
  EXPECT_DOUBLE_EQ(Pearson(x, y), 0.8);
  EXPECT_DOUBLE_EQ(Pearson(x, x), 1);
  EXPECT_TRUE(std::isnan(Pearson(x, flat)));
}

TEST(StatsTest, LineIsTakenOut) {
  std::vector<double> x;
  for (int i = 0; i < 9; ++i) x.push_back(7 - 0.5 * i + (i % 2 == 0 ? 1 : -1));
  EXPECT_NEAR(Slope(x), -0.5, 1e-15);  // the zigzag is even about the middle
  RemoveLine(x);
  // What is left is the zigzag minus its mean of 1/9.
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], (i % 2 == 0 ? 1 : -1) - 1.0 / 9, 1e-14);
}

TEST(StatsTest, QuantileBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(Quantile({40, 10, 30, 20}, 0.5), 25);
  EXPECT_DOUBLE_EQ(Quantile({40, 10, 30, 20}, 0.25), 17.5);
  EXPECT_DOUBLE_EQ(Quantile({3}, 0.9), 3);
  EXPECT_DOUBLE_EQ(Quantile({1, 2}, 1), 2);
  EXPECT_TRUE(std::isnan(Quantile({}, 0.5)));
}

TEST(StatsTest, LeastSquaresFindsTheCubic) {
  Matrix a(12, 4);
  std::vector<double> y;
  for (size_t r = 0; r < a.rows; ++r) {
    const double t = static_cast<double>(r) / 3;
    for (size_t c = 0; c < 4; ++c) a.at(r, c) = c == 0 ? 1 : a.at(r, c - 1) * t;
    y.push_back(1 - 2 * t + 0.5 * t * t * t);
  }
  std::vector<double> b;
  double residual = 1;
  ASSERT_TRUE(LeastSquares(a, y, &b, &residual));
  const std::vector<double> expected = {1, -2, 0, 0.5};
  for (size_t c = 0; c < 4; ++c) EXPECT_NEAR(b[c], expected[c], 1e-12);
  EXPECT_LT(residual, 1e-24);
}

// y = 0, 1, 1, 2 over 0..3 by hand: line 0.1 + 0.6 t, squares left over 0.2.
TEST(StatsTest, LeastSquaresLeavesTheResidual) {
  Matrix a(4, 2);
  for (size_t r = 0; r < 4; ++r) {
    a.at(r, 0) = 1;
    a.at(r, 1) = static_cast<double>(r);
  }
  std::vector<double> b;
  double residual = 0;
  ASSERT_TRUE(LeastSquares(a, {0, 1, 1, 2}, &b, &residual));
  EXPECT_NEAR(b[0], 0.1, 1e-15);
  EXPECT_NEAR(b[1], 0.6, 1e-15);
  EXPECT_NEAR(residual, 0.2, 1e-15);
}

TEST(StatsTest, LeastSquaresRefusesDependentColumns) {
  Matrix a(5, 3);
  for (size_t r = 0; r < 5; ++r) {
    a.at(r, 0) = 1;
    a.at(r, 1) = static_cast<double>(r) / 7;
    a.at(r, 2) = 3 - 2 * a.at(r, 1);
  }
  std::vector<double> b = {42};
  EXPECT_FALSE(LeastSquares(a, {1, 2, 3, 4, 5}, &b));
  EXPECT_EQ(b, std::vector<double>{42});
  EXPECT_FALSE(LeastSquares(Matrix(2, 3), {1, 2}, &b));
}

// The chain with 2 on the diagonal and -1 beside it: 2 - 2 cos(k pi / (n + 1)).
TEST(StatsTest, EigenvaluesOfTheChain) {
  const size_t n = 10;
  Matrix a(n, n);
  for (size_t i = 0; i < n; ++i) {
    a.at(i, i) = 2;
    if (i + 1 < n) a.at(i, i + 1) = -1;
  }
  const std::vector<double> values = SymmetricEigenvalues(a);
  ASSERT_EQ(values.size(), n);
  for (size_t i = 0; i < n; ++i) {
    const double k = static_cast<double>(n - i);
    EXPECT_NEAR(values[i], 2 - 2 * std::cos(k * M_PI / (n + 1)), 1e-14);
  }
  EXPECT_TRUE(SymmetricEigenvalues(Matrix()).empty());
}

TEST(CleanRunTest, RunsAndTheHouseRule) {
  const std::vector<double> x = {kNan, 1, 2, kNan, 3, 4, 5, 6, 7, 8};
  const std::vector<double> y = {1, 1, 1, 1, 1, 1, kNan, 1, 1, 1};
  EXPECT_EQ(CleanRuns(x), (std::vector<CleanRun>{{1, 2}, {4, 6}}));
  EXPECT_EQ(CleanRuns(x, y), (std::vector<CleanRun>{{1, 2}, {4, 2}, {7, 3}}));
  EXPECT_EQ(LongestRun(CleanRuns(x)), (CleanRun{4, 6}));
  EXPECT_EQ(LongestRun({}).count, 0u);
  EXPECT_DOUBLE_EQ(CleanShare(x), 0.8);
  // 8 of 10 are clean, but not in one piece.
  EXPECT_TRUE(UsableRun(x).empty());
  EXPECT_EQ(UsableRun(std::span(x).subspan(3)).size(), 6u);
  EXPECT_EQ(UsableRun(std::span(x).subspan(3)).front(), 3);
  EXPECT_EQ(UsableRun(x, y).count, 0u);
  EXPECT_TRUE(UsableRun(std::span<const double>()).empty());
  EXPECT_EQ(CleanShare({}), 0);
}

}  // namespace
}  // namespace attune::synchrony::dsp
