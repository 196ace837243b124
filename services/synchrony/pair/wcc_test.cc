#include "services/synchrony/pair/wcc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr char kFolder[] = "tests/data/reference-values/pair/";
const double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Column(const std::string& name, size_t count) {
  std::vector<double> values =
      testing::ToDoubles(testing::ReadCsv(kFolder + std::string("input_pair.csv"))[name]);
  values.resize(count);
  return values;
}

size_t ArgMax(std::span<const double> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

// Two people whose waves (0.1 and 0.25 Hz, wandering) share a part: b(t) = coupling a(t - lag) +
// own, at 4 Hz; `lag` may be a fraction of a sample.
struct Couple {
  std::vector<double> a, b;
};
Couple Simulated(uint64_t seed, size_t samples, double lag_s, double coupling) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  // Waves with a random walk of phase and a slow change of size, at 20 Hz.
  constexpr double kRate = 20;
  const size_t margin = static_cast<size_t>(10 * kRate);
  const size_t n = static_cast<size_t>(static_cast<double>(samples) * kRate / 4) + 2 * margin;
  const auto person = [&] {
    std::vector<double> x(n);
    for (const double hz : {0.1, 0.25}) {
      double phase = 6.28 * normal(random), size = 1;
      for (double& v : x) {
        phase += 6.283185307179586 * hz / kRate + 0.06 * normal(random);
        size += 0.01 * (1 - size) + 0.05 * normal(random);
        v += 25 * size * std::sin(phase);
      }
    }
    return x;
  };
  const std::vector<double> one = person(), other = person();
  Couple couple;
  for (size_t i = 0; i < samples; ++i) {
    const size_t at = margin + i * static_cast<size_t>(kRate / 4);
    const size_t source = static_cast<size_t>(std::lround(static_cast<double>(at) - lag_s * kRate));
    couple.a.push_back(850 + one[at]);
    couple.b.push_back(900 + coupling * one[source] +
                       std::sqrt(1 - coupling * coupling) * other[at]);
  }
  return couple;
}

TEST(WccTest, CellsAgreeWithBokersProgramAndNumpy) {
  const std::vector<double> a = Column("A_nsr003", 1200), b = Column("B_nsr008", 1200);
  const std::string summary = testing::ReadFile(kFolder + std::string("expected_wcc_summary.json"));
  for (const bool detrended : {false, true}) {
    const std::vector<double> expected = testing::JsonNumbers(
        testing::ReadFile(kFolder + std::string(detrended ? "expected_wcc_detrended.json"
                                                          : "expected_wcc_raw.json")),
        detrended ? "r_numpy_window_detrended" : "r_original_C_lag_sign_ours");
    WccShape shape;
    shape.remove_line = detrended;
    const LaggedMatrix matrix = WindowedLaggedCorrelation(a, b, shape);
    // One row more than the program of Boker et al., which never uses the last window that fits.
    ASSERT_EQ(matrix.rows, 266u);
    ASSERT_EQ(expected.size(), 265u * 41);
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(matrix.r[i], expected[i], 1e-9) << i;

    LaggedMatrix theirs = matrix;
    theirs.rows = 265;
    const std::vector<double> mean = MeanByLag(theirs);
    const std::vector<double> expected_mean =
        testing::JsonNumbers(summary, detrended ? "detrended_mean_by_lag" : "raw_mean_by_lag");
    const std::vector<double> argmax = testing::JsonNumbers(
        summary, detrended ? "detrended_argmax_lag_per_row" : "raw_argmax_lag_per_row");
    for (size_t i = 0; i < 41; ++i) EXPECT_NEAR(mean[i], expected_mean[i], 1e-9);
    for (size_t row = 0; row < 265; ++row) {
      EXPECT_EQ(static_cast<double>(ArgMax(matrix.Row(row))) - 20, argmax[row]) << row;
    }
  }
}

// rMEA's geometry keeps the earlier window and lets the other look ahead: the same cells under
// another row number, so that its row s is our cell at p = s + |lag|.
TEST(WccTest, CellsAgreeWithRmeaAtTheirPlace) {
  const std::vector<double> a = Column("A_nsr003", 1200), b = Column("B_nsr008", 1200);
  const std::string summary = testing::ReadFile(kFolder + std::string("expected_wcc_summary.json"));
  WccShape shape;
  shape.remove_line = false;
  shape.hop = 1;
  const LaggedMatrix matrix = WindowedLaggedCorrelation(a, b, shape);
  for (const int row : {0, 100}) {
    const std::vector<double> expected =
        testing::JsonNumbers(summary, row == 0 ? "rMEA_row0" : "rMEA_row100");
    for (int lag = -20; lag <= 20; ++lag) {
      const int p = 4 * row + std::abs(lag);
      if (p < 20) continue;
      EXPECT_NEAR(matrix.Row(static_cast<size_t>(p - 20))[static_cast<size_t>(lag + 20)],
                  expected[static_cast<size_t>(lag + 20)], 1e-9);
    }
  }
}

