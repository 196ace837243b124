#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/chance/draws.h"
#include "services/synchrony/chance/null.h"
#include "services/synchrony/chance/phase_sums.h"
#include "services/synchrony/chance/reference.h"
#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using reference::Trend;

GridTrack Quantised(const std::vector<double>& ms) {
  std::vector<int16_t> values;
  for (double v : ms) {
    values.push_back(static_cast<int16_t>(
        std::min(2047L, std::lrint(v * 2.048) - static_cast<long>(kGridBaseline))));
  }
  std::vector<int16_t> masks(ms.size(), -1);
  return GridTrack::ForTest(1, std::move(values), std::move(masks));
}

std::vector<double> WithoutLine(const std::vector<double>& x) {
  const double n = static_cast<double>(x.size());
  double mean = 0, slope = 0, uu = 0;
  for (double v : x) mean += v / n;
  for (size_t i = 0; i < x.size(); ++i) {
    const double u = static_cast<double>(i) - (n - 1) / 2;
    slope += u * (x[i] - mean);
    uu += u * u;
  }
  std::vector<double> out;
  for (size_t i = 0; i < x.size(); ++i) {
    out.push_back(x[i] - mean - slope / uu * (static_cast<double>(i) - (n - 1) / 2));
  }
  return out;
}

// The 20 reference pairs: the double test exactly, the live sums (whole windows shifted by whole
// seconds, integer grid) close to it.
TEST(ChanceTest, TwentyReferencePairs) {
  const std::string folder = "tests/data/reference-values/nulls/";
  auto csv = testing::ReadCsv(folder + "input_grid.csv");
  const std::string json = testing::ReadFile(folder + "expected_20_pairs.json");
  double worst_p = 0, worst_value = 0;
  int compared = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string_view pair = testing::JsonAt(json, "a", i);
    const auto name = [](std::string_view text) {
      return std::string(text.substr(1, text.find('"', 1) - 1));
    };
    const std::vector<double> a = testing::ToDoubles(csv[name(pair)]);
    const std::vector<double> b = testing::ToDoubles(csv[name(testing::JsonAt(pair, "b"))]);
    ASSERT_EQ(a.size(), 1200u);
    for (const bool whole_record : {true, false}) {
      const std::string_view expected =
          testing::JsonAt(pair, whole_record ? "record_detrended" : "window_detrended");
      const reference::ShiftTest test =
          whole_record ? reference::CircularShiftTest(WithoutLine(a), WithoutLine(b), 60, 4, 120,
                                                      Trend::kKeep)
                       : reference::CircularShiftTest(a, b, 60, 4, 120, Trend::kRemoveLine);
      EXPECT_NEAR(test.observed, testing::JsonNumber(expected, "observed"), 1e-9);
      double mean = 0;
      for (double v : test.null_values) mean += v / static_cast<double>(test.null_values.size());
      EXPECT_NEAR(mean, testing::JsonNumber(expected, "null_mean"), 1e-9);
      EXPECT_EQ(test.at_least, testing::JsonNumber(expected, "n_ge"));
      EXPECT_NEAR(test.p, testing::JsonNumber(expected, "p"), 1e-12);
      if (whole_record) continue;

      WindowRing wa(286, 1), wb(286, 1);  // windows 15..300
      wa.ExtendTo(300, Quantised(a), Params{});
      wb.ExtendTo(300, Quantised(b), Params{});
      ShiftSums sums(286);
      sums.Follow(wa, wb, KernelsFor(BestPath()));
      const double value = static_cast<double>(sums.r(0)) * kRScale / sums.count(0);
      std::vector<double> null_values;
      for (int k = 30; k <= 256; ++k) {
        null_values.push_back(static_cast<double>(sums.r(k)) * kRScale / sums.count(k));
      }
      const Chance chance = ChanceFrom(value, null_values);
      // Two pairs hold a heart that stands still for a quarter of a minute: no r there for us, the
      // correlation of rounding noise in the reference.
      if (sums.count(0) < 286) continue;
      ++compared;
      worst_value = std::max(worst_value, std::fabs(value - test.observed));
      worst_p = std::max(worst_p, std::fabs(chance.p - test.p));
    }
  }
  EXPECT_EQ(compared, 18);
  EXPECT_LE(worst_value, 3e-3);
  EXPECT_LE(worst_p, 0.08);
}

