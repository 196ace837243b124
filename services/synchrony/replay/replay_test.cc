#include "services/synchrony/replay/replay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "services/synchrony/replay/mean_number.h"
#include "services/synchrony/replay/quality.h"
#include "services/synchrony/replay/select.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kS = 1'000'000;

Number Value(double value, double coverage, bool above) {
  Number number;
  number.absent = Absence::kNone;
  number.value = value;
  number.coverage = coverage;
  number.has_chance = true;
  number.chance = {.mean = value / 2,
                   .sd = 1,
                   .z = 2,
                   .low = -value,
                   .high = value * 2,
                   .p = 0.01,
                   .shifts = 99,
                   .above = above};
  return number;
}

TEST(MeanNumberTest, MeansWithTheirGround) {
  MeanNumber mean;
  mean.Add(Value(1, 0.8, true));
  mean.Add(Value(3, 1.0, true));
  mean.AddAbsent(Absence::kArtefacts);
  mean.Add(Value(2, 0.9, false));
  const Number number = mean.Mean(60 * kS);
  EXPECT_EQ(number.absent, Absence::kNone);
  EXPECT_DOUBLE_EQ(number.value, 2);
  EXPECT_DOUBLE_EQ(number.coverage, 0.9);
  EXPECT_EQ(number.window_us, 60 * kS);
  EXPECT_DOUBLE_EQ(number.chance.mean, 1);
  EXPECT_DOUBLE_EQ(number.chance.low, -2);
  EXPECT_DOUBLE_EQ(number.chance.high, 4);
  EXPECT_TRUE(number.chance.above);
  EXPECT_EQ(number.chance.shifts, 0);  // a mean has no p
  EXPECT_EQ(number.chance.p, 0);
  EXPECT_EQ(mean.values(), 3u);
  EXPECT_DOUBLE_EQ(mean.share_above(), 2.0 / 3);
}

TEST(MeanNumberTest, AbsentForTheMostFrequentReason) {
  MeanNumber mean;
  EXPECT_EQ(mean.Mean(kS).absent, Absence::kNotEnoughData);
  mean.AddAbsent(Absence::kNotEnoughData);
  mean.AddAbsent(Absence::kTimingTooUncertain);
  mean.AddAbsent(Absence::kTimingTooUncertain);
  EXPECT_EQ(mean.Mean(kS).absent, Absence::kTimingTooUncertain);
}

TEST(MeanNumberTest, WhatIsNotFiniteCountsAsAbsent) {
  MeanNumber mean;
  mean.Add(Value(std::numeric_limits<double>::quiet_NaN(), 1, false));
  EXPECT_EQ(mean.values(), 0u);
  EXPECT_EQ(mean.Mean(kS).absent, Absence::kNotEnoughData);
}

TEST(MeanNumberTest, ManyBandsMissingForOneReason) {
  MeanNumber mean;
  Number number = Value(1, 1, false);
  number.has_chance = false;
  number.chance_absent = Absence::kCommonCause;
  mean.Add(number);
  EXPECT_EQ(mean.Mean(kS).chance_absent, Absence::kCommonCause);
  number.chance_absent = Absence::kNone;  // has none by its nature
  MeanNumber natural;
  natural.Add(number);
  EXPECT_EQ(natural.Mean(kS).chance_absent, Absence::kNone);
}

PlanPerson Steady(int person, int64_t from_us, int64_t to_us, int64_t rr_us = 800'000) {
  PlanPerson out;
  out.person = person;
  for (int64_t at_us = from_us + rr_us; at_us <= to_us; at_us += rr_us) {
    out.beats.push_back(
        {{at_us, static_cast<uint16_t>(std::lround(static_cast<double>(rr_us) * 0.001024)), false},
         {}});
  }
  return out;
}

Plan PlanOfThree() {
  Plan plan;
  plan.length_us = 100 * kS;
  plan.people = {Steady(1, 0, 104 * kS), Steady(2, 0, 104 * kS), Steady(5, 30 * kS, 104 * kS)};
  plan.phases = {{0, 0, 40 * kS}, {1, 40 * kS, 100 * kS}};
  plan.open_people_most = 10;
  return plan;
}

