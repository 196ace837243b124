#include "services/synchrony/pair/phase_sync.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "services/synchrony/dsp/analytic.h"
#include "services/synchrony/dsp/butterworth.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using dsp::Complex;

constexpr char kFolder[] = "tests/data/reference-values/pair/";
constexpr double kPi = 3.141592653589793;

std::vector<double> Column(const std::string& name) {
  return testing::ToDoubles(testing::ReadCsv(kFolder + std::string("input_pair.csv"))[name]);
}

// As most programs do it: zero-phase Butterworth, then the analytic signal over everything.
std::vector<Complex> ZeroPhase(std::vector<double> x, double low_hz, double high_hz) {
  double mean = 0;
  for (double v : x) mean += v / static_cast<double>(x.size());
  for (double& v : x) v -= mean;
  const std::vector<dsp::Section> filter = dsp::ButterworthBandPass(4, low_hz, high_hz, 4);
  std::vector<Complex> z =
      dsp::AnalyticSignal(dsp::SosFiltFilt(filter, x, dsp::DefaultPad(filter)));
  for (Complex& v : z) v = (1 / dsp::Abs(v)) * v;
  return z;
}

std::vector<double> Wave(double hz, double delay_s, size_t samples) {
  std::vector<double> x;
  for (size_t i = 0; i < samples; ++i) {
    x.push_back(900 + 30 * std::sin(2 * kPi * hz * (static_cast<double>(i) / 4 - delay_s)));
  }
  return x;
}

struct Case {
  const char* key;
  const char* other;
  double low, high;
};
constexpr Case kCases[] = {{"AB_0.12_0.40", "B_nsr008", 0.12, 0.40},
                           {"AL_0.12_0.40", "L", 0.12, 0.40},
                           {"AB_0.04_0.15", "B_nsr008", 0.04, 0.15},
                           {"AL_0.04_0.15", "L", 0.04, 0.15}};

TEST(PhaseSyncTest, ComparisonAgreesWithScipy) {
  const std::string json = testing::ReadFile(kFolder + std::string("expected_plv_coherence.json"));
  const std::vector<double> a = Column("A_nsr003");
  for (const Case& c : kCases) {
    const std::string_view expected = testing::JsonAt(json, c.key);
    const std::vector<Complex> pa = ZeroPhase(a, c.low, c.high);
    const std::vector<Complex> pb = ZeroPhase(Column(c.other), c.low, c.high);
    const PhaseSync all = ComparePhases(pa, pb);
    EXPECT_EQ(all.samples, 2400u);
    EXPECT_NEAR(all.plv, testing::JsonNumber(expected, "plv_all"), 1e-6);
    EXPECT_NEAR(all.difference_rad, testing::JsonNumber(expected, "mean_phase_diff_rad_all"), 1e-5);
    const PhaseSync inner =
        ComparePhases(std::span(pa).subspan(120, 2160), std::span(pb).subspan(120, 2160));
    EXPECT_NEAR(inner.plv, testing::JsonNumber(expected, "plv_trim30s"), 1e-4);
    EXPECT_NEAR(inner.difference_rad, testing::JsonNumber(expected, "mean_phase_diff_trim30s"),
                1e-3);
    const std::vector<double> windows = testing::JsonNumbers(expected, "plv_windows_30s");
    ASSERT_EQ(windows.size(), 20u);
    for (size_t i = 0; i < 20; ++i) {
      EXPECT_NEAR(
          ComparePhases(std::span(pa).subspan(120 * i, 120), std::span(pb).subspan(120 * i, 120))
              .plv,
          windows[i], 1e-6);
    }
  }
}

// Our filter is another one on purpose (the header says why), so the values differ, but they say
// the same: which pair is locked, how strongly, and with what difference.
TEST(PhaseSyncTest, FiniteFilterSaysTheSameAsZeroPhase) {
  const std::string json = testing::ReadFile(kFolder + std::string("expected_plv_coherence.json"));
  const std::vector<double> a = Column("A_nsr003");
  for (const Case& c : kCases) {
    const PhaseBand band = c.low < 0.1 ? LowFrequencyBand(Params{}) : kBreathingBand;
    const PhaseSync sync =
        ComparePhases(BandPhases(a, band, 4, 0.8), BandPhases(Column(c.other), band, 4, 0.8));
    const std::string_view expected = testing::JsonAt(json, c.key);
    const double plv = testing::JsonNumber(expected, "plv_trim30s");
    const double difference = testing::JsonNumber(expected, "mean_phase_diff_trim30s");
    std::printf("%s: plv %.3f (zero phase %.3f), difference %.2f (%.2f)\n", c.key, sync.plv, plv,
                sync.difference_rad, difference);
    EXPECT_NEAR(sync.plv, plv, 0.12);
    if (plv > 0.5) {
      EXPECT_NEAR(sync.difference_rad, difference, 0.35);
    }
  }
}

