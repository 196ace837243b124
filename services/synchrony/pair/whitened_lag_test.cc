#include "services/synchrony/pair/whitened_lag.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr char kFolder[] = "tests/data/reference-values/pair/";
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.14159265358979323846;

constexpr int kWaves = 150;

// Sums of waves with random frequencies below 0.6 Hz, sizes and phases: a signal that can be asked
// for at any time. Many times stronger the slower it is, as hearts are.
class Signal {
 public:
  Signal(uint64_t seed, bool red) {
    std::mt19937_64 random(seed);
    const auto even = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53; };
    for (int i = 0; i < kWaves; ++i) {
      const double hz = 0.005 + 0.6 * even();
      waves_.push_back({2 * kPi * hz, 2 * kPi * even(), red ? 0.03 / hz : 1});
    }
  }
  double At(double t_s) const {
    double sum = 0;
    for (const Wave& wave : waves_) sum += wave.size * std::sin(wave.omega * t_s + wave.phase);
    return sum;
  }

 private:
  struct Wave {
    double omega, phase, size;
  };
  std::vector<Wave> waves_;
};

struct Couple {
  std::vector<double> a, b;
};
// b(t) = shared(t - lag) + own: coherence between the two as asked for, at all frequencies.
Couple Coupled(uint64_t seed, double coherency, double lag_s, bool red = true, int samples = 720) {
  const Signal shared(3 * seed, red), one(3 * seed + 1, red), other(3 * seed + 2, red);
  const double part = std::sqrt(coherency), rest = std::sqrt(1 - coherency);
  Couple couple;
  for (int i = 0; i < samples; ++i) {
    const double t = i / 4.0;
    couple.a.push_back(850 + part * shared.At(t) + rest * one.At(t));
    couple.b.push_back(900 + part * shared.At(t - lag_s) + rest * other.At(t));
  }
  return couple;
}

TEST(WhitenedLagTest, AgreesWithScipy) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_pair.csv"));
  const std::string json = testing::ReadFile(kFolder + std::string("expected_whitened_lag.json"));
  for (const char* second : {"L", "B"}) {
    for (const size_t samples : {720, 2400}) {
      std::vector<double> a = testing::ToDoubles(csv["A_nsr003"]);
      std::vector<double> b = testing::ToDoubles(csv[second[0] == 'L' ? "L" : "B_nsr008"]);
      a.resize(samples);
      b.resize(samples);
      const std::string name = std::string("A") + second + "_" + std::to_string(samples);
      const std::string_view expected = testing::JsonAt(json, name);
      const WhitenedLag lag = EstimateWhitenedLag(a, b, {});
      ASSERT_TRUE(lag.found) << name;
      EXPECT_NEAR(lag.lag_s, testing::JsonNumber(expected, "lag_s"), 1e-7) << name;
      EXPECT_NEAR(lag.se_s, testing::JsonNumber(expected, "se_s"), 1e-7) << name;
      EXPECT_NEAR(lag.height, testing::JsonNumber(expected, "height"), 1e-7) << name;
    }
  }
}

// Of a delayed copy the delay, parts of samples included, as far as segments of a quarter of a
// minute can tell, which are not copies at their ends; positive when b follows. The other way round
// the same with the other sign.
TEST(WhitenedLagTest, PureDelay) {
  for (const double lag_s : {-4.0, -1.37, -0.25, 0.0, 0.1, 2.0, 3.9}) {
    const Couple couple = Coupled(5, 1, lag_s);
    const WhitenedLag lag = EstimateWhitenedLag(couple.a, couple.b, {});
    ASSERT_TRUE(lag.found) << lag_s;
    EXPECT_NEAR(lag.lag_s, lag_s, 0.05) << lag_s;
    EXPECT_LT(lag.se_s, 0.05) << lag_s;
    EXPECT_NEAR(lag.height, 1, 0.1) << lag_s;
    const WhitenedLag back = EstimateWhitenedLag(couple.b, couple.a, {});
    EXPECT_NEAR(back.lag_s, -lag.lag_s, 1e-9);
    EXPECT_NEAR(back.se_s, lag.se_s, 1e-9);
  }
}

// What whitening is for: a strong slow drift of one's own in each takes r by lag to another lag,
// and leaves this one where it is.
TEST(WhitenedLagTest, DriftsDoNotCount) {
  Couple couple = Coupled(9, 0.8, 1.5, false);
  const double size = 60 * std::sqrt(kWaves / 2.0);
  for (size_t i = 0; i < couple.a.size(); ++i) {
    const double t = static_cast<double>(i) / 4;
    couple.a[i] += size * std::sin(2 * kPi * 0.011 * t);
    couple.b[i] += size * std::sin(2 * kPi * 0.013 * t + 1);
  }
  const WhitenedLag lag = EstimateWhitenedLag(couple.a, couple.b, {});
  ASSERT_TRUE(lag.found);
  EXPECT_NEAR(lag.lag_s, 1.5, 0.1);
}

