#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "services/synchrony/dsp/analytic.h"
#include "services/synchrony/dsp/butterworth.h"
#include "services/synchrony/dsp/fir.h"
#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony::dsp {
namespace {

using testing::JsonNumbers;

const char kFolder[] = "tests/data/reference-values/pair/";

std::vector<Section> FromRows(const std::vector<double>& rows) {
  std::vector<Section> sections;
  for (size_t i = 0; i + 6 <= rows.size(); i += 6) {
    sections.push_back({rows[i], rows[i + 1], rows[i + 2], rows[i + 4], rows[i + 5]});
  }
  return sections;
}

std::complex<double> Response(const std::vector<Section>& sections, double turn) {
  const std::complex<double> back = std::polar(1.0, -2 * M_PI * turn);
  std::complex<double> h = 1;
  for (const Section& s : sections) {
    h *= (s.b0 + back * (s.b1 + back * s.b2)) / (1.0 + back * (s.a1 + back * s.a2));
  }
  return h;
}

// The sections may pair poles and zeros otherwise than scipy's; the filter is the same.
TEST(ButterworthTest, SameResponseAsScipy) {
  const std::string json = testing::ReadFile(std::string(kFolder) + "expected_plv_coherence.json");
  for (const char* band : {"0.12_0.40", "0.04_0.15"}) {
    const bool breathing = band[2] == '1';
    const std::vector<Section> expected =
        FromRows(JsonNumbers(json, std::string("butter_sos_") + band));
    ASSERT_EQ(expected.size(), 4u);
    const std::vector<Section> sections =
        ButterworthBandPass(4, breathing ? 0.12 : 0.04, breathing ? 0.40 : 0.15, 4);
    ASSERT_EQ(sections.size(), 4u);
    EXPECT_EQ(DefaultPad(sections), 27);
    for (double hz = 0.01; hz < 2; hz += 0.01) {
      const std::complex<double> want = Response(expected, hz / 4);
      ASSERT_LT(std::abs(Response(sections, hz / 4) - want), 1e-9 * (1 + std::abs(want))) << hz;
    }
  }
}

// |H|^2 = 1 / (1 + ((w^2 - lo hi) / (w (hi - lo)))^(2 n)) in warped frequency; real prototype poles
// too.
TEST(ButterworthTest, OddOrdersHaveTheMagnitudeOfTheFormula) {
  for (int order : {1, 2, 3, 5}) {
    for (double high_hz : {0.4, 1.9}) {
      const std::vector<Section> sections = ButterworthBandPass(order, 0.1, high_hz, 4);
      ASSERT_EQ(sections.size(), static_cast<size_t>(order));
      const double lo = std::tan(M_PI * 0.1 / 4), hi = std::tan(M_PI * high_hz / 4);
      for (double hz = 0.02; hz < 2; hz += 0.02) {
        const double w = std::tan(M_PI * hz / 4);
        const double x = (w * w - lo * hi) / (w * (hi - lo));
        ASSERT_NEAR(std::norm(Response(sections, hz / 4)), 1 / (1 + std::pow(x * x, order)), 1e-9);
      }
    }
  }
}

TEST(SosFiltFiltTest, SameSignalAndPhaseAsScipy) {
  auto csv = testing::ReadCsv(std::string(kFolder) + "input_pair.csv");
  const std::string json = testing::ReadFile(std::string(kFolder) + "expected_plv_coherence.json");
  std::vector<double> x = testing::ToDoubles(csv["A_nsr003"]);
  const double mean = Mean(x);
  for (double& v : x) v -= mean;
  for (const char* band : {"0.12_0.40", "0.04_0.15"}) {
    const bool breathing = band[2] == '1';
    const std::vector<double> expected =
        JsonNumbers(json, std::string("filtered_A_") + band + "_every_20th");
    const std::vector<Section> sections =
        ButterworthBandPass(4, breathing ? 0.12 : 0.04, breathing ? 0.40 : 0.15, 4);
    const std::vector<double> y = SosFiltFilt(sections, x, 27);
    ASSERT_EQ(y.size(), x.size());
    ASSERT_EQ(expected.size(), 120u);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(y[20 * i], expected[i], 1e-7);
    if (breathing) continue;
    const std::vector<Complex> z = AnalyticSignal(y);
    const std::vector<double> phases = JsonNumbers(json, "phase_A_0.04_0.15_every_20th");
    ASSERT_EQ(phases.size(), 120u);
    for (size_t i = 0; i < phases.size(); ++i) EXPECT_NEAR(Phase(z[20 * i]), phases[i], 1e-7);
  }
  EXPECT_TRUE(SosFiltFilt(FromRows({1, 0, 0, 1, 0, 0}), std::vector<double>(27), 27).empty());
}

TEST(FirTest, BandPassHasUnitGainAtItsCentre) {
  const std::vector<double> filter = FirBandPass(53, 0.12, 0.40, 2);
  ASSERT_EQ(filter.size(), 53u);
  double at_centre = 0, at_zero = 0;
  for (size_t i = 0; i < filter.size(); ++i) {
    EXPECT_DOUBLE_EQ(filter[i], filter[52 - i]);
    at_centre += filter[i] * std::cos(M_PI * 0.26 * (static_cast<double>(i) - 26));
    at_zero += filter[i];
  }
  EXPECT_NEAR(at_centre, 1, 1e-14);
  EXPECT_NEAR(at_zero, 0, 0.01);
}

TEST(FirTest, ConvolutionByHand) {
  EXPECT_EQ(ConvolveValid(std::vector<double>{1, 2, 4, 8}, std::vector<double>{1, 10}),
            (std::vector<double>{12, 24, 48}));
  EXPECT_TRUE(ConvolveValid(std::vector<double>{1}, std::vector<double>{1, 10}).empty());
}

// Five points: (-3, 12, 17, 12, -3) / 35 (Savitzky & Golay 1964, table I); cubics pass unchanged,
// at the ends too.
TEST(FirTest, MovingCubic) {
  std::vector<double> pulse(11), cubic;
  pulse[5] = 35;
  const std::vector<double> answer = MovingCubic(pulse, 5);
  const std::vector<double> expected = {-3, 12, 17, 12, -3};
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(answer[3 + i], expected[i], 1e-12);
  for (int i = 0; i < 30; ++i) cubic.push_back(0.01 * i * i * i - i * i + 5);
  const std::vector<double> same = MovingCubic(cubic, 21);
  ASSERT_EQ(same.size(), cubic.size());
  for (size_t i = 0; i < cubic.size(); ++i) EXPECT_NEAR(same[i], cubic[i], 1e-10);
  EXPECT_TRUE(MovingCubic(cubic, 31).empty());
}

}  // namespace
}  // namespace attune::synchrony::dsp