TEST(PhaseSyncTest, SignAndShares) {
  for (const double delay_s : {-3.0, -1.0, 0.0, 0.5, 2.0, 4.0}) {
    const PhaseBand band = LowFrequencyBand(Params{});
    const PhaseSync sync = ComparePhases(BandPhases(Wave(0.1, 0, 240), band, 4, 0.8),
                                         BandPhases(Wave(0.1, delay_s, 240), band, 4, 0.8));
    EXPECT_EQ(sync.samples, 160u);  // 81 samples long: 40 at each end have none
    EXPECT_NEAR(sync.plv, 1, 1e-3);
    EXPECT_NEAR(sync.difference_rad, 2 * kPi * 0.1 * delay_s, 0.02);  // positive: b follows
    EXPECT_EQ(sync.in_phase, std::fabs(delay_s) < 1.25 ? 1 : 0);
    EXPECT_EQ(sync.anti_phase, std::fabs(delay_s) > 3.75 ? 1 : 0);
  }
  // 0.25 and 0.26 Hz pass each other once in 100 s: a quarter of the time in each share, no
  // locking.
  const PhaseSync passing = ComparePhases(BandPhases(Wave(0.25, 0, 840), kBreathingBand, 4, 0.8),
                                          BandPhases(Wave(0.26, 0, 840), kBreathingBand, 4, 0.8));
  EXPECT_EQ(passing.samples, 800u);
  EXPECT_NEAR(passing.in_phase, 0.25, 0.01);
  EXPECT_NEAR(passing.anti_phase, 0.25, 0.01);
  EXPECT_LT(passing.plv, 0.02);
}

TEST(PhaseSyncTest, BandsPassWhatTheirHeaderSays) {
  // A weak wave in the band, a strong one at 0.1 Hz: the breathing band follows the weak one.
  std::vector<double> x = Wave(0.25, 0, 480);
  const std::vector<double> slow = Wave(0.1, 0, 480);
  for (size_t i = 0; i < x.size(); ++i) x[i] += 2 * (slow[i] - 900);
  const std::vector<Complex> mixed = BandPhases(x, kBreathingBand, 4, 0.8);
  const PhaseSync sync =
      ComparePhases(mixed, BandPhases(Wave(0.25, 0, 480), kBreathingBand, 4, 0.8));
  EXPECT_GT(sync.plv, 0.97);
  EXPECT_EQ(sync.in_phase, 1);
  // A pacer at 0.1 Hz: a wave 0.06 Hz away does not pass.
  const PhaseBand pacer = PacerBand(0.1);
  EXPECT_NEAR(pacer.period_us(), 1e7, 1);
  std::vector<double> y = Wave(0.1, 0, 480);
  const std::vector<double> other = Wave(0.16, 0, 480);
  for (size_t i = 0; i < y.size(); ++i) y[i] += 3 * (other[i] - 900);
  EXPECT_GT(
      ComparePhases(BandPhases(y, pacer, 4, 0.8), BandPhases(Wave(0.1, 0, 480), pacer, 4, 0.8)).plv,
      0.97);
  // A constant, or a line of rounding, has no phase.
  EXPECT_EQ(
      ComparePhases(BandPhases(std::vector<double>(480, 900.0), pacer, 4, 0.8), mixed).samples, 0u);
}

TEST(PhaseSyncTest, HolesOnlyTouchWhatReachesThem) {
  std::vector<double> x = Wave(0.1, 0, 480);
  const PhaseBand band = LowFrequencyBand(Params{});
  const std::vector<Complex> whole = BandPhases(x, band, 4, 0.8);
  for (size_t i = 200; i < 220; ++i) x[i] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Complex> holed = BandPhases(x, band, 4, 0.8);
  int missing = 0;
  for (size_t i = 0; i < 480; ++i) {
    if (i < 160 || i >= 260) {
      EXPECT_TRUE(whole[i] == holed[i]) << i;
    }
    missing += i >= 160 && i < 260 && holed[i] == Complex{} ? 1 : 0;
  }
  EXPECT_GE(missing, 60);
  // Circular shift by nothing is the plain value; too few samples give none.
  EXPECT_NEAR(ShiftedPlv(whole, holed, 0, 10), ComparePhases(whole, holed).plv, 1e-12);
  EXPECT_TRUE(std::isnan(ShiftedPlv(whole, holed, 0, 480)));
}

}  // namespace
}  // namespace attune::synchrony
