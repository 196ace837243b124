// Does the tail hold? On half 1 of samples.h; half 0 alone leads to the same choice (calibrate.cc
// prints all of it for both). Through the engine, one pair or group at a time; for what a session
// shows see tests/false_positive.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "services/synchrony/testing/samples.h"

namespace attune::synchrony {
namespace {

constexpr int kToCheck = 1;
constexpr uint64_t kSeed = 20261122;

double Share(const std::vector<Number>& numbers, double level) {
  const auto reached = std::count_if(numbers.begin(), numbers.end(), [=](const Number& number) {
    return number.chance.p <= level;
  });
  return static_cast<double>(reached) / static_cast<double>(numbers.size());
}

// The share of values above and below the band.
double Outside(const std::vector<Number>& numbers, bool above) {
  const auto outside = std::count_if(numbers.begin(), numbers.end(), [=](const Number& number) {
    return above ? number.value > number.chance.high : number.value < number.chance.low;
  });
  return static_cast<double>(outside) / static_cast<double>(numbers.size());
}

void Print(const char* what, const std::vector<Number>& numbers) {
  std::printf(
      "%-36s %6zu looks: p <= .05 %.4f, .01 %.4f, .001 %.5f; above the band %.4f, below %.4f\n",
      what, numbers.size(), Share(numbers, 0.05), Share(numbers, 0.01), Share(numbers, 0.001),
      Outside(numbers, true), Outside(numbers, false));
}

void ExpectPairsHold(const char* what, const std::vector<Number>& numbers) {
  Print(what, numbers);
  ASSERT_GT(numbers.size(), 8000u);
  EXPECT_GE(Share(numbers, 0.05), 0.03);
  EXPECT_LE(Share(numbers, 0.05), 0.07);
  EXPECT_GE(Share(numbers, 0.01), 0.005);
  EXPECT_LE(Share(numbers, 0.01), 0.015);
  // Of the right order: some ten looks.
  EXPECT_GE(Share(numbers, 0.001), 0.0002);
  EXPECT_LE(Share(numbers, 0.001), 0.003);
  for (const bool above : {true, false}) {
    EXPECT_GE(Outside(numbers, above), 0.015);
    EXPECT_LE(Outside(numbers, above), 0.04);
  }
}

TEST(CalibrationTest, PairsOverTheWholeSpan) {
  const Samples samples = SamplePairs(kToCheck, 8, 180, 900, kSeed);
  ExpectPairsHold("mean windowed r, 180 s", samples.r_mean_windowed);
  ExpectPairsHold("phase locking, 180 s", samples.plv_lf);
}

TEST(CalibrationTest, PairsAsSoonAsThereIsAValue) {
  const Samples samples = SamplePairs(kToCheck, 40, 120, 120, kSeed);
  ExpectPairsHold("mean windowed r, 120 s", samples.r_mean_windowed);
  ExpectPairsHold("phase locking, 120 s", samples.plv_lf);
}

// Fewer looks than of pairs: the band is that of three standard deviations.
TEST(CalibrationTest, Groups) {
  for (const int size : {2, 3, 8, 20}) {
    const Samples samples = SampleGroups(kToCheck, size, size < 10 ? 60 : 25, 180, 1800, kSeed);
    for (const bool order : {true, false}) {
      const std::vector<Number>& numbers =
          order ? samples.order_parameter : samples.r_mean_pairwise;
      const std::string what =
          (order ? "order parameter of " : "mean pairwise r of ") + std::to_string(size);
      Print(what.c_str(), numbers);
      ASSERT_GE(numbers.size(), 250u) << what;
      const double slack = 3 * std::sqrt(0.05 * 0.95 / static_cast<double>(numbers.size()));
      EXPECT_GE(Share(numbers, 0.05), 0.03 - slack) << what;
      EXPECT_LE(Share(numbers, 0.05), 0.07 + slack) << what;
      EXPECT_LE(Share(numbers, 0.01), 0.03) << what;
    }
  }
}

}  // namespace
}  // namespace attune::synchrony
