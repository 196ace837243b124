#include "services/synchrony/pair/coherence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "services/synchrony/pair/wavelet.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr char kFolder[] = "tests/data/reference-values/pair/";
constexpr double kPi = 3.141592653589793;
const double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Noise(uint64_t seed, size_t samples) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> x(samples);
  for (double& v : x) v = 900 + 20 * normal(random);
  return x;
}

// x later by `samples`.
std::vector<double> Later(const std::vector<double>& x, size_t samples) {
  std::vector<double> y(x.begin(), x.begin() + static_cast<ptrdiff_t>(samples));
  y.insert(y.end(), x.begin(), x.end() - static_cast<ptrdiff_t>(samples));
  return y;
}

TEST(CoherenceTest, AgreesWithScipy) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_pair.csv"));
  const std::string json = testing::ReadFile(kFolder + std::string("expected_plv_coherence.json"));
  const std::string_view expected = testing::JsonAt(json, "msc");
  const std::vector<double> a = testing::ToDoubles(csv["A_nsr003"]);
  for (const bool follower : {false, true}) {
    const Coherence c =
        CoherenceOf(a, testing::ToDoubles(csv[follower ? "L" : "B_nsr008"]), {256, 128, 4});
    EXPECT_EQ(c.segments, testing::JsonNumber(expected, "n_segments"));
    const std::vector<double> bins = testing::JsonNumbers(expected, follower ? "AL" : "AB");
    ASSERT_EQ(bins.size(), 33u);
    for (size_t k = 0; k < bins.size(); ++k) EXPECT_NEAR(c.squared[k], bins[k], 1e-9) << k;
    EXPECT_NEAR(c.BandMean(0.04, 0.15), testing::JsonNumber(expected, follower ? "AL_lf" : "AB_lf"),
                1e-9);
    EXPECT_NEAR(c.BandMean(0.15, 0.40), testing::JsonNumber(expected, follower ? "AL_hf" : "AB_hf"),
                1e-9);
  }
}

// What strangers have at the live window, against the bias that the header states.
TEST(CoherenceTest, BiasOfStrangers) {
  EXPECT_NEAR(CoherenceBias(1), 1, 1e-12);
  EXPECT_NEAR(CoherenceBias(10), 0.105, 1e-9);
  double mean = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    const Coherence c = CoherenceOf(Noise(2 * i, 720), Noise(2 * i + 1, 720), {});
    ASSERT_EQ(c.segments, 10);
    mean += c.BandMean(0.12, 0.40) / 300;
  }
  EXPECT_NEAR(mean, CoherenceBias(10), 0.005);
}

TEST(CoherenceTest, SegmentsStayWithinCleanRuns) {
  std::vector<double> a = Noise(1, 720), b = Noise(2, 720);
  a[300] = kNaN;
  // 300 samples hold 3 segments, 419 hold 5; as if the two runs had been measured apart.
  const Coherence c = CoherenceOf(a, b, {});
  EXPECT_EQ(c.segments, 8);
  for (double v : c.squared) EXPECT_TRUE(v >= 0 && v <= 1);
  b.assign(720, 900.0);
  EXPECT_EQ(CoherenceOf(a, b, {}).segments, 0);
}

TEST(WaveletTest, OneWithItselfLowWithStrangers) {
  double strangers = 0;
  for (uint64_t i = 0; i < 10; ++i) {
    const std::vector<double> a = Noise(i, 1200);
    const WaveletCoherence same = WaveletCoherenceOf(a, a, {});
    EXPECT_NEAR(same.BandMean(0.04, 0.15), 1, 1e-9);
    EXPECT_NEAR(same.BandMean(0.12, 0.40), 1, 1e-9);
    strangers += WaveletCoherenceOf(a, Noise(100 + i, 1200), {}).BandMean(0.12, 0.40) / 10;
  }
  std::printf("strangers (white noise): %.3f\n", strangers);
  EXPECT_LT(strangers, 0.4);
  EXPECT_GT(strangers, 0.05);  // smoothing over few independent parts cannot reach 0
}

// b = a, 1 s later: coherent, with a phase of 2 pi f, positive because b follows.
TEST(WaveletTest, DelayTurnsThePhase) {
  const std::vector<double> a = Noise(5, 2400), b = Later(a, 4);
  const WaveletCoherence c = WaveletCoherenceOf(a, b, {});
  for (size_t k = 0; k < c.hz.size(); ++k) {
    EXPECT_GT(c.squared[k], c.hz[k] < 0.2 ? 0.9 : 0.6) << c.hz[k];
    EXPECT_NEAR(c.phase_rad[k], 2 * kPi * c.hz[k], 0.1) << c.hz[k];
  }
  const WaveletCoherence turned = WaveletCoherenceOf(b, a, {});
  EXPECT_NEAR(turned.phase_rad[10], -c.phase_rad[10], 1e-9);
}

// A shared wave of 0.1 Hz in independent noise is coherent at 0.1 Hz and nowhere else: the scales
// are where they should be.
TEST(WaveletTest, SharedWaveIsFoundAtItsFrequency) {
  std::vector<double> a = Noise(7, 1600), b = Noise(8, 1600);
  for (size_t i = 0; i < a.size(); ++i) {
    const double wave = 20 * std::sin(2 * kPi * 0.1 * static_cast<double>(i) / 4);
    a[i] += wave;
    b[i] += wave;
  }
  const WaveletCoherence c = WaveletCoherenceOf(a, b, {});
  size_t best = 0;
  for (size_t k = 0; k < c.hz.size(); ++k) {
    if (c.squared[k] > c.squared[best]) best = k;
  }
  EXPECT_NEAR(c.hz[best], 0.1, 0.006);  // one scale of twelve an octave
  EXPECT_GT(c.squared[best], 0.9);
  EXPECT_LT(c.BandMean(0.25, 0.40), 0.5);
}

