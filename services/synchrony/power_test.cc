// How often a real coupling is found, and whether its lag is: simulated couples whose underlying
// signals correlate by a known amount. The rates measured here are stated in README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "services/synchrony/engine.h"
#include "services/synchrony/testing/couples.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;

// Persons `first` and `first` + 1.
void AddCouple(uint64_t seed, double correlation, int lag_s, int first, Engine* engine,
               testing::HeartModel model = testing::HeartModel::kByItsBeginning) {
  const testing::Couple couple = testing::CoupleOf(seed, correlation, lag_s, model);
  engine->AddPerson(first);
  for (const Beat& beat : couple.first) engine->AddBeat(first, beat);
  engine->AddPerson(first + 1);
  for (const Beat& beat : couple.second) engine->AddBeat(first + 1, beat);
}

TEST(PowerTest, CouplesAreFoundWithinThreeMinutes) {
  constexpr int kCouples = 100;
  int found_by[3] = {};
  const int when[3] = {160, 180, 240};
  for (uint64_t couple = 0; couple < kCouples; ++couple) {
    Engine engine{Params{}};
    AddCouple(couple, 0.5, 0, 0, &engine);
    Engine::Selection selection;
    selection.pairs = {{0, 1}};
    bool found = false;
    for (int t = 1; t <= when[2]; ++t) {
      found |= engine.Evaluate(t * kSecond, selection).pairs[0].r_mean_windowed.chance.above;
      for (int i = 0; i < 3; ++i) found_by[i] += found && t == when[i] ? 1 : 0;
    }
  }
  for (int i = 0; i < 3; ++i) {
    std::printf("by %d s: above chance %d of %d couples\n", when[i], found_by[i], kCouples);
  }
  EXPECT_GE(found_by[1], kCouples * 9 / 10);
}

// Eight people, all 28 pairs tested at once.
void PlayRoom(uint64_t seed, int couples, int rooms, int* found_by_180, int* found_by_240,
              int* strangers_above) {
  for (int room = 0; room < rooms; ++room) {
    Engine engine{Params{}};
    Engine::Selection selection;
    for (int i = 0; i < 4; ++i) {
      AddCouple(seed++, i < couples ? 0.5 : 0, 0, 2 * i, &engine);
    }
    for (int a = 0; a < 8; ++a) {
      for (int b = a + 1; b < 8; ++b) selection.pairs.emplace_back(a, b);
    }
    std::vector<bool> found(selection.pairs.size());
    const auto count = [&](int* couples_found, int* others) {
      for (size_t i = 0; i < found.size(); ++i) {
        const auto [a, b] = selection.pairs[i];
        const bool couple = a % 2 == 0 && b == a + 1 && a / 2 < couples;
        *(couple ? couples_found : others) += found[i] ? 1 : 0;
      }
    };
    for (int t = 1; t <= 240; ++t) {
      const Frame frame = engine.Evaluate(t * kSecond, selection);
      for (size_t i = 0; i < found.size(); ++i) {
        found[i] = found[i] || frame.pairs[i].r_mean_windowed.chance.above;
      }
      int unused = 0;
      if (t == 180) count(found_by_180, &unused);
      if (t == 240) count(found_by_240, strangers_above);
    }
  }
}

TEST(PowerTest, CouplesAreFoundInRoomsOfEight) {
  constexpr int kRooms = 15;
  int by_180 = 0, by_240 = 0, strangers = 0;
  PlayRoom(1000, 4, kRooms, &by_180, &by_240, &strangers);
  std::printf("four couples: %d of %d by 180 s, %d by 240 s; strangers ever above: %d of %d\n",
              by_180, 4 * kRooms, by_240, strangers, 24 * kRooms);
  EXPECT_GE(by_240, 4 * kRooms * 9 / 10);
  EXPECT_LE(strangers, 24 * kRooms / 20);
  // One couple must pass 0.05 / 28, which no 54 shifts could count.
  by_180 = by_240 = strangers = 0;
  PlayRoom(2000, 1, 4 * kRooms, &by_180, &by_240, &strangers);
  std::printf("one couple: %d of %d by 180 s, %d by 240 s; strangers ever above: %d of %d\n",
              by_180, 4 * kRooms, by_240, strangers, 4 * 27 * kRooms);
  EXPECT_GE(by_240, 4 * kRooms * 8 / 10);
  EXPECT_LE(strangers, 4 * 27 * kRooms / 50);
}

// Positive lag: the second person of the pair follows the first.
TEST(PowerTest, LagIsRecovered) {
  for (const double correlation : {0.5, 0.8}) {
    int looks = 0, near = 0, right_sign = 0, signed_looks = 0;
    for (int lag_s = -4; lag_s <= 4; ++lag_s) {
      for (uint64_t couple = 0; couple < 10; ++couple) {
        Engine engine{Params{}};
        AddCouple(couple, correlation, lag_s, 0, &engine);
        Engine::Selection selection;
        selection.pairs = {{0, 1}};
        for (int t = 80; t <= 320; t += 60) {
          const Number lag = engine.Evaluate(t * kSecond, selection).pairs[0].lag_ms;
          ASSERT_EQ(lag.absent, Absence::kNone);
          ++looks;
          near += std::fabs(lag.value - 1000 * lag_s) <= 250 ? 1 : 0;
          if (lag_s == 0) continue;
          ++signed_looks;
          right_sign += lag.value * lag_s > 0 ? 1 : 0;
        }
      }
    }
    std::printf("correlation %.1f: lag within 0.25 s in %d of %d, its sign right in %d of %d\n",
                correlation, near, looks, right_sign, signed_looks);
    EXPECT_GE(near, correlation > 0.6 ? looks : looks * 8 / 10);
    EXPECT_GE(right_sign, correlation > 0.6 ? signed_looks : signed_looks * 9 / 10);
  }
}

