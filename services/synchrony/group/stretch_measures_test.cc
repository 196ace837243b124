#include "services/synchrony/group/stretch_measures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "services/synchrony/chance/split_mix.h"
#include "services/synchrony/group/eigen.h"

namespace attune::synchrony {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.141592653589793;

// Slow waves and breathing of random phase and pace, the same for the same seed: no two seeds
// alike.
std::vector<double> Heart(uint64_t seed, int seconds) {
  SplitMix64 random(seed);
  const auto unit = [&random] { return random.Below(1 << 20) / static_cast<double>(1 << 20); };
  std::vector<double> x(static_cast<size_t>(seconds) * 4, 850);
  for (int wave = 0; wave < 12; ++wave) {
    const double hz = wave < 6 ? 0.04 + 0.11 * unit() : 0.2 + 0.15 * unit();
    const double start = 2 * kPi * unit(), size = 5 + 20 * unit();
    for (size_t t = 0; t < x.size(); ++t) {
      x[t] += size * std::sin(2 * kPi * hz * static_cast<double>(t) / 4 + start);
    }
  }
  return x;
}

class GroupTest : public ::testing::Test {
 protected:
  // `shared`: how much of everybody's signal is one and the same, 0..1.
  void Fill(size_t people, int seconds, double shared) {
    stretches_.assign(people, {});
    const std::vector<double> common = Heart(1000, seconds);
    for (size_t i = 0; i < people; ++i) {
      Stretch& s = stretches_[i];
      s.from_us = 40'000'000;
      s.to_us = s.from_us + int64_t{seconds} * 1'000'000;
      s.grid_ms = Heart(i + 1, seconds);
      s.beats = seconds;
      for (size_t t = 0; t < s.grid_ms.size(); ++t) {
        s.grid_ms[t] = shared * common[t] + (1 - shared) * s.grid_ms[t];
      }
    }
  }
  std::vector<const Stretch*> People() const {
    std::vector<const Stretch*> people;
    for (const Stretch& s : stretches_) people.push_back(&s);
    return people;
  }
  Number Get(Measure measure, bool common_cause = false, int draws = 0) const {
    return MeasureGroup(std::vector<Measure>{measure}, People(), common_cause, params_, draws)[0];
  }
  Number Own(Measure measure, size_t index) const {
    return MeasureInGroup(measure, People(), index, false, params_);
  }

