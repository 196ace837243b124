#include "services/synchrony/dsp/spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/spline.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony::dsp {
namespace {

using testing::JsonAt;
using testing::JsonNumber;
using testing::JsonNumbers;

const char kFolder[] = "tests/data/reference-values/";

class HeartSpectrumTest : public ::testing::TestWithParam<const char*> {
 protected:
  HeartSpectrumTest()
      : json_(testing::ReadFile(std::string(kFolder) + "hrv/expected_frequency_domain.json")),
        expected_(JsonAt(json_, GetParam())) {
    auto csv = testing::ReadCsv(std::string(kFolder) + "hrv/input_nn.csv");
    const std::vector<double> all = testing::ToDoubles(csv["nn_ms"]);
    double t = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (csv["case"][i] != GetParam()) continue;
      t += all[i] / 1000;
      knots_.push_back({t, all[i]});
    }
  }

  std::string json_;
  std::string_view expected_;
  std::vector<Knot> knots_;
};

void ExpectNear(double value, double expected, double relative) {
  EXPECT_NEAR(value, expected, relative * std::fabs(expected));
}

TEST_P(HeartSpectrumTest, SplineAndWelchAgreeWithScipy) {
  const double t0 = JsonNumber(expected_, "grid_t0");
  const size_t count = static_cast<size_t>(JsonNumber(expected_, "grid4hz_cubic_n"));
  ASSERT_EQ(t0, std::ceil(4 * knots_.front().t) / 4);
  const std::vector<double> grid = SplineOnGrid(knots_, t0, 0.25, count);
  const std::vector<double> first = JsonNumbers(expected_, "grid_first5");
  for (size_t i = 0; i < 5; ++i) ExpectNear(grid[i], first[i], 1e-12);
  for (int segment : {256, 512, 1024}) {
    const std::string_view e = JsonAt(expected_, "welch_nperseg" + std::to_string(segment));
    const Spectrum s = Welch(grid, 4, segment, segment / 2);
    EXPECT_EQ(s.segments, static_cast<int>(JsonNumber(e, "n_segments")));
    ExpectNear(BandPower(s, 0.0033, 0.04), JsonNumber(e, "vlf"), 1e-8);
    ExpectNear(BandPower(s, 0.04, 0.15), JsonNumber(e, "lf"), 1e-8);
    ExpectNear(BandPower(s, 0.15, 0.40), JsonNumber(e, "hf"), 1e-8);
  }
}

TEST_P(HeartSpectrumTest, LombAgreesWithReference) {
  std::vector<double> t, x;
  for (const Knot& knot : knots_) {
    t.push_back(knot.t);
    x.push_back(knot.y);
  }
  const Spectrum s = {0.001, 1, LombScargle(t, x, 0.001, 0, 400)};
  const std::string_view e = JsonAt(expected_, "lomb");
  // Bins 4..39, 40..149, 150..399, bounds halfway between them.
  ExpectNear(BandPower(s, 0.0035, 0.0395), JsonNumber(e, "vlf"), 1e-8);
  ExpectNear(BandPower(s, 0.0395, 0.1495), JsonNumber(e, "lf"), 1e-8);
  ExpectNear(BandPower(s, 0.1495, 0.3995), JsonNumber(e, "hf"), 1e-8);
}

INSTANTIATE_TEST_SUITE_P(Cases, HeartSpectrumTest,
                         ::testing::Values("nsr003", "nsr008", "nsr013", "nsr021", "nsr023",
                                           "nsr027", "synthetic_sine"));

// A sine of amplitude a has variance a^2 / 2, wherever the zeros are padded.
TEST(WelchTest, PowerOfASine) {
  std::vector<double> x;
  for (int i = 0; i < 1024; ++i) x.push_back(5 + 3 * std::cos(2 * M_PI * 0.25 * i / 4));
  for (int padded : {0, 500, 1001}) {
    const Spectrum s = Welch(x, 4, 256, 128, padded);
    EXPECT_EQ(s.segments, 7);
    EXPECT_NEAR(BandPower(s, 0.2, 0.3), 4.5, 1e-3);
  }
  EXPECT_EQ(Welch(std::span(x).first(255), 4, 256, 128).segments, 0);
  EXPECT_TRUE(Welch(std::span(x).first(255), 4, 256, 128).density.empty());
}

