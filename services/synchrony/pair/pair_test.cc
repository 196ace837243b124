#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/pair/lagged.h"
#include "services/synchrony/pair/reference.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using reference::Trend;

const char kFolder[] = "tests/data/reference-values/pair/";

std::vector<double> Column(const char* name, size_t count) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_pair.csv"));
  std::vector<double> values = testing::ToDoubles(csv[name]);
  values.resize(count);
  return values;
}

GridTrack Quantised(const std::vector<double>& ms) {
  std::vector<int16_t> values;
  for (double v : ms) {
    values.push_back(static_cast<int16_t>(std::lrint(v * 2.048) - kGridBaseline));
  }
  std::vector<int16_t> masks(ms.size(), -1);
  return GridTrack::ForTest(1, std::move(values), std::move(masks));
}

TEST(PairReferenceTest, CrossCorrelationAgreesWithBokersProgramAndNumpy) {
  const std::vector<double> a = Column("A_nsr003", 1200), b = Column("B_nsr008", 1200);
  for (const bool detrended : {false, true}) {
    const std::vector<double> expected = testing::JsonNumbers(
        testing::ReadFile(kFolder + std::string(detrended ? "expected_wcc_detrended.json"
                                                          : "expected_wcc_raw.json")),
        detrended ? "r_numpy_window_detrended" : "r_original_C_lag_sign_ours");
    const auto rows = reference::WindowedCrossCorrelation(
        a, b, 120, 20, 4, detrended ? Trend::kRemoveLine : Trend::kKeep);
    ASSERT_GE(rows.size(), 265u);
    ASSERT_EQ(expected.size(), 265u * 41);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(rows[i / 41][i % 41], expected[i], 1e-9) << i;
    }
  }
}

TEST(PairReferenceTest, WindowedRAgreesWithNumpy) {
  const std::vector<double> a = Column("A_nsr003", 2400), b = Column("B_nsr008", 2400);
  const std::string json = testing::ReadFile(kFolder + std::string("expected_windowed_r.json"));
  for (const bool detrended : {false, true}) {
    const std::vector<double> expected =
        testing::JsonNumbers(json, detrended ? "r_detrended_AB" : "r_raw_AB");
    const std::vector<double> r =
        reference::WindowedR(a, b, 60, 4, detrended ? Trend::kRemoveLine : Trend::kKeep);
    ASSERT_EQ(r.size(), expected.size());
    for (size_t i = 0; i < r.size(); ++i) ASSERT_NEAR(r[i], expected[i], 1e-10);
  }
}

// The live form on the same data: only the grid's rounding lies between.
TEST(LaggedTest, LiveFormAgreesWithTheReference) {
  Params params;
  params.lagged_window = 120;
  const GridTrack a = Quantised(Column("A_nsr003", 1200));
  const GridTrack b = Quantised(Column("B_nsr008", 1200));
  const std::vector<double> expected =
      testing::JsonNumbers(testing::ReadFile(kFolder + std::string("expected_wcc_detrended.json")),
                           "r_numpy_window_detrended");
  LaggedWindows wa(params), wb(params);
  LaggedCorrelation correlation(params, KernelsFor(BestPath()));
  std::vector<double> cells;
  double worst = 0, worst_given_grid = 0;
  for (size_t row = 0; row < 265; ++row) {
    const int64_t last = static_cast<int64_t>(20 + 4 * row + 119) + 1;  // samples count from 1
    wa.Update(a, last);
    wb.Update(b, last);
    correlation.Compute(wa, wb, &cells);
    ASSERT_EQ(cells.size(), 41u);
    for (size_t i = 0; i < 41; ++i) {
      ASSERT_FALSE(std::isnan(cells[i]));
      worst = std::max(worst, std::fabs(cells[i] - expected[row * 41 + i]));
      const int lag = static_cast<int>(i) - 20;
      std::vector<double> x, y;
      for (int k = 0; k < 120; ++k) {
        x.push_back(a.values(last - std::max(lag, 0), 120)[k]);
        y.push_back(b.values(last - std::max(-lag, 0), 120)[k]);
      }
      worst_given_grid = std::max(
          worst_given_grid,
          std::fabs(cells[i] - reference::PearsonR(x.data(), y.data(), 120, Trend::kRemoveLine)));
    }
  }
  EXPECT_LE(worst_given_grid, 1e-9);
  EXPECT_LE(worst, 5e-3);
}

