// All pairs at once give, on every path, the bits that pair by pair gives.
#include "services/synchrony/pair/all_pairs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/kernel/path.h"
#include "services/synchrony/pair/lagged.h"
#include "services/synchrony/pair/reference.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {
namespace {

using Series = std::vector<std::vector<int16_t>>;

std::vector<Path> SupportedPaths() {
  std::vector<Path> paths;
  for (Path path : kAllPaths) {
    if (Supports(path)) paths.push_back(path);
  }
  return paths;
}

// Slow waves, some shared and some late, so that peaks lie at many lags; person 3 is flat, 4 was
// flat before, 6 is 5, 7 is 5 some samples later, 9 leaps between the extremes.
Series People(int people, int samples, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  std::vector<double> shared(static_cast<size_t>(samples) + 40);
  double wave = 0;
  for (double& value : shared) value = wave = 0.9 * wave + unit(random);
  Series series;
  for (int person = 0; person < people; ++person) {
    std::vector<int16_t> x;
    const size_t late = random() % 40;
    const double share = unit(random), level = 900 * unit(random);
    double own = 0;
    for (size_t i = 0; i < static_cast<size_t>(samples); ++i) {
      own = 0.9 * own + unit(random);
      double value = level + 150 * (share * shared[i + late] + own);
      if (person == 3) value = 17;
      if (person == 4 && i < static_cast<size_t>(samples) - 3) value = 100;
      if (person == 9) value = random() % 2 == 0 ? -2047 : 2047;
      x.push_back(static_cast<int16_t>(std::clamp(std::lrint(value), -2047l, 2047l)));
    }
    if (person == 6) x = series[5];
    if (person == 7) {
      for (size_t i = 6; i < x.size(); ++i) x[i] = series[5][i - 6];
    }
    series.push_back(x);
  }
  return series;
}

AllPairs Compute(const Series& series, int length, int max_lag, Path path) {
  std::vector<const int16_t*> pointers;
  for (const auto& x : series) pointers.push_back(x.data());
  AllPairs all(length, max_lag, KernelsFor(path));
  all.Compute(pointers);
  return all;
}

class AllPairsTest : public ::testing::TestWithParam<Path> {};

TEST_P(AllPairsTest, IsBitForBitPairByPair) {
  struct Size {
    int people, length, max_lag;
  };
  for (const Size& size :
       {Size{0, 240, 20}, Size{1, 240, 20}, Size{2, 240, 20}, Size{3, 240, 20}, Size{4, 61, 30},
        Size{5, 33, 1}, Size{8, 240, 20}, Size{10, 240, 20}, Size{16, 240, 20}, Size{16, 99, 20},
        Size{31, 61, 3}, Size{32, 240, 20}, Size{33, 240, 20}, Size{64, 50, 7}, Size{75, 240, 20},
        Size{100, 33, 0}, Size{43, 8, 31}, Size{70, 101, 8}}) {
    SCOPED_TRACE(std::to_string(size.people) + " people, " + std::to_string(size.length) + " + " +
                 std::to_string(size.max_lag));
    Params params;
    params.lagged_window = size.length;
    params.lagged_max_lag = size.max_lag;
    const int samples = size.length + size.max_lag;
    const Series series = People(size.people, samples, static_cast<uint32_t>(size.people + 1));
    const AllPairs all = Compute(series, size.length, size.max_lag, GetParam());
    std::vector<GridTrack> grids;
    for (const auto& x : series) {
      grids.push_back(GridTrack::ForTest(1, x, std::vector<int16_t>(x.size(), -1)));
    }
    std::vector<LaggedWindows> windows;
    for (const GridTrack& grid : grids) windows.emplace_back(params).Update(grid, samples);
    LaggedCorrelation correlation(params, KernelsFor(GetParam()));
    std::vector<double> cells;
    for (int a = 0; a < size.people; ++a) {
      for (int b = a + 1; b < size.people; ++b) {
        correlation.Compute(windows[static_cast<size_t>(a)], windows[static_cast<size_t>(b)],
                            &cells);
        const double zero = cells[static_cast<size_t>(size.max_lag)];
        const bool has_zero = !std::isnan(zero);
        double peak = 0;
        int lag = 0;
        const bool has_peak = FindPeak(cells, &peak, &lag);
        const AllPairs::Pair pair = all.At(a, b);
        ASSERT_EQ(pair.r_zero_valid, has_zero) << a << ", " << b;
        ASSERT_EQ(pair.r_peak_valid, has_peak) << a << ", " << b;
        if (has_zero) {
          ASSERT_EQ(pair.r_zero, std::clamp(zero, -1.0, 1.0)) << a << ", " << b;
        }
        if (has_peak) {
          ASSERT_EQ(pair.r_peak, peak) << a << ", " << b;
          ASSERT_EQ(pair.lag, lag) << a << ", " << b;
        }
      }
    }
  }
}

TEST_P(AllPairsTest, IsTheDefinitionInDoubles) {
  const Series series = People(40, 260, 5);
  const AllPairs all = Compute(series, 240, 20, GetParam());
  std::vector<std::vector<double>> values;
  for (const auto& x : series) values.emplace_back(x.begin(), x.end());
  int lags_seen = 0;
  for (int a = 0; a < 40; a += 3) {
    for (int b = a + 1; b < 40; b += 2) {
      const AllPairs::Pair pair = all.At(a, b);
      if (!pair.r_peak_valid) continue;
      const std::vector<double> row =
          reference::WindowedCrossCorrelation(values[static_cast<size_t>(a)],
                                              values[static_cast<size_t>(b)], 240, 20, 1,
                                              reference::Trend::kRemoveLine)
              .front();
      const auto largest = std::max_element(row.begin(), row.end());
      EXPECT_NEAR(pair.r_zero, row[20], 1e-12) << a << ", " << b;
      EXPECT_NEAR(pair.r_peak, *largest, 1e-12) << a << ", " << b;
      EXPECT_EQ(pair.lag, largest - row.begin() - 20) << a << ", " << b;
      lags_seen |= 1 << (pair.lag > 0 ? 0 : pair.lag < 0 ? 1 : 2);
    }
  }
  EXPECT_EQ(lags_seen, 7);  // or the test would not see a wrong sign
}

TEST_P(AllPairsTest, WhoFollowsHasTheLag) {
  const AllPairs all = Compute(People(40, 260, 5), 240, 20, GetParam());
  EXPECT_EQ(all.At(5, 7).lag, 6);
  EXPECT_EQ(all.At(5, 7).r_peak, 1);
  EXPECT_EQ(all.At(5, 6).lag, 0);
  EXPECT_EQ(all.At(5, 6).r_zero, 1);
}

// x[t - 1] = -x[t]: between someone and the opposite of it all odd lags are equal to the last bit,
// and the nearest positive one is the answer.
TEST_P(AllPairsTest, OfEqualsTheNearestThenThePositiveLagIsTaken) {
  for (int people : {2, 8, 13, 20, 40}) {
    Series series = People(people, 260, 9);
    const auto last = static_cast<size_t>(people) - 1;
    for (size_t i = 0; i < 260; ++i) {
      series[0][i] = static_cast<int16_t>(i % 2 == 0 ? 100 : -100);
      series[last][i] = static_cast<int16_t>(-series[0][i]);
    }
    const AllPairs all = Compute(series, 240, 20, GetParam());
    EXPECT_NEAR(all.At(0, people - 1).r_peak, 1, 1e-12);
    EXPECT_EQ(all.At(0, people - 1).lag, 1) << people;
  }
}

std::string PathName(const ::testing::TestParamInfo<Path>& info) { return Name(info.param); }

INSTANTIATE_TEST_SUITE_P(Paths, AllPairsTest, ::testing::ValuesIn(SupportedPaths()), PathName);

}  // namespace
}  // namespace attune::synchrony