// Two runs count as two recordings: nothing of the step between them is seen.
TEST(WelchTest, RunsDoNotTouch) {
  std::vector<double> x, shifted;
  for (int i = 0; i < 384; ++i) x.push_back(std::sin(0.3 * i) + std::sin(0.05 * i));
  for (double v : x) shifted.push_back(v + 1000);
  const std::vector<std::span<const double>> runs = {x, std::span(x).first(100), shifted};
  const Spectrum one = Welch(x, 4, 128, 64), both = WelchOfRuns(runs, 4, 128, 64);
  EXPECT_EQ(one.segments, 5);
  EXPECT_EQ(both.segments, 10);
  for (size_t k = 0; k < one.density.size(); ++k) {
    EXPECT_NEAR(both.density[k], one.density[k], 1e-9);
  }
}

TEST(WelchCrossTest, CoherenceAgreesWithScipy) {
  auto csv = testing::ReadCsv(std::string(kFolder) + "pair/input_pair.csv");
  const std::string json =
      testing::ReadFile(std::string(kFolder) + "pair/expected_plv_coherence.json");
  const std::string_view msc = JsonAt(json, "msc");
  for (const char* other : {"B", "L"}) {
    const CrossSpectrum s = WelchCross(
        testing::ToDoubles(csv["A_nsr003"]),
        testing::ToDoubles(csv[std::string(other) == "B" ? "B_nsr008" : "L"]), 4, 256, 128);
    EXPECT_EQ(s.segments, static_cast<int>(JsonNumber(msc, "n_segments")));
    const std::vector<double> expected = JsonNumbers(msc, std::string("A") + other);
    ASSERT_EQ(expected.size(), 33u);
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_NEAR(SquaredAbs(s.sxy[k]) / (s.sxx[k] * s.syy[k]), expected[k], 1e-9);
    }
  }
}

// y is x, two samples later: its phase at f lags by 2 pi f 2 / rate.
TEST(WelchCrossTest, AngleOfADelay) {
  std::vector<double> x, y;
  for (int i = 0; i < 512; ++i) {
    x.push_back(std::sin(2 * M_PI * i / 16));
    y.push_back(std::sin(2 * M_PI * (i - 2) / 16));
  }
  const CrossSpectrum s = WelchCross(x, y, 4, 128, 64);
  EXPECT_NEAR(std::atan2(s.sxy[8].im, s.sxy[8].re), -2 * M_PI * 2 / 16, 1e-9);
}

// Lomb over even samples and a frequency between bins: a sine's variance.
TEST(LombScargleTest, PowerOfASine) {
  std::vector<double> t, x;
  for (int i = 0; i < 600; ++i) {
    t.push_back(100 + 0.5 * i + 0.1 * std::sin(1.0 * i));
    x.push_back(800 + 20 * std::sin(2 * M_PI * 0.1234 * t.back()));
  }
  const Spectrum s = {0.001, 1, LombScargle(t, x, 0.001, 0, 400)};
  EXPECT_NEAR(BandPower(s, 0.08, 0.16), 200, 2);
  EXPECT_TRUE(LombScargle(std::span(t).first(2), std::span(x).first(2), 0.1, 1, 2).empty());
}

// A cubic is its own not-a-knot spline; PCHIP passes through the knots and never beyond them.
TEST(SplineTest, CubicComesBack) {
  std::vector<Knot> knots;
  const auto cubic = [](double t) { return 2 - t + 0.3 * t * t - 0.05 * t * t * t; };
  for (double t : {0.0, 0.7, 1.1, 2.3, 3.0, 4.4}) knots.push_back({t, cubic(t)});
  const std::vector<double> values = SplineOnGrid(knots, 0, 0.1, 45);
  ASSERT_EQ(values.size(), 45u);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], cubic(0.1 * static_cast<double>(i)), 1e-13);
  }
  EXPECT_TRUE(SplineOnGrid(std::span(knots).first(3), 0, 0.1, 5).empty());
  const std::vector<Knot> step = {{0, 0}, {1, 0}, {2, 1}, {3, 1}};
  for (double v : PchipOnGrid(step, 0, 0.125, 25)) {
    EXPECT_GE(v, 0);
    EXPECT_LE(v, 1);
  }
  EXPECT_EQ(PchipOnGrid(step, 1, 1, 3), (std::vector<double>{0, 1, 1}));
}

}  // namespace
}  // namespace attune::synchrony::dsp