TEST(LaggedTest, PositiveLagMeansTheSecondFollows) {
  const GridTrack a = Quantised(Column("A_nsr003", 2400));
  const GridTrack follower = Quantised(Column("L", 2400));  // follows A by 6 samples
  LaggedWindows wa{Params{}}, wl{Params{}};
  LaggedCorrelation correlation(Params{}, KernelsFor(BestPath()));
  std::vector<double> cells;
  int at_six = 0, rows = 0;
  for (int64_t last = 300; last <= 2400; last += 60, ++rows) {
    wa.Update(a, last);
    wl.Update(follower, last);
    correlation.Compute(wa, wl, &cells);
    double r = 0;
    int lag = 0;
    ASSERT_TRUE(FindPeak(cells, &r, &lag));
    at_six += lag == 6 ? 1 : 0;
    correlation.Compute(wl, wa, &cells);
    int back = 0;
    ASSERT_TRUE(FindPeak(cells, &r, &back));
    EXPECT_EQ(back, -lag);
  }
  EXPECT_GE(at_six, rows - 2);
}

// Missing samples are left out of the cell, line included.
TEST(LaggedTest, MissingSamplesAreLeftOut) {
  std::mt19937_64 random(8);
  std::vector<int16_t> x(260), y(260), mx(260, -1), my(260, -1);
  for (size_t i = 0; i < 260; ++i) {
    x[i] = static_cast<int16_t>(static_cast<int>(random() % 300) + 3 * static_cast<int>(i));
    y[i] = static_cast<int16_t>(x[i] / 2 + static_cast<int>(random() % 200));
  }
  for (size_t i = 60; i < 100; ++i) x[i] = mx[i] = 0;
  for (size_t i = 200; i < 230; ++i) y[i] = my[i] = 0;
  const GridTrack a = GridTrack::ForTest(1, x, mx), b = GridTrack::ForTest(1, y, my);
  LaggedWindows wa{Params{}}, wb{Params{}};
  wa.Update(a, 260);
  wb.Update(b, 260);
  std::vector<double> cells;
  LaggedCorrelation(Params{}, KernelsFor(BestPath())).Compute(wa, wb, &cells);
  for (int lag : {-20, 0, 7}) {
    std::vector<double> u, p, q;
    for (size_t i = 20; i < 260; ++i) {
      const size_t ia = i - static_cast<size_t>(std::max(lag, 0));
      const size_t ib = i - static_cast<size_t>(std::max(-lag, 0));
      if (mx[ia] == 0 || my[ib] == 0) continue;
      u.push_back(static_cast<double>(i));
      p.push_back(x[ia]);
      q.push_back(y[ib]);
    }
    const auto without_line = [&](std::vector<double> v) {
      const double n = static_cast<double>(v.size());
      double mu = 0, mv = 0, uv = 0, uu = 0;
      for (size_t i = 0; i < v.size(); ++i) mu += u[i] / n, mv += v[i] / n;
      for (size_t i = 0; i < v.size(); ++i) {
        uv += (u[i] - mu) * (v[i] - mv);
        uu += (u[i] - mu) * (u[i] - mu);
      }
      for (size_t i = 0; i < v.size(); ++i) v[i] -= mv + uv / uu * (u[i] - mu);
      return v;
    };
    const std::vector<double> rp = without_line(p), rq = without_line(q);
    const double cell = cells[static_cast<size_t>(20 + lag)];
    ASSERT_FALSE(std::isnan(cell));
    EXPECT_NEAR(cell, reference::PearsonR(rp.data(), rq.data(), rp.size(), Trend::kKeep), 1e-9);
  }
  // Too little in common, or nothing but a line: no value.
  for (size_t i = 20; i < 150; ++i) y[i] = my[i] = 0;
  const GridTrack sparse = GridTrack::ForTest(1, y, my);
  wb.Update(sparse, 260);
  LaggedCorrelation(Params{}, KernelsFor(BestPath())).Compute(wa, wb, &cells);
  EXPECT_TRUE(std::isnan(cells[20]));
  const GridTrack flat =
      GridTrack::ForTest(1, std::vector<int16_t>(260, 5), std::vector<int16_t>(260, -1));
  wb.Update(flat, 260);
  LaggedCorrelation(Params{}, KernelsFor(BestPath())).Compute(wa, wb, &cells);
  EXPECT_TRUE(std::isnan(cells[20]));
  double r = 0;
  int lag = 0;
  EXPECT_FALSE(FindPeak(cells, &r, &lag));
}

