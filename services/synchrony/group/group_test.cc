#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "services/synchrony/group/group_measures.h"
#include "services/synchrony/group/order.h"
#include "services/synchrony/pair/reference.h"
#include "services/synchrony/signal/phase.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

const char kFolder[] = "tests/data/reference-values/group/";
const char* const kPeople[] = {"nsr003", "nsr008", "nsr010", "nsr013", "nsr021", "nsr023"};

GridTrack Quantised(const std::vector<double>& ms) {
  std::vector<int16_t> values;
  for (double v : ms) {
    values.push_back(static_cast<int16_t>(std::lrint(v * 2.048) - kGridBaseline));
  }
  std::vector<int16_t> masks(ms.size(), -1);
  return GridTrack::ForTest(1, std::move(values), std::move(masks));
}

std::vector<std::vector<UnitVector>> ReferencePhases() {
  auto csv = testing::ReadCsv(kFolder + std::string("input_phase_lf_1hz.csv"));
  std::vector<std::vector<UnitVector>> people;
  for (const char* name : kPeople) {
    std::vector<UnitVector>& person = people.emplace_back();
    for (double angle : testing::ToDoubles(csv[name])) {
      person.push_back({std::cos(angle), std::sin(angle)});
    }
  }
  return people;
}

TEST(OrderTest, AgreesWithMultiSyncPyOnGivenPhases) {
  const auto people = ReferencePhases();
  const std::string json = testing::ReadFile(kFolder + std::string("expected_phase.json"));
  const std::vector<double> expected = testing::JsonNumbers(json, "kuramoto_R_t");
  ASSERT_EQ(expected.size(), 600u);
  for (size_t t = 0; t < expected.size(); ++t) {
    std::vector<UnitVector> now;
    for (const auto& person : people) now.push_back(person[t]);
    ASSERT_NEAR(OrderParameter(now, 2), expected[t], 1e-9);
  }
  std::vector<const UnitVector*> series;
  for (const auto& person : people) series.push_back(person.data());
  double mean = 0;
  ASSERT_TRUE(OrderOverTime(series, 600, 600, 2).Mean(nullptr, &mean));
  EXPECT_NEAR(mean, testing::JsonNumber(json, "kuramoto_mean_R"), 1e-9);
  // The last 30 seconds, and everybody shifted alike round the circle.
  double last = 0;
  ASSERT_TRUE(OrderOverTime(series, 600, 30, 2).Mean(nullptr, &last));
  double by_hand = 0;
  for (size_t t = 570; t < 600; ++t) by_hand += expected[t] / 30;
  EXPECT_NEAR(last, by_hand, 1e-9);
  const std::vector<int> alike(6, 100), none(6, 0), round(6, 600 - 30);
  double shifted = 0;
  ASSERT_TRUE(OrderOverTime(series, 600, 30, 2).Mean(none.data(), &shifted));
  EXPECT_EQ(shifted, last);
  ASSERT_TRUE(OrderOverTime(series, 600, 30, 2).Mean(alike.data(), &shifted));
  by_hand = 0;
  for (size_t t = 470; t < 500; ++t) by_hand += expected[t] / 30;
  EXPECT_NEAR(shifted, by_hand, 1e-9);
  ASSERT_TRUE(OrderOverTime(series, 600, 30, 2).Mean(round.data(), &shifted));
  by_hand = 0;
  for (size_t t = 0; t < 30; ++t) by_hand += expected[t] / 30;
  EXPECT_NEAR(shifted, by_hand, 1e-9);
}

TEST(OrderTest, LeavesOutMomentsWithTooFewPeople) {
  EXPECT_EQ(OrderParameter({{1, 0}, {}}, 2), -1);
  EXPECT_NEAR(OrderParameter({{1, 0}, {}, {0, 1}}, 2), std::sqrt(0.5), 1e-15);
  std::vector<UnitVector> a(60, {1, 0}), b(60, {1, 0});
  for (size_t i = 30; i < 60; ++i) b[i] = {};
  double r = 0;
  EXPECT_FALSE(OrderOverTime({a.data(), b.data()}, 60, 30, 2).Mean(nullptr, &r));
  EXPECT_TRUE(OrderOverTime({a.data(), b.data()}, 60, 60, 2).Mean(nullptr, &r));
  EXPECT_EQ(r, 1);
}

TEST(PhaseTest, FollowsASineWithItsStatedDelay) {
  const PhaseFilter filter{Params{}};
  EXPECT_EQ(filter.length(), 81);
  int sum_re = 0, sum_im = 0;
  for (int i = 0; i < 81; ++i) {
    sum_re += filter.re()[static_cast<size_t>(i)];
    sum_im += filter.im()[static_cast<size_t>(i)];
  }
  EXPECT_EQ(sum_re, 0);
  EXPECT_EQ(sum_im, 0);
  for (double hz : {0.06, 0.095, 0.13}) {
    const double step = 2 * 3.14159265358979323846 * hz / 4;
    std::vector<double> ms;
    for (int i = 1; i <= 800; ++i) ms.push_back(900 + 40 * std::cos(step * i));
    PhaseTrack track(181);
    track.ExtendTo(200, Quantised(ms), filter);
    for (int64_t second = 30; second <= 200; ++second) {
      const double angle = step * (4.0 * static_cast<double>(second) - 40);  // 10 s ago
      const UnitVector unit = *track.at(second);
      EXPECT_NEAR(unit.re, std::cos(angle), 0.03) << hz;
      EXPECT_NEAR(unit.im, std::sin(angle), 0.03) << hz;
    }
  }
  const std::vector<double> still(400, 700);
  PhaseTrack none(181);
  none.ExtendTo(100, Quantised(still), filter);
  EXPECT_FALSE(none.at(90)->valid());
}