// Two people with holes.
std::vector<GridTrack> Holed(int seconds) {
  std::mt19937_64 random(3);
  std::vector<GridTrack> grids;
  for (int person = 0; person < 2; ++person) {
    std::vector<int16_t> values, masks;
    int wander = 0;
    for (int i = 0; i < 4 * seconds; ++i) {
      wander += static_cast<int>(random() % 41) - 20;
      wander = std::clamp(wander, -900, 900);
      const bool hole = (i / 37) % 9 == person;
      values.push_back(hole ? int16_t{0} : static_cast<int16_t>(wander));
      masks.push_back(hole ? 0 : -1);
    }
    grids.push_back(GridTrack::ForTest(1, values, masks));
  }
  return grids;
}

// Walks as a session does: growing, sliding, jumping, taken back. `follow` is told each tick.
template <typename Ring, typename Extend, typename Check>
void Walk(int size, Extend extend, Check check) {
  constexpr int kSeconds = 500;
  const std::vector<GridTrack> grids = Holed(kSeconds);
  std::mt19937_64 random(4);
  for (const Path path : kAllPaths) {
    if (!Supports(path)) continue;
    Ring a(size, 1), b(size, 1);
    for (int t = 1; t <= kSeconds;
         t += 1 + (random() % 20 == 0 ? static_cast<int>(random() % 30) : 0)) {
      if (random() % 25 == 0) a.ForgetFromSample(4 * t - static_cast<int>(random() % 100));
      if (random() % 25 == 0) b.ForgetFromSample(4 * t - static_cast<int>(random() % 100));
      extend(a, grids[0], t);
      extend(b, grids[1], t);
      check(a, b, t, KernelsFor(path));
    }
  }
}

TEST(ChanceTest, ShiftSumsFollowWhateverHappens) {
  constexpr int kSize = 100;
  ShiftSums followed(kSize), fresh(kSize);
  int compared = 0;
  Walk<WindowRing>(
      kSize,
      [](WindowRing& ring, const GridTrack& grid, int t) { ring.ExtendTo(t, grid, Params{}); },
      [&](const WindowRing& a, const WindowRing& b, int t, const Kernels& kernels) {
        if (t == 1) followed = ShiftSums(kSize);
        followed.Follow(a, b, kernels);
        fresh.Recompute(a, b, kernels);
        ASSERT_TRUE(followed == fresh) << t;
        // And both equal the definition.
        if (t % 25 != 0) return;
        int16_t x[kRowLength], y[kRowLength];
        for (int shift = 0; shift < kSize; shift += 7) {
          int64_t r = 0;
          int count = 0;
          for (int i = 0; i < kSize; ++i) {
            const int j = (i - shift + kSize) % kSize;
            if (!a.slots().usable(i) || !b.slots().usable(j)) continue;
            GetBlockRow(a.blocks(), static_cast<size_t>(i), x);
            GetBlockRow(b.blocks(), static_cast<size_t>(j), y);
            r += Dot(x, y, kRowLength);
            ++count;
          }
          ASSERT_EQ(followed.r(shift), r);
          ASSERT_EQ(followed.count(shift), count);
          ++compared;
        }
      });
  EXPECT_GE(compared, 30);
}

TEST(ChanceTest, PhaseSumsFollowWhateverHappens) {
  constexpr int kSize = 90;
  const PhaseFilter filter{Params{}};
  PhaseSums followed(kSize), fresh(kSize);
  int compared = 0;
  Walk<PhaseRing>(
      kSize, [&](PhaseRing& ring, const GridTrack& grid, int t) { ring.ExtendTo(t, grid, filter); },
      [&](const PhaseRing& a, const PhaseRing& b, int t, const Kernels& kernels) {
        if (t == 1) followed = PhaseSums(kSize);
        followed.Follow(a, b, kernels);
        fresh.Recompute(a, b, kernels);
        ASSERT_TRUE(followed == fresh) << t;
        if (t % 25 != 0) return;
        const auto unit = [](const PhaseRing& ring, int slot) {
          const int32_t packed = ring.units()[slot];
          return std::complex<double>(static_cast<int16_t>(packed & 0xffff), packed >> 16);
        };
        for (int shift = 0; shift < kSize; shift += 7) {
          std::complex<double> sum = 0;
          int count = 0;
          for (int i = 0; i < kSize; ++i) {
            const int j = (i - shift + kSize) % kSize;
            if (!a.slots().usable(i) || !b.slots().usable(j)) continue;
            sum += unit(a, i) * std::conj(unit(b, j));
            ++count;
          }
          ASSERT_EQ(followed.re()[shift], sum.real());
          ASSERT_EQ(followed.im()[shift], sum.imag());
          ASSERT_EQ(followed.count(shift), count);
          ++compared;
        }
      });
  EXPECT_GE(compared, 30);
}

