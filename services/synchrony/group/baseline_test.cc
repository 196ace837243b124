#include "services/synchrony/group/baseline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;

std::vector<ValueAt> Every(int step_s, const std::vector<double>& values) {
  std::vector<ValueAt> all;
  for (size_t k = 0; k < values.size(); ++k) {
    all.push_back({static_cast<int64_t>(k + 1) * step_s * kSecond, values[k]});
  }
  return all;
}

// Windows of 60 s side by side: baseline 1, 2, 3 (mean 2, SD 1), then 6, 8 (mean 7, SD sqrt 2).
TEST(BaselineTest, DifferenceErrorAndStandardised) {
  const auto values = Every(60, {1, 2, 3, 6, 8});
  const ChangeFromBaseline change =
      MeasureChange(values, 60 * kSecond, {0, 180 * kSecond}, {180 * kSecond, 300 * kSecond});
  ASSERT_EQ(change.absent, Absence::kNone);
  EXPECT_DOUBLE_EQ(change.difference, 5);
  EXPECT_DOUBLE_EQ(change.standardised, 5);
  EXPECT_DOUBLE_EQ(change.error, std::sqrt(1.0 / 3 + 2.0 / 2));
  EXPECT_DOUBLE_EQ(change.baseline_mean, 2);
  EXPECT_DOUBLE_EQ(change.baseline_sd, 1);
  EXPECT_DOUBLE_EQ(change.phase_mean, 7);
  EXPECT_EQ(change.baseline_windows, 3);
  EXPECT_EQ(change.phase_windows, 2);
}

// A value each 10 s from windows of 60 s is no more evidence than a value each 60 s.
TEST(BaselineTest, OverlappingWindowsCountOnce) {
  std::vector<double> values;
  for (int k = 1; k <= 48; ++k) values.push_back(k % 2 == 0 ? 1 : 3);
  const auto often = Every(10, values);
  const SessionPhase baseline{0, 240 * kSecond}, phase{240 * kSecond, 480 * kSecond};
  const ChangeFromBaseline change = MeasureChange(often, 60 * kSecond, baseline, phase);
  ASSERT_EQ(change.absent, Absence::kNone);
  EXPECT_EQ(change.baseline_windows, 4);
  EXPECT_EQ(change.phase_windows, 4);
  // 19 values of each phase, every second one 1 and the others 3, with ten of 1 in each.
  const double sd =
      std::sqrt((10 * std::pow(1 - 37.0 / 19, 2) + 9 * std::pow(3 - 37.0 / 19, 2)) / 18);
  EXPECT_NEAR(change.baseline_sd, sd, 1e-12);
  EXPECT_NEAR(change.error, std::sqrt(2 * sd * sd / 4), 1e-12);
  EXPECT_NEAR(change.difference, 0, 1e-12);
}

TEST(BaselineTest, RefusesWithoutEnoughBaseline) {
  const auto values = Every(60, {1, 2, 3, 6, 8});
  const auto absent = [&](SessionPhase baseline, SessionPhase phase) {
    return MeasureChange(values, 60 * kSecond, baseline, phase).absent;
  };
  // A window that begins before the baseline does not count.
  EXPECT_EQ(absent({1, 180 * kSecond}, {180 * kSecond, 300 * kSecond}), Absence::kNotEnoughData);
  EXPECT_EQ(absent({0, 179 * kSecond}, {180 * kSecond, 300 * kSecond}), Absence::kNotEnoughData);
  EXPECT_EQ(absent({0, 180 * kSecond}, {180 * kSecond, 299 * kSecond}), Absence::kNotEnoughData);
  EXPECT_EQ(absent({0, 180 * kSecond}, {180 * kSecond, 300 * kSecond}), Absence::kNone);
  EXPECT_EQ(MeasureChange({}, kSecond, {0, kSecond}, {0, kSecond}).absent, Absence::kNotEnoughData);
  // A baseline that does not vary has no unit to measure a change in.
  const ChangeFromBaseline still = MeasureChange(
      Every(60, {2, 2, 2, 6, 8}), 60 * kSecond, {0, 180 * kSecond}, {180 * kSecond, 300 * kSecond});
  EXPECT_EQ(still.difference, 5);
  EXPECT_EQ(still.standardised, 0);
}

}  // namespace
}  // namespace attune::synchrony
