// How often a real coupling is found: simulated couples whose underlying signals correlate at 0.5.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "services/synchrony/engine.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;

// Noise in the band of slow waves and breathing at 4 Hz, standard deviation about 1.
std::vector<double> Waves(uint64_t seed, int samples) {
  std::mt19937_64 random(seed);
  const auto noise = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53 - 0.5; };
  double fast = 0, slow = 0, squares = 0;
  std::vector<double> waves;
  for (int i = 0; i < samples; ++i) {
    fast += 0.4 * (noise() - fast);
    slow += 0.08 * (fast - slow);
    waves.push_back(fast - slow);
    squares += waves.back() * waves.back();
  }
  const double sd = std::sqrt(squares / samples);
  for (double& w : waves) w /= sd;
  return waves;
}

std::vector<Beat> Heart(double mean_ms, const std::vector<double>& waves) {
  std::vector<double> rr;
  for (double t = 0; t * 4 + 8 < static_cast<double>(waves.size());) {
    rr.push_back(mean_ms + 30 * waves[static_cast<size_t>(t * 4)]);
    t += rr.back() / 1000;
  }
  return testing::BeatsFromMs(rr);
}

TEST(PowerTest, CouplesAreFound) {
  constexpr int kCouples = 40;
  int above_at[3] = {}, significant_at[3] = {};
  const int when[3] = {180, 240, 360};
  int ever = 0;
  for (uint64_t couple = 0; couple < kCouples; ++couple) {
    const std::vector<double> shared = Waves(3 * couple, 1600);
    Engine engine{Params{}};
    for (int i = 0; i < 2; ++i) {
      std::vector<double> own = Waves(3 * couple + 1 + static_cast<uint64_t>(i), 1600);
      for (size_t k = 0; k < own.size(); ++k) own[k] = (own[k] + shared[k]) * std::sqrt(0.5);
      engine.AddPerson(i);
      for (const Beat& beat : Heart(820 - 90 * i, own)) engine.AddBeat(i, beat);
    }
    Engine::Selection selection;
    selection.pairs = {{0, 1}};
    bool found = false;
    for (int t = 1; t <= 360; ++t) {
      const Number number = engine.Evaluate(t * kSecond, selection).pairs[0].r_mean_windowed;
      found = found || number.chance.above;
      for (int i = 0; i < 3; ++i) {
        if (t != when[i]) continue;
        above_at[i] += number.chance.above ? 1 : 0;
        significant_at[i] += number.has_chance && number.chance.p <= 0.05 ? 1 : 0;
      }
    }
    ever += found ? 1 : 0;
  }
  for (int i = 0; i < 3; ++i) {
    std::printf("at %d s: p <= .05 in %d, above chance in %d of %d couples\n", when[i],
                significant_at[i], above_at[i], kCouples);
  }
  std::printf("above chance at some time within 360 s: %d\n", ever);
  EXPECT_GE(significant_at[0], kCouples * 9 / 10);
  EXPECT_GE(above_at[1], kCouples * 9 / 10);
}

}  // namespace
}  // namespace attune::synchrony