TEST(ChanceTest, BandAndP) {
  std::vector<double> values;
  for (int i = 0; i < 199; ++i) values.push_back(i / 198.0);
  const Chance chance = ChanceFrom(0.95, values);
  EXPECT_EQ(chance.shifts, 199);
  EXPECT_NEAR(chance.mean, 0.5, 1e-12);
  EXPECT_NEAR(chance.low, 0.025, 1e-12);
  EXPECT_NEAR(chance.high, 0.975, 1e-12);
  EXPECT_DOUBLE_EQ(chance.p, (1 + 10) / 200.0);  // 189/198 .. 198/198
  std::vector<double> one = {0.3};
  EXPECT_DOUBLE_EQ(ChanceFrom(0.2, one).p, 1.0);
}

// R: p.adjust(c(.01, .04, .03, .005), "BH") = .02 .04 .04 .02.
TEST(ChanceTest, BenjaminiHochberg) {
  const std::vector<double> adjusted = BenjaminiHochberg({0.01, 0.04, 0.03, 0.005});
  ASSERT_EQ(adjusted.size(), 4u);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.02);
  EXPECT_DOUBLE_EQ(adjusted[1], 0.04);
  EXPECT_DOUBLE_EQ(adjusted[2], 0.04);
  EXPECT_DOUBLE_EQ(adjusted[3], 0.02);
  EXPECT_TRUE(BenjaminiHochberg({}).empty());
}

TEST(ChanceTest, LargestRejectedSaysWhatBenjaminiHochbergDoes) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform;
  for (int round = 0; round < 2000; ++round) {
    std::vector<double> p(1 + random() % 30);
    // Few steps, so that there are equal ones.
    for (double& value : p) value = std::ceil(uniform(random) * uniform(random) * 200) / 200;
    std::vector<double> small;
    std::copy_if(p.begin(), p.end(), std::back_inserter(small), [](double x) { return x <= 0.1; });
    const double rejected = LargestRejected(small, p.size(), 0.05);
    const std::vector<double> adjusted = BenjaminiHochberg(p);
    const bool any = *std::min_element(p.begin(), p.end()) <= 0.05;
    for (size_t i = 0; i < p.size(); ++i) {
      ASSERT_EQ(p[i] <= rejected, any && adjusted[i] <= 0.05) << p[i] << " of " << p.size();
    }
  }
}

TEST(ChanceTest, HoldNeedsAnUnbrokenTime) {
  Hold hold;
  int64_t previous = -1;
  const auto tick = [&](int64_t t, bool holds) {
    const bool above = hold.Update(holds, t, previous, 30, 5);
    previous = t;
    return above;
  };
  for (int t = 1; t <= 30; ++t) EXPECT_FALSE(tick(t, true));
  EXPECT_TRUE(tick(31, true));
  EXPECT_FALSE(tick(32, false));
  EXPECT_FALSE(hold.holding());
  for (int t = 33; t <= 62; ++t) EXPECT_FALSE(tick(t, true));
  EXPECT_FALSE(tick(70, true));  // the ticks between were never evaluated
  EXPECT_EQ(hold.since_us(), 70);
}

TEST(ChanceTest, DrawsAreFixedAndApart) {
  const std::vector<int> shifts = DrawShifts(1, 199, 8, 166, 10);
  EXPECT_EQ(shifts, DrawShifts(1, 199, 8, 166, 10));
  EXPECT_NE(shifts, DrawShifts(2, 199, 8, 166, 10));
  int crowded = 0;
  for (int draw = 0; draw < 199; ++draw) {
    for (int i = 0; i < 8; ++i) {
      const int s = shifts[static_cast<size_t>(draw * 8 + i)];
      ASSERT_GE(s, 0);
      ASSERT_LT(s, 166);
      for (int j = 0; j < i; ++j) {
        const int d = std::abs(s - shifts[static_cast<size_t>(draw * 8 + j)]);
        crowded += std::min(d, 166 - d) < 10 ? 1 : 0;
      }
    }
  }
  EXPECT_LE(crowded, 5);
}

}  // namespace
}  // namespace attune::synchrony