// The cells with a hole equal those of the shorter series without the pairs that it takes.
TEST(WccTest, MissingSamplesAreLeftOutOfCellAndLine) {
  Couple couple = Simulated(4, 200, 0, 0.6);
  for (size_t i = 60; i < 90; ++i) couple.a[i] = kNaN;
  for (size_t i = 100; i < 105; ++i) couple.b[i] = kNaN;
  const LaggedMatrix matrix = WindowedLaggedCorrelation(couple.a, couple.b, WccShape{});
  for (const int lag : {-7, 0, 13}) {
    // Least squares of 1 and time, and r of what is left, on the pairs that are there.
    std::vector<double> u, x, y;
    for (size_t i = 20; i < 140; ++i) {
      const double va = couple.a[i - static_cast<size_t>(std::max(lag, 0))];
      const double vb = couple.b[i - static_cast<size_t>(std::max(-lag, 0))];
      if (std::isnan(va) || std::isnan(vb)) continue;
      u.push_back(static_cast<double>(i));
      x.push_back(va);
      y.push_back(vb);
    }
    // Partial correlation given time: r_xy.u.
    const auto r = [](const std::vector<double>& p, const std::vector<double>& q) {
      double n = static_cast<double>(p.size()), mp = 0, mq = 0, pq = 0, pp = 0, qq = 0;
      for (size_t i = 0; i < p.size(); ++i) mp += p[i] / n, mq += q[i] / n;
      for (size_t i = 0; i < p.size(); ++i) {
        pq += (p[i] - mp) * (q[i] - mq);
        pp += (p[i] - mp) * (p[i] - mp);
        qq += (q[i] - mq) * (q[i] - mq);
      }
      return pq / std::sqrt(pp * qq);
    };
    const double xy = r(x, y), xu = r(x, u), yu = r(y, u);
    const double partial = (xy - xu * yu) / std::sqrt((1 - xu * xu) * (1 - yu * yu));
    EXPECT_NEAR(matrix.Row(0)[static_cast<size_t>(20 + lag)], partial, 1e-9);
  }
  // More than half gone: no value. A flat signal: none either.
  for (size_t i = 60; i < 140; ++i) couple.a[i] = kNaN;
  EXPECT_TRUE(std::isnan(WindowedLaggedCorrelation(couple.a, couple.b, WccShape{}).r[20]));
  const std::vector<double> flat(200, 800.0);
  EXPECT_TRUE(std::isnan(WindowedLaggedCorrelation(flat, couple.b, WccShape{}).r[20]));
  EXPECT_EQ(WindowedLaggedCorrelation(std::vector<double>(139), std::vector<double>(139), {}).rows,
            0u);
}

TEST(PeakPickerTest, NearestPeakInsteadOfTheLargest) {
  // Peaks of height 0.5 at +5 and 0.9 at -14; the smoother leaves parabolas alone, so the place is
  // exact where the nearest reach samples are one.
  std::vector<double> row(41);
  for (int lag = -20; lag <= 20; ++lag) {
    const double near = 0.5 - 0.01 * (lag - 5) * (lag - 5),
                 far = 0.9 - 0.03 * (lag + 14) * (lag + 14);
    row[static_cast<size_t>(lag + 20)] = std::max({near, far, -0.9});
  }
  const Peak peak = PeakPicker(20).Pick(row);
  ASSERT_TRUE(peak.found);
  EXPECT_NEAR(peak.lag, 5, 1e-9);
  EXPECT_NEAR(peak.r, 0.5, 1e-9);
}

TEST(PeakPickerTest, BetweenSamplesAndTurnedRound) {
  std::vector<double> row(41);
  for (int lag = -20; lag <= 20; ++lag) {
    row[static_cast<size_t>(lag + 20)] = 0.7 - 0.002 * (lag - 3.3) * (lag - 3.3);
  }
  const Peak peak = PeakPicker(20).Pick(row);
  ASSERT_TRUE(peak.found);
  EXPECT_NEAR(peak.lag, 3.3, 1e-9);
  EXPECT_NEAR(peak.r, 0.7, 1e-9);
  std::reverse(row.begin(), row.end());
  EXPECT_NEAR(PeakPicker(20).Pick(row).lag, -3.3, 1e-9);
}

TEST(PeakPickerTest, NoPeakWhereTheRowStillRisesOrACellIsMissing) {
  std::vector<double> row(41);
  for (size_t i = 0; i < 41; ++i) row[i] = 0.02 * static_cast<double>(i);
  EXPECT_FALSE(PeakPicker(20).Pick(row).found);
  for (size_t i = 0; i < 41; ++i) row[i] = -std::fabs(static_cast<double>(i) - 20);
  EXPECT_TRUE(PeakPicker(20).Pick(row).found);
  row[3] = kNaN;
  EXPECT_FALSE(PeakPicker(20).Pick(row).found);
}

