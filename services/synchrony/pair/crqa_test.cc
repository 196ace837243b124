#include "services/synchrony/pair/crqa.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr char kFolder[] = "tests/data/reference-values/pair/";

TEST(CrqaTest, AgreesWithNumpyAndThePackage) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_pair.csv"));
  const std::string json = testing::ReadFile(kFolder + std::string("expected_crqa.json"));
  std::vector<double> a = testing::ToDoubles(csv["A_nsr003"]);
  a.resize(1200);
  const auto near = [](double value, double expected) {
    EXPECT_NEAR(value, expected, 1e-10 * std::fabs(expected));
  };
  struct Case {
    const char* name;
    CrqaShape shape;
  };
  const Case cases[] = {{"m1_tau1_r0.3", {1, 1, 0.3}},
                        {"m1_tau1_r0.1", {1, 1, 0.1}},
                        {"m3_tau4_r0.5", {3, 4, 0.5}},
                        {"m3_tau4_r1.0", {3, 4, 1.0}}};
  for (const Case& c : cases) {
    for (const bool follower : {false, true}) {
      std::vector<double> b = testing::ToDoubles(csv[follower ? "L" : "B_nsr008"]);
      b.resize(1200);
      const std::string_view expected =
          testing::JsonAt(json, std::string(follower ? "AL_" : "AB_") + c.name);
      const Crqa crqa = CrossRecurrence(a, b, c.shape);
      EXPECT_EQ(crqa.states, testing::JsonNumber(expected, "n"));
      EXPECT_EQ(crqa.recurrent, testing::JsonNumber(expected, "n_recurrent"));
      EXPECT_EQ(crqa.lines, testing::JsonNumber(expected, "n_lines"));
      EXPECT_EQ(crqa.line_max, testing::JsonNumber(expected, "L_max"));
      near(crqa.rec_pct, testing::JsonNumber(expected, "REC_pct"));
      near(crqa.det_pct, testing::JsonNumber(expected, "DET_pct"));
      near(crqa.line_mean, testing::JsonNumber(expected, "L_mean"));
      near(crqa.entropy, testing::JsonNumber(expected, "ENTR_nats"));
      const std::vector<double> profile = testing::JsonNumbers(expected, "diag_profile_lag_pm20");
      ASSERT_EQ(crqa.profile.size(), profile.size());
      for (size_t i = 0; i < profile.size(); ++i) near(crqa.profile[i], profile[i]);
      if (follower) {
        // L follows A by six samples. At radius 1 the diagonals 5, 6 and 7 are all full, and the
        // one nearest 0 counts: too large a radius says nothing.
        const int lag = c.shape.radius == 1.0 ? 5 : 6;
        EXPECT_EQ(crqa.lag, lag);
        EXPECT_EQ(CrossRecurrence(b, a, c.shape).lag, -lag);
      }
    }
  }
}

// 0 1 0 1 0 1 0 1 with itself: cell (i, j) recurs when i - j is even. 32 of 64 cells, on diagonals
// of length 8, 6, 6, 4, 4, 2, 2.
TEST(CrqaTest, CountedByHand) {
  const std::vector<double> x = {0, 1, 0, 1, 0, 1, 0, 1};
  const Crqa crqa = CrossRecurrence(x, x, {1, 1, 0.1});
  EXPECT_EQ(crqa.recurrent, 32);
  EXPECT_EQ(crqa.rec_pct, 50);
  EXPECT_EQ(crqa.det_pct, 100);
  EXPECT_EQ(crqa.lines, 7);
  EXPECT_EQ(crqa.line_max, 8);
  EXPECT_NEAR(crqa.line_mean, 32.0 / 7, 1e-12);
  EXPECT_NEAR(crqa.entropy, -(std::log(1.0 / 7) + 3 * 2 * std::log(2.0 / 7)) / 7, 1e-12);
  EXPECT_EQ(crqa.lag, 0);
  EXPECT_EQ(CrossRecurrence(std::vector<double>(8, 1.0), x, {1, 1, 0.1}).states, 0);
}

// A hole recurs with nothing: what is left is what both halves have with each other.
TEST(CrqaTest, MissingSamplesRecurWithNothing) {
  std::vector<double> x = {0, 1, 0, 1, 0, 1, 0, 1};
  const std::vector<double> y = x;
  x[2] = x[3] = std::numeric_limits<double>::quiet_NaN();
  const Crqa crqa = CrossRecurrence(x, y, {1, 1, 0.2});
  EXPECT_EQ(crqa.recurrent, 24);
  EXPECT_EQ(crqa.rec_pct, 50);  // of 6 x 8
  // j - i = 0: rows 0-1 and 4-7: 2 + 4; 2: 2 + 2; 4: 2; 6: 2; -2: row 2 is missing, 4-7: 4; -4: 4;
  // -6: 2. Nine lines.
  EXPECT_EQ(crqa.lines, 9);
  EXPECT_EQ(crqa.line_max, 4);
}

}  // namespace
}  // namespace attune::synchrony