  const Params params_;
  std::vector<Stretch> stretches_;
};

std::vector<Measure> All(Subject subject) {
  std::vector<Measure> measures;
  for (const MeasureInfo& info : Catalogue()) {
    if (subject == Subject::kGroup && info.subject == subject &&
        info.availability != Availability::kCore) {
      measures.push_back(info.measure);
    }
    if (subject == Subject::kPerson && info.measure >= Measure::kLeaveOneOutR &&
        info.measure <= Measure::kEmpathScore) {
      measures.push_back(info.measure);
    }
  }
  return measures;
}

TEST_F(GroupTest, EveryMeasureOfTheCatalogueHasAValue) {
  Fill(5, 180, 0.3);
  const std::vector<Measure> measures = All(Subject::kGroup);
  EXPECT_EQ(measures.size(), 14u);
  const std::vector<Number> numbers = MeasureGroup(measures, People(), false, params_);
  ASSERT_EQ(numbers.size(), measures.size());
  for (size_t k = 0; k < measures.size(); ++k) {
    SCOPED_TRACE(FindMeasure(measures[k])->name);
    EXPECT_EQ(numbers[k].absent, Absence::kNone);
    EXPECT_EQ(numbers[k].window_us, 180'000'000);
    EXPECT_EQ(numbers[k].coverage, 1);
    EXPECT_FALSE(numbers[k].has_chance);
    EXPECT_EQ(numbers[k].chance_absent, Absence::kNone);
    EXPECT_EQ(numbers[k].value, Get(measures[k]).value);  // alone as among the others
  }
  ASSERT_EQ(All(Subject::kPerson).size(), 4u);
  for (Measure measure : All(Subject::kPerson)) {
    std::set<double> values;
    for (size_t i = 0; i < 5; ++i) {
      const Number number = Own(measure, i);
      EXPECT_EQ(number.absent, Absence::kNone);
      EXPECT_EQ(number.window_us, 180'000'000);
      values.insert(number.value);
    }
    EXPECT_EQ(values.size(), 5u);
  }
  // Measures of somebody else.
  EXPECT_EQ(Get(Measure::kOrderParameter).absent, Absence::kNotEnoughData);
  EXPECT_EQ(Get(Measure::kLeaveOneOutR).absent, Absence::kNotEnoughData);
  EXPECT_EQ(Own(Measure::kOmega, 0).absent, Absence::kNotEnoughData);
}

TEST_F(GroupTest, PeopleWhoAreTheSame) {
  Fill(4, 180, 1);
  EXPECT_NEAR(Get(Measure::kLeadingEigenvaluePct).value, 100, 1e-9);
  EXPECT_NEAR(Get(Measure::kSEstimator).value, 1, 1e-9);
  EXPECT_NEAR(Get(Measure::kOmega).value, 1, 1e-9);
  EXPECT_NEAR(Get(Measure::kClusterPhaseRho).value, 1, 1e-9);
  EXPECT_NEAR(Get(Measure::kMeanCoherence).value, 1, 1e-9);
  EXPECT_NEAR(Get(Measure::kSumNormalisedCsd).value, 1, 1e-9);
  EXPECT_LE(Get(Measure::kSymbolicEntropy).value, std::log(3.0) + 1e-3);
  EXPECT_GT(Get(Measure::kMvSusyLambdaEs).value, 3);
  EXPECT_NEAR(Own(Measure::kLeaveOneOutR, 2).value, 1, 1e-9);
  EXPECT_NEAR(Own(Measure::kClusterPhaseRhoOwn, 2).value, 1, 1e-9);
  // Two who are the same: nobody can tell which of them drives.
  EXPECT_EQ(Own(Measure::kDriverScore, 2).absent, Absence::kNotEnoughData);
}

// A straight line in everybody is no synchrony.
TEST_F(GroupTest, ATrendInEverybodyDoesNotCount) {
  Fill(4, 180, 0.2);
  const double before = Get(Measure::kLeadingEigenvaluePct).value;
  const double own = Own(Measure::kLeaveOneOutR, 1).value;
  for (Stretch& s : stretches_) {
    for (size_t t = 0; t < s.grid_ms.size(); ++t) s.grid_ms[t] += 0.5 * static_cast<double>(t);
  }
  EXPECT_NEAR(Get(Measure::kLeadingEigenvaluePct).value, before, 1e-6);
  EXPECT_NEAR(Own(Measure::kLeaveOneOutR, 1).value, own, 1e-8);
}

TEST_F(GroupTest, WhoLeadsAndWhoFollows) {
  Fill(3, 600, 0);
  // 1 does what 0 did five seconds before.
  for (size_t t = 20; t < 2400; ++t) stretches_[1].grid_ms[t] = stretches_[0].grid_ms[t - 20];
  EXPECT_GT(Own(Measure::kDriverScore, 0).value, 0.5);
  EXPECT_LT(Own(Measure::kDriverScore, 2).value, 0.2);
  EXPECT_GT(Own(Measure::kEmpathScore, 1).value, 0.5);
  EXPECT_LT(Own(Measure::kEmpathScore, 2).value, 0.2);
}

TEST_F(GroupTest, WhoContributes) {
  Fill(4, 180, 0.3);
  stretches_[0].artefacts = 37;  // of 180 beats: 0.206
  GroupAnalysis one(People(), false, params_);
  EXPECT_EQ(one.contributors(), (std::vector<size_t>{1, 2, 3}));
  EXPECT_EQ(one.Own(Measure::kLeaveOneOutR, 0).absent, Absence::kArtefacts);
  EXPECT_EQ(one.Own(Measure::kLeaveOneOutR, 1).absent, Absence::kNone);
  EXPECT_FALSE(one.Group(Measure::kOmega).doubtful);  // nothing of that person is in it
  stretches_[0].artefacts = 36;
  EXPECT_TRUE(Get(Measure::kOmega).doubtful);
  EXPECT_TRUE(Own(Measure::kLeaveOneOutR, 0).doubtful);
  EXPECT_FALSE(Own(Measure::kLeaveOneOutR, 1).doubtful);
  EXPECT_EQ(GroupAnalysis(People(), false, params_).contributors().size(), 4u);
  stretches_[1].timing.jitter_us = 400'001;
  for (size_t t = 0; t < 145; ++t) stretches_[2].grid_ms[4 * t] = kNan;  // 575 of 720: 0.799
  GroupAnalysis two(People(), false, params_);
  EXPECT_EQ(two.contributors(), (std::vector<size_t>{0, 3}));
  EXPECT_EQ(two.Own(Measure::kLeaveOneOutR, 1).absent, Absence::kTimingTooUncertain);
  EXPECT_EQ(two.Own(Measure::kLeaveOneOutR, 2).absent, Absence::kNotEnoughData);
  EXPECT_NEAR(two.Own(Measure::kLeaveOneOutR, 2).coverage, 575.0 / 720, 1e-12);
  // The group's value is that of those two.
  const auto r = Correlations([&] {
    Table pair = {stretches_[0].grid_ms, stretches_[3].grid_ms};
    RemoveLines(&pair);
    return pair;
  }());
  EXPECT_NEAR(two.Group(Measure::kLeadingEigenvaluePct).value, LeadingEigenvaluePct(*r), 1e-9);
  std::vector<const Stretch*> people = People();
  people[0] = nullptr;
  GroupAnalysis three(people, false, params_);
  EXPECT_EQ(three.Group(Measure::kOmega).absent, Absence::kTimingTooUncertain);
  EXPECT_EQ(three.Own(Measure::kLeaveOneOutR, 3).absent, Absence::kTimingTooUncertain);
  EXPECT_EQ(three.Own(Measure::kLeaveOneOutR, 0).absent, Absence::kNotEnoughData);
  EXPECT_NEAR(three.Group(Measure::kOmega).coverage, (1 + 575.0 / 720 + 1) / 4, 1e-12);
  const std::vector<const Stretch*> nobody;
  EXPECT_EQ(GroupAnalysis(nobody, false, params_).Group(Measure::kOmega).absent,
            Absence::kTooFewPeople);
  EXPECT_EQ(GroupAnalysis({&stretches_[3]}, false, params_).Group(Measure::kOmega).absent,
            Absence::kTooFewPeople);
}

TEST_F(GroupTest, TooManyPeople) {
  Fill(kGroupMaxPeople + 1, 60, 0.3);
  EXPECT_EQ(Get(Measure::kLeadingEigenvaluePct).absent, Absence::kTooManyPeople);
  EXPECT_EQ(Own(Measure::kLeaveOneOutR, 0).absent, Absence::kTooManyPeople);
  stretches_.pop_back();
  EXPECT_EQ(Get(Measure::kLeadingEigenvaluePct).absent, Absence::kNone);
  EXPECT_EQ(Get(Measure::kSymbolicEntropy).absent, Absence::kTooManyPeople);
  stretches_.resize(40);
  EXPECT_EQ(Get(Measure::kSymbolicEntropy).absent, Absence::kNone);
}

// What is missing is left out, not made up: the same as if it had never been measured.
TEST_F(GroupTest, GapsAreLeftOut) {
  Fill(3, 180, 0.3);
  Table all, kept(3);
  for (size_t t = 0; t < 720; ++t) {
    if (t >= 300 && t < 360) stretches_[1].grid_ms[t] = kNan;
    if (t >= 340 && t < 400) stretches_[2].grid_ms[t] = kNan;
  }
  for (const Stretch& s : stretches_) all.push_back(s.grid_ms);
  RemoveLinesOverGaps(&all);
  for (size_t t = 0; t < 720; ++t) {
    if (t >= 300 && t < 400) continue;
    for (size_t i = 0; i < 3; ++i) kept[i].push_back(all[i][t]);
  }
  const auto r = Correlations(kept);
  EXPECT_NEAR(Get(Measure::kLeadingEigenvaluePct).value, LeadingEigenvaluePct(*r), 1e-9);
  EXPECT_NEAR(Own(Measure::kLeaveOneOutR, 1).value, LeaveOneOutR(*r)[1], 1e-9);
  EXPECT_NEAR(Get(Measure::kOmega).coverage, 1 - 120.0 / 720 / 3, 1e-12);
  // 320 samples in a row, of 720, are too few for lines of recurrence.
  EXPECT_EQ(Get(Measure::kMdrqaRecPct).absent, Absence::kNotEnoughData);
  // Coherence: of 11 segments persons 1 and 2 have 9 and 8, and together 8. Two fewer of person 1
  // leave one pair of three.
  EXPECT_EQ(Get(Measure::kMeanCoherence).absent, Absence::kNone);
  stretches_[1].grid_ms[150] = kNan;
  EXPECT_EQ(Get(Measure::kMeanCoherence).absent, Absence::kNotEnoughData);
}

// Everybody has 0.8, but all three together 0.4.
TEST_F(GroupTest, TooLittleInCommon) {
  Fill(3, 180, 0.3);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t t = 0; t < 144; ++t) stretches_[i].grid_ms[200 * i + t] = kNan;
  }
  EXPECT_EQ(GroupAnalysis(People(), false, params_).contributors().size(), 3u);
  for (Measure measure : All(Subject::kGroup)) {
    const Number number = Get(measure);
    EXPECT_EQ(number.absent, Absence::kNotEnoughData) << FindMeasure(measure)->name;
    EXPECT_NEAR(number.coverage, 0.8, 1e-12);
  }
  EXPECT_EQ(Own(Measure::kClusterPhaseRhoOwn, 0).absent, Absence::kNotEnoughData);
}