TEST(SelectTest, WhoIsThereWhen) {
  Plan plan = PlanOfThree();
  plan.people[1].until_us = 60 * kS;
  plan.people[0].group_from_us = kNever;
  plan.pairs = {{1, 5, 50 * kS}};
  const Params params;
  EXPECT_EQ(SelectAt(plan, 30 * kS, params).people, (std::vector<int>{1, 2}));
  EXPECT_EQ(SelectAt(plan, 31 * kS, params).people, (std::vector<int>{1, 2, 5}));
  EXPECT_EQ(SelectAt(plan, 31 * kS, params).group, (std::vector<int>{2, 5}));
  EXPECT_TRUE(SelectAt(plan, 49 * kS, params).pairs.empty());
  EXPECT_EQ(SelectAt(plan, 50 * kS, params).pairs, (std::vector<std::pair<int, int>>{{1, 5}}));
  EXPECT_EQ(SelectAt(plan, 60 * kS, params).people, (std::vector<int>{1, 5}));
  plan.people[0].measured_from_us = kNever;
  EXPECT_EQ(SelectAt(plan, 50 * kS, params).people, (std::vector<int>{2, 5}));
  EXPECT_TRUE(SelectAt(plan, 50 * kS, params).pairs.empty());
}

TEST(SelectTest, WhoIsSilentForAMinuteIsNotShown) {
  Plan plan = PlanOfThree();
  plan.people[0] = Steady(1, 0, 10 * kS);
  const Params params;
  EXPECT_EQ(SelectAt(plan, 69 * kS, params).people.front(), 1);
  EXPECT_EQ(SelectAt(plan, 71 * kS, params).people.front(), 2);
  EXPECT_EQ(SelectAt(plan, 71 * kS, params).group.front(), 1);  // the engine judges by itself
}

TEST(SelectTest, OpenPeopleArePairsUnlessTheyAreTooMany) {
  Plan plan = PlanOfThree();
  for (PlanPerson& person : plan.people) person.open_from_us = 35 * kS;
  plan.pairs = {{1, 2, 0}};
  const Params params;
  using Pairs = std::vector<std::pair<int, int>>;
  EXPECT_EQ(SelectAt(plan, 34 * kS, params).pairs, (Pairs{{1, 2}}));
  EXPECT_EQ(SelectAt(plan, 35 * kS, params).pairs, (Pairs{{1, 2}, {1, 5}, {2, 5}}));
  plan.open_people_most = 2;
  EXPECT_EQ(SelectAt(plan, 35 * kS, params).pairs, (Pairs{{1, 2}}));
}

TEST(SelectTest, CausesLastAsLongAsAnythingLooksBack) {
  Plan plan = PlanOfThree();
  plan.causes = {{10 * kS, 20 * kS, 0.1}, {50 * kS, 52 * kS, 0}};
  const Params params;
  EXPECT_FALSE(SelectAt(plan, 10 * kS, params).common_cause);
  EXPECT_TRUE(SelectAt(plan, 11 * kS, params).common_cause);
  EXPECT_EQ(SelectAt(plan, 20 * kS, params).pacer_hz, 0.1);
  EXPECT_EQ(SelectAt(plan, 21 * kS, params).pacer_hz, 0);
  EXPECT_TRUE(SelectAt(plan, 52 * kS + ReachUs(params) - 1, params).common_cause);
  EXPECT_FALSE(SelectAt(plan, 52 * kS + ReachUs(params), params).common_cause);
}

TEST(SelectTest, TimingIsTheWorstThatATickCanSee) {
  PlanPerson person = Steady(1, 0, 400 * kS);
  person.beats[0].timing = {5000, 1};
  person.beats[100].timing = {1, 7000};  // at 80.8 s
  const Params params;
  EXPECT_EQ(TimingAt(person, 78 * kS, params), (Timing{5000, 7000}));  // the horizon sees it
  EXPECT_EQ(TimingAt(person, 77 * kS, params), (Timing{5000, 1}));
  EXPECT_EQ(TimingAt(person, 200 * kS, params), (Timing{1, 7000}));
  EXPECT_EQ(TimingAt(person, 300 * kS, params), (Timing{0, 0}));
}

