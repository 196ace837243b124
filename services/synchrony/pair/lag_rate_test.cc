// How often the lag of couples of real hearts is found within three minutes: what two people share,
// and what each has alone, are stretches of different people of tests/data/nsr2db, mixed to a known
// correlation. The rates are stated in services/synchrony/README.md.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <vector>

#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/pair/stretch_measures.h"
#include "services/synchrony/signal/stretch.h"
#include "services/synchrony/testing/couples.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;

// 400 s without a gap out of somebody's half an hour, the line taken out, standard deviation 1.
class RealWaves {
 public:
  explicit RealWaves(uint64_t seed) : random_(seed), grids_(54) {}

  std::vector<double> Draw() {
    constexpr size_t kCount = testing::kCoupleSamples;
    for (;;) {
      std::optional<std::vector<double>>& grid = grids_[random_() % grids_.size()];
      if (!grid) {
        const int person = static_cast<int>(&grid - grids_.data()) + 1;
        grid = BuildStretch(testing::BeatsFromMs(testing::ReadNsr(person)), {}, 0, 1800 * kSecond,
                            Params{})
                   .grid_ms;
      }
      const size_t from = random_() % (grid->size() - kCount);
      std::vector<double> waves(grid->begin() + static_cast<ptrdiff_t>(from),
                                grid->begin() + static_cast<ptrdiff_t>(from + kCount));
      bool clean = true;
      for (const double wave : waves) clean = clean && !std::isnan(wave);
      if (!clean) continue;
      dsp::RemoveLine(waves);
      const double sd = dsp::StandardDeviation(waves, 0);
      if (!(sd > 0)) continue;
      for (double& wave : waves) wave /= sd;
      return waves;
    }
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::optional<std::vector<double>>> grids_;
};

struct Rate {
  int found = 0, near = 0, within_two = 0;

  void Add(const Number& lag, int lag_s) {
    if (lag.absent != Absence::kNone) return;
    const double error_ms = std::fabs(lag.value - 1000 * lag_s);
    ++found;
    near += error_ms <= 250 ? 1 : 0;
    within_two += error_ms <= 2 * lag.uncertainty ? 1 : 0;
  }
};

// Two looks of 180 s at each couple and lag; every couple has other people.
void Play(double correlation, int couples, uint64_t seed, double least_near) {
  RealWaves people(seed);
  Rate span, by_power;
  int looks = 0;
  for (int i = 0; i < couples; ++i) {
    for (int lag_s = -4; lag_s <= 4; ++lag_s) {
      const testing::Couple couple =
          testing::CoupleOf({people.Draw(), people.Draw(), people.Draw()}, correlation, lag_s,
                            testing::HeartModel::kByIntegral);
      for (const int64_t to : {200, 380}) {
        const auto stretch = [&](const std::vector<Beat>& beats) {
          return BuildStretch(beats, {}, (to - 180) * kSecond, to * kSecond, Params{});
        };
        const Stretch a = stretch(couple.first), b = stretch(couple.second);
        PairAnalysis analysis(a, b, 0, false, Params{});
        ++looks;
        span.Add(analysis.Of(Measure::kLagSpanMs), lag_s);
        by_power.Add(analysis.Of(Measure::kLagMs), lag_s);
      }
    }
  }
  std::printf("real hearts, correlation %.1f, %d looks of 180 s (seed %llu):\n", correlation, looks,
              static_cast<unsigned long long>(seed));
  for (const Rate* rate : {&span, &by_power}) {
    std::printf("  %-11s found %d, within 0.25 s %d, within two standard errors %d\n",
                rate == &span ? "lag_span_ms" : "lag_ms", rate->found, rate->near,
                rate->within_two);
  }
  EXPECT_GE(span.near, looks * least_near);
  EXPECT_GE(span.within_two, span.found * 0.9);
  EXPECT_GT(span.near, by_power.near);
}

TEST(LagRateTest, RealHearts) {
  Play(0.5, 10, 1, 0.9);
  Play(0.8, 10, 2, 0.98);
}

TEST(FullLagRateTest, RealHearts) {
  Play(0.3, 100, 3, 0.6);
  Play(0.5, 100, 4, 0.92);
  Play(0.8, 100, 5, 0.99);
}

}  // namespace
}  // namespace attune::synchrony