TEST_F(GroupTest, AWindowOfAMinute) {
  Fill(8, 60, 0.3);
  for (Measure measure : All(Subject::kGroup)) {
    // By the catalogue these look back on three minutes; one minute has too few segments.
    const bool is_long = measure == Measure::kMeanCoherence ||
                         measure == Measure::kSumNormalisedCsd ||
                         measure == Measure::kMvSusyLambdaEs || measure == Measure::kMvSusyOmegaEs;
    EXPECT_EQ(Get(measure).absent, is_long ? Absence::kNotEnoughData : Absence::kNone)
        << FindMeasure(measure)->name;
  }
}

TEST_F(GroupTest, Chance) {
  Fill(4, 600, 0.5);
  size_t with_chance = 0;
  for (Measure measure : All(Subject::kGroup)) {
    const Number together = Get(measure, false, 99);
    ASSERT_EQ(together.has_chance, HasChance(measure)) << FindMeasure(measure)->name;
    EXPECT_EQ(together.chance_absent, Absence::kNone);
    if (!together.has_chance) continue;
    ++with_chance;
    EXPECT_EQ(together.chance.shifts, 99);
    EXPECT_DOUBLE_EQ(together.chance.p, 0.01) << FindMeasure(measure)->name;
    EXPECT_GT(together.value, together.chance.high);
    // A common cause makes the test meaningless, not the value.
    const Number paced = Get(measure, true, 99);
    EXPECT_EQ(paced.value, together.value);
    EXPECT_FALSE(paced.has_chance);
    EXPECT_EQ(paced.chance_absent, Absence::kCommonCause);
  }
  EXPECT_EQ(with_chance, 4u);
  // Strangers are within the band of chance more often than not.
  Fill(4, 600, 0);
  for (Measure measure : All(Subject::kGroup)) {
    if (!HasChance(measure)) continue;
    EXPECT_GT(Get(measure, false, 99).chance.p, 0.02) << FindMeasure(measure)->name;
  }
  // Too few draws for a tail; no value, no chance.
  EXPECT_EQ(Get(Measure::kClusterPhaseRho, false, 19).chance_absent, Absence::kNotEnoughData);
  stretches_.resize(1);
  EXPECT_EQ(Get(Measure::kClusterPhaseRho, false, 99).chance_absent, Absence::kTooFewPeople);
}

}  // namespace
}  // namespace attune::synchrony