TEST(SelectTest, OneBeatPerTime) {
  PlanPerson person;
  person.beats = {{{1000, 500, false}, {}}, {{1000, 700, true}, {}}, {{2000, 600, false}, {}}};
  EXPECT_EQ(EngineBeats(person), (std::vector<Beat>{{1000, 500, true}, {2000, 600, false}}));
}

TEST(SelectTest, APhaseHoldsTheTicksThatEndInIt) {
  Plan plan = PlanOfThree();
  EXPECT_EQ(PhaseIndexAt(plan, 40 * kS), 0u);
  EXPECT_EQ(PhaseIndexAt(plan, 41 * kS), 1u);
  plan.phases = {{0, 0, 0}, {4, 0, 40 * kS}, {2, 40 * kS, 40 * kS}, {3, 40 * kS, 100 * kS}};
  EXPECT_EQ(PhaseIndexAt(plan, 1), 1u);
  EXPECT_EQ(PhaseIndexAt(plan, 41 * kS), 3u);
}

// An early beat at rest looks like a short interval until the long one after it comes (signal/
// screen.h); that one, and all others, are at once what they stay.
TEST(QualityTest, CountsVerdictsThatChangeWithinTheHorizon) {
  std::vector<double> rr_ms(30, 800);
  rr_ms[12] = 560;
  rr_ms[13] = 1040;
  Params params;
  const auto of = [&](int64_t end_us) {
    return QualityOf(testing::BeatsFromMs(rr_ms), end_us, params);
  };
  EXPECT_EQ(of(100 * kS).artefacts, 1u);
  EXPECT_EQ(of(100 * kS).rejudged, 1u);
  EXPECT_EQ(of(10 * kS).rejudged, 0u);  // before it
  params.horizon_us = 1'000'000;        // the long one is not waited for
  EXPECT_EQ(of(100 * kS).artefacts, 1u);
  EXPECT_EQ(of(100 * kS).rejudged, 0u);
  rr_ms[12] = rr_ms[13] = 800;
  params.horizon_us = 3'000'000;
  EXPECT_EQ(of(100 * kS).rejudged, 0u);
}