// The definition in the time domain, sums instead of transforms: Morlet exp(i 6 u) exp(-u^2 / 2),
// u = t / s; Gaussian in time; box over nine scales; mean over the samples outside the cone.
TEST(WaveletTest, AgreesWithTheDefinition) {
  constexpr int kN = 240;
  constexpr double kHz = 0.3;
  const std::vector<double> a = Noise(11, kN), own = Noise(12, kN);
  std::vector<double> b = Later(a, 3);
  for (size_t i = 0; i < kN; ++i) b[i] = 0.7 * b[i] + 0.7 * own[i];
  const auto without_line = [](std::vector<double> x) {
    double mean = 0, ux = 0, uu = 0;
    for (double v : x) mean += v / kN;
    for (int i = 0; i < kN; ++i) {
      const double u = i - (kN - 1) / 2.0;
      ux += u * (x[static_cast<size_t>(i)] - mean);
      uu += u * u;
    }
    for (int i = 0; i < kN; ++i) {
      x[static_cast<size_t>(i)] -= mean + ux / uu * (i - (kN - 1) / 2.0);
    }
    return x;
  };
  const auto transform = [](const std::vector<double>& x, double s) {
    std::vector<std::pair<double, double>> w;
    for (int t = 0; t < kN; ++t) {
      double re = 0, im = 0;
      for (int i = 0; i < kN; ++i) {
        const double u = (i - t) / 4.0 / s,
                     value = x[static_cast<size_t>(i)] * std::exp(-u * u / 2);
        re += value * std::cos(6 * u);
        im -= value * std::sin(6 * u);
      }
      w.emplace_back(re / s, im / s);  // |W|^2 / s with W's factor 1 / sqrt(s)
    }
    return w;
  };
  const double factor = (6 + std::sqrt(38.0)) / (4 * kPi);
  std::vector<double> aa(kN), bb(kN), re(kN), im(kN);
  for (int k = -4; k <= 4; ++k) {
    const double s = factor / (kHz * std::pow(2, k / 12.0));
    const double weight = std::abs(k) == 4 ? 0.1 : 1;  // the box is 7.2 scales wide
    const auto wa = transform(without_line(a), s), wb = transform(without_line(b), s);
    for (int t = 0; t < kN; ++t) {
      for (int j = 0; j < kN; ++j) {
        const double u = (j - t) / 4.0 / s, g = weight * std::exp(-u * u / 2) / s;
        const auto [ar, ai] = wa[static_cast<size_t>(j)];
        const auto [br, bi] = wb[static_cast<size_t>(j)];
        aa[static_cast<size_t>(t)] += g * (ar * ar + ai * ai);
        bb[static_cast<size_t>(t)] += g * (br * br + bi * bi);
        re[static_cast<size_t>(t)] += g * (ar * br + ai * bi);
        im[static_cast<size_t>(t)] += g * (ai * br - ar * bi);
      }
    }
  }
  const double cone = std::sqrt(2.0) * factor / kHz * 4;
  double expected = 0;
  int used = 0;
  for (size_t t = 0; t < kN; ++t) {
    if (static_cast<double>(std::min(t + 1, kN - t)) <= cone) continue;
    expected += (re[t] * re[t] + im[t] * im[t]) / (aa[t] * bb[t]);
    ++used;
  }
  WaveletShape shape;
  shape.low_hz = shape.high_hz = kHz;
  const WaveletCoherence c = WaveletCoherenceOf(a, b, shape);
  ASSERT_EQ(c.hz.size(), 1u);
  EXPECT_NEAR(c.masked_share[0], 1 - used / 240.0, 1e-12);
  EXPECT_NEAR(c.squared[0], expected / used, 1e-6);
}

TEST(WaveletTest, ConeMasksEndsAndDropsSlowScales) {
  // 60 s: at 0.04 Hz the cone (34 s from each end) leaves nothing, at 0.3 Hz nearly all.
  const std::vector<double> a = Noise(1, 240);
  const WaveletCoherence c = WaveletCoherenceOf(a, a, {});
  EXPECT_TRUE(std::isnan(c.squared.front()));
  EXPECT_EQ(c.masked_share.front(), 1);
  EXPECT_FALSE(std::isnan(c.squared.back()));
  EXPECT_TRUE(std::isnan(c.BandMean(0.04, 0.09)));
  EXPECT_FALSE(std::isnan(c.BandMean(0.12, 0.40)));
  for (size_t k = 0; k < c.hz.size(); ++k) {
    const double cone_s = std::sqrt(2.0) * (6 + std::sqrt(38.0)) / (4 * kPi) / c.hz[k];
    EXPECT_NEAR(c.masked_share[k], std::min(1.0, 2 * cone_s / 60), 0.01) << c.hz[k];
  }
  // A hole makes two runs with a cone each.
  std::vector<double> holed = Noise(2, 720);
  holed[360] = kNaN;
  const WaveletCoherence two = WaveletCoherenceOf(holed, Noise(2, 720), {});
  const double cone_s = std::sqrt(2.0) * (6 + std::sqrt(38.0)) / (4 * kPi) / two.hz.back();
  EXPECT_NEAR(two.masked_share.back(), 4 * cone_s / 180, 0.01);
}

}  // namespace
}  // namespace attune::synchrony