// Errors are as large as said, whatever the coherence; of strangers nothing is known.
TEST(WhitenedLagTest, StandardErrorIsAsLargeAsTheErrors) {
  for (const double coherency : {0.4, 0.6, 0.9}) {
    int couples = 0, within_one = 0, within_two = 0;
    for (uint64_t seed = 1; seed <= 80; ++seed) {
      const double lag_s = -4 + 8 * static_cast<double>(seed) / 80;
      const Couple couple = Coupled(seed, coherency, lag_s);
      const WhitenedLag lag = EstimateWhitenedLag(couple.a, couple.b, {});
      if (!lag.found) continue;
      ++couples;
      within_one += std::fabs(lag.lag_s - lag_s) <= lag.se_s ? 1 : 0;
      within_two += std::fabs(lag.lag_s - lag_s) <= 2 * lag.se_s ? 1 : 0;
    }
    std::printf("coherency %.1f: of %d within one standard error %d, within two %d\n", coherency,
                couples, within_one, within_two);
    EXPECT_GE(couples, 78);
    EXPECT_GE(within_one, couples * 6 / 10);
    EXPECT_GE(within_two, couples * 9 / 10);
    EXPECT_LE(within_one, couples * 85 / 100);  // and they are no wild overstatement
  }
  int sure = 0;
  std::vector<double> errors;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Couple strangers = Coupled(seed, 0, 0);
    const WhitenedLag lag = EstimateWhitenedLag(strangers.a, strangers.b, {});
    if (!lag.found) continue;
    sure += lag.se_s < 0.5 ? 1 : 0;
    EXPECT_LE(lag.se_s, 5 / std::sqrt(3.0));
    errors.push_back(lag.se_s);
  }
  std::sort(errors.begin(), errors.end());
  std::printf("strangers: %zu with a lag, %d with an error below 0.5 s, median %.1f s\n",
              errors.size(), sure, errors[errors.size() / 2]);
  EXPECT_LE(sure, 5);
  EXPECT_GT(errors[errors.size() / 2], 1.5);
}

// A hole takes the segments that would reach over it, and changes nothing else.
TEST(WhitenedLagTest, HolesAreNotFilled) {
  const Couple couple = Coupled(11, 0.9, -2);
  Couple holes = couple;
  for (size_t i = 350; i < 390; ++i) holes.a[i] = kNaN;
  for (size_t i = 380; i < 400; ++i) holes.b[i] = kNaN;
  const WhitenedLag lag = EstimateWhitenedLag(holes.a, holes.b, {});
  ASSERT_TRUE(lag.found);
  EXPECT_NEAR(lag.lag_s, -2, 0.1);
  EXPECT_GT(lag.se_s, EstimateWhitenedLag(couple.a, couple.b, {}).se_s);
  // What stands in a hole of the other person cannot matter.
  Couple other = holes;
  for (size_t i = 350; i < 380; ++i) other.b[i] += 500;
  EXPECT_EQ(EstimateWhitenedLag(other.a, other.b, {}).lag_s, lag.lag_s);
}

TEST(WhitenedLagTest, NoLagFromTooLittle) {
  const Couple couple = Coupled(1, 0.9, 1);
  const std::span<const double> a(couple.a), b(couple.b);
  const WhitenedLagShape shape;
  EXPECT_FALSE(EstimateWhitenedLag(a.first(50), b.first(50), shape).found);
  EXPECT_FALSE(EstimateWhitenedLag({}, {}, shape).found);
  EXPECT_FALSE(EstimateWhitenedLag(a, b.first(719), shape).found);
  // 12 segments are worth 78 s, 13 are worth 84 s.
  EXPECT_FALSE(EstimateWhitenedLag(a.first(96 + 11 * 24), b.first(96 + 11 * 24), shape).found);
  EXPECT_TRUE(EstimateWhitenedLag(a.first(96 + 12 * 24), b.first(96 + 12 * 24), shape).found);
  // Holes every 20 s leave no room for a segment.
  std::vector<double> torn = couple.a;
  for (size_t i = 0; i < torn.size(); i += 80) torn[i] = kNaN;
  EXPECT_FALSE(EstimateWhitenedLag(torn, b, shape).found);
  const std::vector<double> flat(720, 800.0), none(720, kNaN);
  EXPECT_FALSE(EstimateWhitenedLag(flat, b, shape).found);
  EXPECT_FALSE(EstimateWhitenedLag(a, flat, shape).found);
  EXPECT_FALSE(EstimateWhitenedLag(a, none, shape).found);
  // The lag lies outside.
  const Couple late = Coupled(2, 1, 5.2);
  const WhitenedLag lag = EstimateWhitenedLag(late.a, late.b, shape);
  EXPECT_TRUE(!lag.found || lag.height < 0.5);
}

}  // namespace
}  // namespace attune::synchrony