TEST(ReplayTest, SumsUpWhatItsTicksSaid) {
  Plan plan = PlanOfThree();
  plan.people[1].counts_from_us = 60 * kS;
  for (PlanPerson& person : plan.people) person.open_from_us = 0;
  Replay replay(plan, Params());
  double hr = 0;
  int hr_ticks = 0;
  EXPECT_EQ(replay.ticks(), 100);
  while (!replay.Done()) {
    const Frame& frame = replay.Step();
    EXPECT_EQ(frame.tick_end_us, replay.tick() * kS);
    EXPECT_EQ(replay.phase(), frame.tick_end_us <= 40 * kS ? 0u : 1u);
    if (frame.tick_end_us < 60 * kS) continue;
    hr += frame.people[1].hr_bpm.value;
    ++hr_ticks;
  }
  const Summary summary = replay.Sum();
  ASSERT_EQ(summary.people.size(), 3u);
  EXPECT_EQ(summary.people[2].person, 5);
  EXPECT_NEAR(summary.people[0].phases[0].hr_bpm.value, 75, 0.1);
  EXPECT_EQ(summary.people[0].phases[0].hr_bpm.window_us, 40 * kS);
  EXPECT_EQ(summary.people[1].phases[0].hr_bpm.absent, Absence::kNotEnoughData);
  EXPECT_EQ(summary.people[1].phases[1].hr_bpm.value, hr / hr_ticks);
  EXPECT_EQ(summary.people[0].quality.beats, 125u);
  EXPECT_EQ(summary.people[0].quality.artefacts, 0u);
  EXPECT_EQ(summary.people[0].quality.gaps, 0u);
  EXPECT_EQ(summary.people[0].quality.first_beat_us, 800'000);
  EXPECT_EQ(summary.people[0].quality.last_beat_us, 100 * kS);
  ASSERT_EQ(summary.pairs.size(), 3u);
  EXPECT_EQ(summary.pairs[1].b, 5);
  // Hearts without any variation have no r.
  EXPECT_EQ(summary.pairs[1].phases[1].ticks, 0u);
  EXPECT_EQ(summary.group.size(), 2u);
}

TEST(ReplayTest, WhoMayNotBeMeasuredSaysSo) {
  Plan plan = PlanOfThree();
  plan.people[0].measured_from_us = kNever;
  Replay replay(plan, Params());
  while (!replay.Done()) replay.Step();
  EXPECT_EQ(replay.Sum().people[0].phases[1].hr_bpm.absent, Absence::kNoConsent);
}

TEST(ReplayTest, GroupValuesWaitForEnoughSettledContributors) {
  Plan plan;
  plan.length_us = 400 * kS;
  plan.phases = {{0, 0, 250 * kS}, {1, 250 * kS, 400 * kS}};
  for (int i = 1; i <= 3; ++i) {
    PlanPerson& person = plan.people.emplace_back();
    person.person = i;
    for (const Beat& beat : testing::BeatsFromMs(testing::ReadNsr(i)))
      person.beats.push_back({beat, {}});
  }
  const auto sum = [](const Plan& of) {
    Replay replay(of, Params());
    while (!replay.Done()) replay.Step();
    return replay.Sum().group;
  };
  const auto open = sum(plan);
  EXPECT_GT(open[1].ticks, 100u);
  EXPECT_EQ(open[1].people, 3);
  plan.group_settle_us = 180 * kS;
  const auto settled = sum(plan);
  EXPECT_LT(settled[1].ticks, open[1].ticks);
  EXPECT_GT(settled[1].ticks, 0u);
  EXPECT_EQ(settled[0].r_mean_pairwise.absent, Absence::kNotEnoughData);
  plan.group_least = 4;
  EXPECT_EQ(sum(plan)[1].r_mean_pairwise.absent, Absence::kTooFewPeople);
  EXPECT_EQ(sum(plan)[1].people, 0);
}

TEST(ReplayTest, PhasesAreComparedWithTheBaseline) {
  Plan plan;
  plan.length_us = 600 * kS;
  plan.phases = {{0, 0, 300 * kS}, {1, 300 * kS, 600 * kS}};
  for (int i = 1; i <= 2; ++i) {
    PlanPerson& person = plan.people.emplace_back();
    person.person = i;
    for (const Beat& beat : testing::BeatsFromMs(testing::ReadNsr(i))) {
      person.beats.push_back({beat, {}});
    }
  }
  plan.baseline_from_us = 10 * kS;
  plan.baseline_to_us = 290 * kS;
  Replay replay(plan, Params());
  double sums[2] = {};
  int counts[2] = {};
  while (!replay.Done()) {
    const Frame& frame = replay.Step();
    const Number& order = frame.group.order_parameter;
    const int64_t from_us = frame.tick_end_us - 30 * kS;  // all of its window lies in the phase
    const bool before = from_us >= 10 * kS && frame.tick_end_us <= 290 * kS;
    if (order.absent != Absence::kNone || (!before && from_us < 300 * kS)) continue;
    sums[before ? 0 : 1] += order.value;
    ++counts[before ? 0 : 1];
  }
  const auto group = replay.Sum().group;
  EXPECT_TRUE(group[0].changes.empty());  // the baseline lies in it
  ASSERT_EQ(group[1].changes.size(), 2u);
  const PhaseChange& order = group[1].changes[0];
  EXPECT_EQ(order.measure, Measure::kOrderParameter);
  ASSERT_EQ(order.difference.absent, Absence::kNone);
  EXPECT_NEAR(order.difference.value, sums[1] / counts[1] - sums[0] / counts[0], 1e-12);
  EXPECT_GT(order.difference.uncertainty, 0);
  EXPECT_EQ(order.standardised > 0, order.difference.value > 0);
  // r looks back on three minutes: too few of its windows fit side by side.
  EXPECT_EQ(group[1].changes[1].difference.absent, Absence::kNotEnoughData);
}

}  // namespace
}  // namespace attune::synchrony