// The reference follower: L follows A by six samples, with a third of a stranger mixed in.
TEST(WccTest, ReferenceFollowerIsSixSamplesLate) {
  const std::vector<double> a = Column("A_nsr003", 2400), l = Column("L", 2400);
  for (const bool turned : {false, true}) {
    const LaggedMatrix matrix =
        WindowedLaggedCorrelation(turned ? l : a, turned ? a : l, WccShape{});
    const double sign = turned ? -1 : 1;
    EXPECT_EQ(static_cast<double>(ArgMax(MeanByLag(matrix))) - 20, 6 * sign);
    const PeakSummary summary = SummarisePeaks(matrix, PeakPicker(20));
    EXPECT_GT(summary.peaks, matrix.rows * 9 / 10);
    EXPECT_NEAR(summary.mean_lag, 6 * sign, 1);
    EXPECT_GT(summary.mean_r, 0.8);
    const LagEstimate estimate = EstimateLag(turned ? l : a, turned ? a : l, {.window = 2380});
    ASSERT_TRUE(estimate.found);
    EXPECT_NEAR(estimate.lag_ms, 1500 * sign, 100);
    EXPECT_LT(estimate.se_ms, 100);
  }
}

// The promise: within 0.25 s for lags of -4..+4 s, quarter samples included.
TEST(LagTest, RecoveredWithinAQuarterOfASecond) {
  int tried = 0, within_two_se = 0;
  double worst = 0, worst_by_lag = 0, mean_se = 0, mean_square = 0;
  for (double lag_s = -4; lag_s <= 4; lag_s += 0.25) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      const Couple couple =
          Simulated(seed * 100 + static_cast<uint64_t>(40 + 4 * lag_s), 740, lag_s, 0.85);
      const LagEstimate estimate = EstimateLag(couple.a, couple.b, {.window = 720});
      ASSERT_TRUE(estimate.found) << lag_s;
      const double error = estimate.lag_ms - 1000 * lag_s;
      ++tried;
      worst = std::max(worst, std::fabs(error));
      mean_se += estimate.se_ms / 132;
      mean_square += error * error / 132;
      within_two_se += std::fabs(error) <= 2 * estimate.se_ms ? 1 : 0;
      EXPECT_LE(std::fabs(error), 250) << lag_s << " " << seed;
      const LagEstimate turned = EstimateLag(couple.b, couple.a, {.window = 720});
      EXPECT_NEAR(turned.lag_ms, -estimate.lag_ms, 1e-6);
      EXPECT_NEAR(turned.se_ms, estimate.se_ms, 1e-6);
      const std::vector<double> mean =
          MeanByLag(WindowedLaggedCorrelation(couple.a, couple.b, WccShape{}));
      worst_by_lag =
          std::max(worst_by_lag, std::fabs(static_cast<double>(ArgMax(mean)) - 20 - 4 * lag_s));
    }
  }
  std::printf(
      "%d couples: worst error %.0f ms, standard error %.0f, true error %.0f; %d within two\n",
      tried, worst, mean_se, std::sqrt(mean_square), within_two_se);
  EXPECT_LE(worst_by_lag, 1);  // samples: largest mean r of the windows
  EXPECT_GE(within_two_se, tried * 9 / 10);
  EXPECT_LE(mean_se, 2 * std::sqrt(mean_square));  // and it is no wild overstatement
}

TEST(LagTest, UncertaintyGrowsWithNoiseAndStrangersHaveNone) {
  double near = 0, far = 0;
  int strangers_sure = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Couple close = Simulated(seed, 260, 1, 0.95), loose = Simulated(seed, 260, 1, 0.6);
    const LagEstimate c = EstimateLag(close.a, close.b, {}), l = EstimateLag(loose.a, loose.b, {});
    ASSERT_TRUE(c.found);
    near += c.se_ms / 20;
    far += (l.found && !std::isnan(l.se_ms) ? l.se_ms : 2000) / 20;
    const Couple apart = Simulated(seed, 260, 0, 0);
    const LagEstimate s = EstimateLag(apart.a, apart.b, {});
    strangers_sure += s.found && s.se_ms < 100 ? 1 : 0;
  }
  std::printf("se %.0f ms at 0.95, %.0f ms at 0.6; %d of 20 strangers below 100 ms\n", near, far,
              strangers_sure);
  EXPECT_LT(near, 100);
  EXPECT_GT(far, 1.5 * near);
  EXPECT_LE(strangers_sure, 2);
}

TEST(LagTest, NoLagFromTooLittleOrWithoutAPeak) {
  const Couple couple = Simulated(1, 260, 1, 0.9);
  EXPECT_FALSE(
      EstimateLag(std::span(couple.a).first(259), std::span(couple.b).first(259), {}).found);
  std::vector<double> holes = couple.a;
  for (size_t i = 20; i < 160; ++i) holes[i] = kNaN;
  EXPECT_FALSE(EstimateLag(holes, couple.b, {}).found);
  // b is a, 8 s later: r still rises at the last lag or its peak is another wave's.
  std::vector<double> slow_a, slow_b;
  for (int i = 0; i < 260; ++i) {
    slow_a.push_back(std::sin(6.283185307179586 * i / 200));
    slow_b.push_back(std::sin(6.283185307179586 * (i - 32) / 200));
  }
  EXPECT_FALSE(EstimateLag(slow_a, slow_b, {}).found);
}

}  // namespace
}  // namespace attune::synchrony
