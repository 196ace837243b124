// What artefacts do to the numbers: the same four hearts untouched and spoilt, tick by tick. A
// number of the spoilt ones is near that of the untouched ones, or it is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "services/synchrony/engine.h"
#include "services/synchrony/testing/injection.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int kTicks = 780;

// What became of one kind of number over all ticks at which the untouched hearts have it.
struct Effect {
  std::vector<double> off;  // |spoilt - untouched|
  int refused = 0;
  int doubtful = 0;

  void Add(const Number& untouched, const Number& spoilt, bool relative) {
    if (untouched.absent != Absence::kNone) return;
    if (spoilt.absent != Absence::kNone) {
      ++refused;
      return;
    }
    doubtful += spoilt.doubtful ? 1 : 0;
    off.push_back(std::fabs(spoilt.value - untouched.value) /
                  (relative ? std::fabs(untouched.value) : 1));
  }
  double Quantile(double q) {
    if (off.empty()) return 0;
    std::sort(off.begin(), off.end());
    return off[static_cast<size_t>(q * static_cast<double>(off.size() - 1))];
  }
  double RefusedShare() const {
    return refused / std::max(1.0, static_cast<double>(off.size()) + refused);
  }
};

struct Effects {
  Effect hr, rmssd, r_zero_lag, r_mean_windowed, r_mean_pairwise, order_parameter;

  void Print(const char* title) {
    std::printf("%s\n", title);
    const auto line = [](const char* name, Effect& effect) {
      std::printf("  %-16s median %.4f  95 %% %.4f  most %.4f  refused %.3f  doubtful %d of %zu\n",
                  name, effect.Quantile(0.5), effect.Quantile(0.95), effect.Quantile(1),
                  effect.RefusedShare(), effect.doubtful, effect.off.size());
    };
    line("heart rate, rel", hr);
    line("RMSSD, rel", rmssd);
    line("r zero lag", r_zero_lag);
    line("r mean windowed", r_mean_windowed);
    line("r mean pairwise", r_mean_pairwise);
    line("order parameter", order_parameter);
  }
};

using Room = std::vector<std::vector<Beat>>;