// The measure on request over three minutes, as a session gets it. Intervals that were decided at
// their beginning are half an interval later than hearts are modelled, which the two people's
// different rates make a lag of 45 ms.
TEST(PowerTest, LagIsRecoveredWithinThreeMinutes) {
  using testing::HeartModel;
  struct Case {
    HeartModel model;
    double correlation;
    double least_near;  // share
  };
  for (const Case& one :
       {Case{HeartModel::kByIntegral, 0.5, 0.98}, Case{HeartModel::kByIntegral, 0.8, 1},
        Case{HeartModel::kByItsBeginning, 0.5, 0.92},
        Case{HeartModel::kByItsBeginning, 0.8, 0.99}}) {
    int looks = 0, near = 0, right_sign = 0, signed_looks = 0, within_two = 0;
    for (int lag_s = -4; lag_s <= 4; ++lag_s) {
      for (uint64_t couple = 0; couple < 25; ++couple) {
        Engine engine{Params{}};
        AddCouple(couple, one.correlation, lag_s, 0, &engine, one.model);
        Engine::Selection selection;
        selection.pairs = {{0, 1}};
        selection.measures = {Measure::kLagSpanMs};
        for (const int t : {180, 360}) {
          const PairNumbers pair = engine.Evaluate(t * kSecond, selection).pairs[0];
          ASSERT_EQ(pair.more.size(), 1u);
          const Number& lag = pair.more[0].number;
          ++looks;
          if (lag.absent != Absence::kNone) continue;
          const double error_ms = std::fabs(lag.value - 1000 * lag_s);
          near += error_ms <= 250 ? 1 : 0;
          within_two += error_ms <= 2 * lag.uncertainty ? 1 : 0;
          if (lag_s == 0) continue;
          ++signed_looks;
          right_sign += lag.value * lag_s > 0 ? 1 : 0;
        }
      }
    }
    std::printf(
        "%s, correlation %.1f, 180 s: within 0.25 s in %d of %d, sign right in %d of %d, within "
        "two standard errors in %d\n",
        one.model == HeartModel::kByIntegral ? "by integral" : "by beginning", one.correlation,
        near, looks, right_sign, signed_looks, within_two);
    EXPECT_GE(near, looks * one.least_near);
    EXPECT_GE(right_sign, signed_looks * 0.99);
    EXPECT_GE(within_two, looks * 0.9);
  }
}

// Two people who breathe with a pacer, 6 a minute, the second a sixth of a breath behind: their
// waves are the pacer's, which is what the phase measures must show, and what no chance level could
// tell from anything between the two.
TEST(PowerTest, PacedBreathingIsACommonCause) {
  constexpr double kPacerHz = 0.1;
  constexpr double kBehindS = 1 / kPacerHz / 6;
  Engine engine{Params{}};
  for (int i = 0; i < 2; ++i) {
    std::vector<double> waves = testing::Waves(77 + static_cast<uint64_t>(i));
    for (int k = 0; k < testing::kCoupleSamples; ++k) {
      const double t = k / 4.0 - i * kBehindS;
      double& value = waves[static_cast<size_t>(k)];
      value = 0.4 * value + 1.5 * std::sin(2 * M_PI * kPacerHz * t);
    }
    engine.AddPerson(i);
    for (const Beat& beat :
         testing::Heart(820 - 90 * i, waves, testing::HeartModel::kByItsBeginning)) {
      engine.AddBeat(i, beat);
    }
  }
  Engine::Selection selection;
  selection.group = {0, 1};
  selection.pairs = {{0, 1}};
  selection.common_cause = true;
  selection.pacer_hz = kPacerHz;
  Frame frame;
  for (int t = 1; t <= 300; ++t) frame = engine.Evaluate(t * kSecond, selection);
  const PairNumbers& pair = frame.pairs[0];
  const GroupNumbers& group = frame.group;
  EXPECT_GT(pair.plv_lf.value, 0.9);
  EXPECT_GT(pair.r_peak.value, 0.8);
  EXPECT_NEAR(pair.lag_ms.value, 1000 * kBehindS, 250);
  // |1 + exp(i 60 degrees)| / 2.
  EXPECT_NEAR(group.order_parameter.value, std::cos(M_PI / 6), 0.05);
  for (const Number* number :
       {&pair.r_mean_windowed, &pair.plv_lf, &group.order_parameter, &group.r_mean_pairwise}) {
    EXPECT_EQ(number->absent, Absence::kNone);
    EXPECT_FALSE(number->has_chance);
    EXPECT_EQ(number->chance_absent, Absence::kCommonCause);
    EXPECT_FALSE(number->chance.above);
  }
}

}  // namespace
}  // namespace attune::synchrony