// Band-limited noise at 4 Hz, standard deviation about 1.
std::vector<double> Noise(std::mt19937_64& random, size_t samples) {
  double fast = 0, slow = 0;
  std::vector<double> noise;
  for (size_t i = 0; i < samples + 100; ++i) {
    fast += 0.4 * ((static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * 8 - fast);
    slow += 0.08 * (fast - slow);
    if (i >= 100) noise.push_back(fast - slow);
  }
  return noise;
}

// The truth lies within two stated standard errors nearly always, and they are not idle: as large
// as the errors are, within a factor of two.
TEST(LaggedTest, LagStandardErrorIsThatOfTheLag) {
  std::mt19937_64 random(77);
  LaggedWindows wa{Params{}}, wb{Params{}};
  LaggedCorrelation correlation(Params{}, KernelsFor(BestPath()));
  std::vector<double> r;
  int couples = 0, within = 0;
  double squares = 0, stated = 0;
  for (int couple = 0; couple < 400; ++couple) {
    const int truth = couple % 17 - 8;
    const std::vector<double> shared = Noise(random, 300);
    const std::vector<double> own_a = Noise(random, 300), own_b = Noise(random, 300);
    std::vector<int16_t> a, b;
    for (size_t i = 20; i < 280; ++i) {
      const double of_a = shared[i] + 0.5 * own_a[i];
      const double of_b = shared[static_cast<size_t>(static_cast<int>(i) - truth)] + 0.5 * own_b[i];
      a.push_back(static_cast<int16_t>(std::lrint(100 * of_a)));
      b.push_back(static_cast<int16_t>(std::lrint(100 * of_b)));
    }
    const GridTrack ga = GridTrack::ForTest(1, a, std::vector<int16_t>(260, -1));
    const GridTrack gb = GridTrack::ForTest(1, b, std::vector<int16_t>(260, -1));
    wa.Update(ga, 260);
    wb.Update(gb, 260);
    correlation.Compute(wa, wb, &r);
    double peak = 0;
    int lag = 0;
    ASSERT_TRUE(FindPeak(r, &peak, &lag));
    // The lags go in steps, which is no fault of the estimate.
    const double se = std::hypot(LagStandardError(r, lag, 240), std::sqrt(1.0 / 12));
    ++couples;
    within += std::fabs(lag - truth) <= 2 * se ? 1 : 0;
    squares += (lag - truth) * (lag - truth);
    stated += se * se;
  }
  EXPECT_GE(within, couples * 90 / 100);
  EXPECT_GE(std::sqrt(stated / couples), 0.5 * std::sqrt(squares / couples));
  EXPECT_LE(std::sqrt(stated / couples), 2 * std::sqrt(squares / couples) + 0.3);
  // Where there is no peak nothing is known.
  const double unknown = 20 / std::sqrt(3.0);
  std::vector<double> rising(41);
  for (size_t i = 0; i < 41; ++i) rising[i] = 0.01 * static_cast<double>(i);
  EXPECT_EQ(LagStandardError(rising, 20, 240), unknown);
  EXPECT_EQ(LagStandardError(std::vector<double>(41, -0.1), 0, 240), unknown);
}

}  // namespace
}  // namespace attune::synchrony
