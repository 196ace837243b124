#include "services/synchrony/replay/whole.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kS = 1'000'000;

std::vector<Measure> Batch() {
  std::vector<Measure> measures;
  for (const MeasureInfo& info : Catalogue()) {
    if (info.availability == Availability::kBatch) measures.push_back(info.measure);
  }
  return measures;
}

Plan ThreeHearts(int64_t length_us) {
  Plan plan;
  plan.length_us = length_us;
  plan.phases = {{0, 0, length_us}};
  plan.open_people_most = 10;
  for (int i = 1; i <= 3; ++i) {
    PlanPerson& person = plan.people.emplace_back();
    person.person = i;
    person.open_from_us = 0;
    for (const Beat& beat : testing::BeatsFromMs(testing::ReadNsr(i))) {
      if (beat.time_us <= length_us) person.beats.push_back({beat, {}});
    }
  }
  return plan;
}

const WholeNumbers* Find(const std::vector<WholeNumbers>& whole, int a, int b) {
  for (const WholeNumbers& numbers : whole) {
    if (numbers.a == a && numbers.b == b) return &numbers;
  }
  return nullptr;
}

TEST(WholeTest, EveryBatchMeasureHasAPlaceAndAValue) {
  const Plan plan = ThreeHearts(900 * kS);
  double progress = 0;
  const auto whole = MeasureWhole(plan, Batch(), Params(), [&](double share) {
    EXPECT_GE(share, progress);
    progress = share;
  });
  EXPECT_EQ(progress, 1);
  std::set<Measure> seen;
  for (const WholeNumbers& numbers : whole) {
    for (const NamedNumber& named : numbers.numbers) {
      const MeasureInfo& info = *FindMeasure(named.measure);
      EXPECT_EQ(info.subject == Subject::kGroup, numbers.a == 0) << info.name;
      EXPECT_EQ(info.subject == Subject::kPair, numbers.b != 0) << info.name;
      EXPECT_EQ(named.as_of_us, 900 * kS);
      EXPECT_EQ(named.number.window_us, 900 * kS) << info.name;
      EXPECT_EQ(named.number.absent, Absence::kNone) << info.name;
      seen.insert(named.measure);
    }
  }
  EXPECT_EQ(seen.size(), Batch().size());
  EXPECT_NE(Find(whole, 2, 3), nullptr);
}

TEST(WholeTest, OnlyWhatIsAskedFor) {
  const Plan plan = ThreeHearts(300 * kS);
  EXPECT_TRUE(MeasureWhole(plan, {}, Params(), nullptr).empty());
  EXPECT_TRUE(MeasureWhole(plan, {Measure::kHrBpm, Measure::kSdnnMs}, Params(), nullptr).empty());
  const auto omega = MeasureWhole(plan, {Measure::kOmega}, Params(), nullptr);
  ASSERT_EQ(omega.size(), 1u);
  EXPECT_EQ(omega[0].a, 0);
}

TEST(WholeTest, WhoIsNotInTheGroupOrGoneIsNotIn) {
  Plan plan = ThreeHearts(600 * kS);
  plan.people[0].group_from_us = kNever;
  plan.people[1].measured_from_us = kNever;
  const auto whole = MeasureWhole(plan, Batch(), Params(), nullptr);
  EXPECT_EQ(Find(whole, 0, 0)->numbers[0].number.absent, Absence::kTooFewPeople);
  EXPECT_EQ(Find(whole, 2, 0)->numbers[0].number.absent, Absence::kNotEnoughData);
  EXPECT_EQ(Find(whole, 1, 2), nullptr);
  EXPECT_NE(Find(whole, 1, 3), nullptr);
}

TEST(WholeTest, TooLongIsNothing) {
  Plan plan = ThreeHearts(60 * kS);
  plan.length_us = kWholeMostUs + 1;
  EXPECT_TRUE(MeasureWhole(plan, Batch(), Params(), nullptr).empty());
}

// Strangers: a p for what has one, none above chance by much; and Granger against shifted copies.
TEST(WholeTest, WhatHasAChanceLevelOverARecordingComesWithIt) {
  const Plan plan = ThreeHearts(900 * kS);
  std::vector<Measure> all;
  for (const MeasureInfo& info : Catalogue()) all.push_back(info.measure);
  const std::vector<Measure> whole_measures = OverTheWhole(all, plan.length_us);
  const auto whole = MeasureWhole(plan, whole_measures, Params(), nullptr);
  const WholeNumbers* pair = Find(whole, 1, 2);
  ASSERT_NE(pair, nullptr);
  std::set<Measure> with_p;
  for (const NamedNumber& named : pair->numbers) {
    if (!named.number.has_chance) continue;
    with_p.insert(named.measure);
    EXPECT_GE(named.number.chance.p, 1.0 / 200);
  }
  for (const Measure measure :
       {Measure::kRMeanWindowed, Measure::kPlvLf, Measure::kConcordanceIndex, Measure::kGrangerAToB,
        Measure::kTransferEntropyBToA}) {
    EXPECT_TRUE(with_p.contains(measure)) << FindMeasure(measure)->name;
  }
  EXPECT_LT(OverTheWhole(all, kWholeMostUs + 1).size(), whole_measures.size());
}

}  // namespace
}  // namespace attune::synchrony
