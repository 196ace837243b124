#include "services/synchrony/pair/susy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/chance/segment_shuffle.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr char kFolder[] = "tests/data/reference-values/pair/";

TEST(SusyTest, AgreesWithThePackage) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_pair.csv"));
  const std::string json = testing::ReadFile(kFolder + std::string("expected_susy.json"));
  const std::vector<double> a = testing::ToDoubles(csv["A_nsr003"]);
  const auto near = [](double value, double expected) {
    EXPECT_NEAR(value, expected, 1e-9 * std::fabs(expected));
  };
  for (const int max_lag_s : {3, 5}) {
    for (const bool follower : {false, true}) {
      const std::string key =
          std::string(follower ? "AL" : "AB") + "_maxlag" + std::to_string(max_lag_s) + "s";
      const std::string_view expected = testing::JsonAt(json, key);
      const Susy susy = SurrogateSynchrony(a, testing::ToDoubles(csv[follower ? "L" : "B_nsr008"]),
                                           {120, 4 * max_lag_s});
      EXPECT_EQ(susy.segments, testing::JsonNumber(expected, "n(Segmente)"));
      near(susy.absolute.z, testing::JsonNumber(expected, "Z"));
      near(susy.absolute.z_pseudo, testing::JsonNumber(expected, "Z-Pseudo"));
      near(susy.absolute.sd_lags, testing::JsonNumber(expected, "SD(Z-Pseudo)"));
      near(susy.absolute.effect(), testing::JsonNumber(expected, "ES"));
      near(susy.with_sign.z, testing::JsonNumber(expected, "Z(noAbs)"));
      near(susy.with_sign.z_pseudo, testing::JsonNumber(expected, "Z(Pseudo-noAbs)"));
      near(susy.with_sign.effect(), testing::JsonNumber(expected, "ES(noAbs)"));
      near(susy.lead_a, testing::JsonNumber(expected, "Z(lead1)"));
      near(susy.lead_b, testing::JsonNumber(expected, "Z(lead2)"));
      if (follower) {
        EXPECT_GT(susy.lead_a, susy.lead_b);  // L follows A
      }
    }
  }
}

// Why an effect size needs a p beside it: the strangers of the reference set have an effect of -3.7
// (and -17 with sign), which as a z score would be impossible by chance.
TEST(SusyTest, EffectOfStrangersIsNoZScore) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_pair.csv"));
  const std::vector<double> a = testing::ToDoubles(csv["A_nsr003"]);
  for (const bool follower : {false, true}) {
    const Susy susy =
        SurrogateSynchrony(a, testing::ToDoubles(csv[follower ? "L" : "B_nsr008"]), {120, 12});
    const PairingNull null = PairingTest(susy.absolute_of, 20, 999, 1);
    EXPECT_NEAR(null.observed, susy.absolute.z, 1e-12);
    int at_least = 0;
    for (double value : null.null_values) at_least += value >= null.observed ? 1 : 0;
    const double p = (1.0 + at_least) / 1000;
    if (follower) {
      EXPECT_EQ(p, 0.001);
    } else {
      EXPECT_GT(p, 0.05);
    }
  }
}

TEST(SusyTest, SegmentsWithHolesOrWithoutVarianceAreNotUsed) {
  std::mt19937_64 random(1);
  std::vector<double> a, b;
  for (int i = 0; i < 600; ++i) {
    a.push_back(static_cast<double>(random() % 1000));
    b.push_back(static_cast<double>(random() % 1000));
  }
  EXPECT_EQ(SurrogateSynchrony(a, b, {}).segments, 5);
  const Susy whole = SurrogateSynchrony(std::span(a).last(480), std::span(b).last(480), {});
  a[50] = std::numeric_limits<double>::quiet_NaN();
  const Susy holed = SurrogateSynchrony(a, b, {});
  EXPECT_EQ(holed.segments, 4);
  EXPECT_EQ(holed.absolute.effect(), whole.absolute.effect());
  for (size_t i = 240; i < 360; ++i) b[i] = 7;
  EXPECT_EQ(SurrogateSynchrony(a, b, {}).segments, 3);
  EXPECT_LT(SurrogateSynchrony(std::span(a).first(239), std::span(b).first(239), {}).segments, 2);
}

}  // namespace
}  // namespace attune::synchrony