// Another band-pass (FIR instead of zero-phase Butterworth) on the same signals: the same picture.
TEST(PhaseTest, GroupOrderIsCloseToTheReferenceFilters) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_group_4hz.csv"));
  const PhaseFilter filter{Params{}};
  std::vector<PhaseTrack> tracks;
  std::vector<std::vector<UnitVector>> reference = ReferencePhases();
  double agreement = 0;
  for (size_t i = 0; i < 6; ++i) {
    PhaseTrack& track = tracks.emplace_back(601);
    track.ExtendTo(600, Quantised(testing::ToDoubles(csv[kPeople[i]])), filter);
    // Second m stands for m - 10 s; row r of the reference is sample 4 r + 1 of ours.
    for (int64_t m = 41; m <= 590; ++m) {
      const UnitVector& ours = *track.at(m);
      const UnitVector& theirs = reference[i][static_cast<size_t>(m - 10)];
      agreement += (ours.re * theirs.re + ours.im * theirs.im) / (6 * 550);
    }
  }
  EXPECT_GT(agreement, 0.8);
  std::vector<const UnitVector*> series;
  for (const PhaseTrack& track : tracks) series.push_back(track.at(21));
  double mean = 0;
  ASSERT_TRUE(OrderOverTime(series, 580, 580, 2).Mean(nullptr, &mean));
  const std::string json = testing::ReadFile(kFolder + std::string("expected_phase.json"));
  EXPECT_NEAR(mean, testing::JsonNumber(json, "kuramoto_mean_R"), 0.03);
}

TEST(MeanPairwiseTest, ReferenceWindowsAgree) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_group_4hz.csv"));
  const std::string json = testing::ReadFile(kFolder + std::string("expected_linear.json"));
  for (const bool detrended : {false, true}) {
    const std::vector<double> expected =
        testing::JsonNumbers(testing::JsonAt(json, "windows_15s_step1s"),
                             detrended ? "mean_pairwise_r_window_detrended" : "mean_pairwise_r");
    ASSERT_EQ(expected.size(), 586u);
    std::vector<double> mean(expected.size());
    for (int i = 0; i < 6; ++i) {
      for (int j = i + 1; j < 6; ++j) {
        const std::vector<double> r = reference::WindowedR(
            testing::ToDoubles(csv[kPeople[i]]), testing::ToDoubles(csv[kPeople[j]]), 60, 4,
            detrended ? reference::Trend::kRemoveLine : reference::Trend::kKeep);
        for (size_t k = 0; k < mean.size(); ++k) mean[k] += r[k] / 15;
      }
    }
    for (size_t k = 0; k < mean.size(); ++k) ASSERT_NEAR(mean[k], expected[k], 1e-9);
  }
}

// Real people: the sum over pairs and the short cut for large groups are the same integer.
TEST(MeanPairwiseTest, LargeGroupShortCutIsExact) {
  const Params params;
  const PhaseFilter filter(params);
  std::vector<PersonTrack> tracks;
  for (int person : {1, 2, 3, 5, 8, 13, 16, 30}) {
    PersonTrack& track = tracks.emplace_back(params, 65536);
    for (const Beat& beat : testing::BeatsFromMs(testing::ReadNsr(person))) {
      if (beat.time_us < 230'000'000) track.AddBeat(beat, params);
    }
  }
  GroupBasis basis;
  basis.number.absent = Absence::kNone;
  const Span span = SpanAt(220'000'000, params);
  EXPECT_EQ(span.seconds, 180);
  EXPECT_EQ(span.end - span.begin, 166);
  for (PersonTrack& track : tracks) {
    track.Advance(220'000'000, params, filter);
    basis.tracks.push_back(&track);
    basis.contributors.push_back(static_cast<int>(basis.contributors.size()));
  }
  std::vector<ShiftSums> sums;
  for (size_t i = 0; i < tracks.size(); ++i) {
    for (size_t j = i + 1; j < tracks.size(); ++j) {
      sums.emplace_back(166).MoveTo(tracks[i].windows(), tracks[j].windows(), span.begin, span.end);
    }
  }
  std::vector<const ShiftSums*> pointers;
  for (const ShiftSums& pair : sums) pointers.push_back(&pair);
  GroupMeasures measures(params);
  const Number small = measures.MeanPairwise(basis, pointers, span, false);
  const Number large = measures.MeanPairwiseLarge(basis, span, false);
  EXPECT_EQ(small.absent, Absence::kNone);
  EXPECT_EQ(small.value, large.value);
  EXPECT_TRUE(small.has_chance);
  EXPECT_EQ(small.chance.shifts, 199);
  EXPECT_FALSE(large.has_chance);
  EXPECT_EQ(large.chance_absent, Absence::kTooManyPeople);
}

}  // namespace
}  // namespace attune::synchrony