Room Untouched() {
  Room room;
  for (const int nsr : {3, 4, 10, 27}) {
    room.push_back(testing::BeatsFromMs(testing::CleanStretch(nsr), 137'000 * nsr));
    EXPECT_GT(room.back().back().time_us, (kTicks + 10) * kSecond) << nsr;
  }
  return room;
}

Room Spoilt(const testing::InjectionMix& mix) {
  Room room;
  for (const int nsr : {3, 4, 10, 27}) {
    const auto series =
        testing::Inject(testing::CleanStretch(nsr), mix, 20261122u + static_cast<unsigned>(nsr));
    room.push_back(testing::BeatsFromMs(series.rr_ms, 137'000 * nsr));
  }
  return room;
}

// Ten seconds without beats every two minutes, each person's at another time.
Room WithDropouts(Room room) {
  for (size_t i = 0; i < room.size(); ++i) {
    std::vector<Beat> left;
    bool gap = false;
    for (Beat beat : room[i]) {
      const int64_t phase =
          (beat.time_us + static_cast<int64_t>(i) * 31 * kSecond) % (120 * kSecond);
      if (phase < 10 * kSecond) {
        gap = true;
        continue;
      }
      beat.gap_before = beat.gap_before || gap;
      gap = false;
      left.push_back(beat);
    }
    room[i] = left;
  }
  return room;
}

Effects Compare(const Room& untouched, const Room& spoilt) {
  Engine a{Params{}}, b{Params{}};
  Engine::Selection selection;
  for (int i = 0; i < static_cast<int>(untouched.size()); ++i) {
    const auto index = static_cast<size_t>(i);
    a.AddPerson(i);
    b.AddPerson(i);
    for (const Beat& beat : untouched[index]) a.AddBeat(i, beat);
    for (const Beat& beat : spoilt[index]) b.AddBeat(i, beat);
    selection.people.push_back(i);
    selection.group.push_back(i);
    for (int j = 0; j < i; ++j) selection.pairs.emplace_back(j, i);
  }
  Effects effects;
  for (int t = 1; t <= kTicks; ++t) {
    const Frame x = a.Evaluate(t * kSecond, selection);
    const Frame y = b.Evaluate(t * kSecond, selection);
    for (size_t i = 0; i < x.people.size(); ++i) {
      effects.hr.Add(x.people[i].hr_bpm, y.people[i].hr_bpm, true);
      effects.rmssd.Add(x.people[i].rmssd_ms, y.people[i].rmssd_ms, true);
    }
    for (size_t i = 0; i < x.pairs.size(); ++i) {
      effects.r_zero_lag.Add(x.pairs[i].r_zero_lag, y.pairs[i].r_zero_lag, false);
      effects.r_mean_windowed.Add(x.pairs[i].r_mean_windowed, y.pairs[i].r_mean_windowed, false);
    }
    effects.r_mean_pairwise.Add(x.group.r_mean_pairwise, y.group.r_mean_pairwise, false);
    effects.order_parameter.Add(x.group.order_parameter, y.group.order_parameter, false);
  }
  return effects;
}

// 95 % of the differences, and the largest.
void ExpectWithin(Effect& effect, double usual, double most) {
  EXPECT_LE(effect.Quantile(0.95), usual);
  EXPECT_LE(effect.Quantile(1), most);
  EXPECT_LE(effect.refused, static_cast<int>(effect.off.size()) / 10);
}

TEST(RobustnessTest, ATenthOfTheBeatsMissed) {
  Effects e =
      Compare(Untouched(), Spoilt({.extra = 0, .ectopic = 0, .apart_min = 5, .apart_max = 15}));
  e.Print("10 % missed");
  ExpectWithin(e.hr, 0.01, 0.03);
  ExpectWithin(e.rmssd, 0.15, 0.25);
  ExpectWithin(e.r_zero_lag, 0.05, 0.1);
  ExpectWithin(e.r_mean_windowed, 0.05, 0.08);
  ExpectWithin(e.r_mean_pairwise, 0.015, 0.03);
  ExpectWithin(e.order_parameter, 0.03, 0.05);
  EXPECT_GT(e.r_mean_windowed.doubtful, 0.9 * static_cast<double>(e.r_mean_windowed.off.size()));
}

TEST(RobustnessTest, ATwentiethOfTheBeatsEctopic) {
  Effects e =
      Compare(Untouched(), Spoilt({.missed = 0, .extra = 0, .apart_min = 10, .apart_max = 30}));
  e.Print("5 % ectopic");
  ExpectWithin(e.hr, 0.03, 0.06);  // of 15 s: a beat moved over the edge is a fifteenth
  ExpectWithin(e.rmssd, 0.12, 0.25);
  ExpectWithin(e.r_zero_lag, 0.04, 0.1);
  ExpectWithin(e.r_mean_windowed, 0.04, 0.06);
  ExpectWithin(e.r_mean_pairwise, 0.01, 0.02);
  ExpectWithin(e.order_parameter, 0.02, 0.03);
}

// Here the numbers stand on other evidence, not on worse: up to a third of a minute is missing.
TEST(RobustnessTest, TenSecondsLostEveryTwoMinutes) {
  Effects e = Compare(Untouched(), WithDropouts(Untouched()));
  e.Print("10-s dropouts");
  ExpectWithin(e.hr, 0.03, 0.06);
  ExpectWithin(e.rmssd, 0.1, 0.25);
  EXPECT_LE(e.r_zero_lag.Quantile(0.95), 0.4);
  ExpectWithin(e.r_mean_windowed, 0.12, 0.2);
  ExpectWithin(e.r_mean_pairwise, 0.06, 0.1);
  EXPECT_LE(e.order_parameter.Quantile(1), 0.12);
  EXPECT_EQ(e.rmssd.doubtful, 0);  // lost beats are no artefacts
}

TEST(RobustnessTest, AllOfItAtOnce) {
  Effects e = Compare(
      Untouched(), WithDropouts(Spoilt(
                       {.missed = 2, .extra = 0, .ectopic = 1, .apart_min = 3, .apart_max = 10})));
  e.Print("10 % missed, 5 % ectopic, 10-s dropouts");
  ExpectWithin(e.hr, 0.04, 0.1);
  ExpectWithin(e.rmssd, 0.25, 0.5);
  EXPECT_LE(e.r_zero_lag.Quantile(0.95), 0.4);
  ExpectWithin(e.r_mean_windowed, 0.15, 0.22);
  ExpectWithin(e.r_mean_pairwise, 0.06, 0.12);
  EXPECT_LE(e.order_parameter.Quantile(1), 0.12);
}

// Beyond a fifth everything is refused.
TEST(RobustnessTest, AThirdOfTheBeatsMissed) {
  Effects e =
      Compare(Untouched(), Spoilt({.extra = 0, .ectopic = 0, .apart_min = 2, .apart_max = 4}));
  e.Print("a third missed");
  for (Effect* effect : {&e.hr, &e.rmssd, &e.r_zero_lag, &e.r_mean_windowed, &e.r_mean_pairwise,
                         &e.order_parameter}) {
    EXPECT_GT(effect->RefusedShare(), 0.9);
  }
}

}  // namespace
}  // namespace attune::synchrony
