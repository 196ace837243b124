#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "services/synchrony/chance/draws.h"
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
}

// Rings as they would be after `seconds` of these phases, one a second from second 1 on.
class GivenPhases {
 public:
  GivenPhases(const std::vector<std::vector<UnitVector>>& people, int size) {
    for (size_t i = 0; i < people.size(); ++i) rings_.emplace_back(size, 1);
    for (const PhaseRing& ring : rings_) pointers_.push_back(&ring);
  }
  const std::vector<const PhaseRing*>& pointers() const { return pointers_; }
  // To second m with phase people[i][m - 1] of each.
  void Step(const std::vector<std::vector<UnitVector>>& people, int64_t m) {
    for (size_t i = 0; i < people.size(); ++i) {
      rings_[i].Give(m, people[i][static_cast<size_t>(m) - 1]);
    }
  }

 private:
  std::vector<PhaseRing> rings_;
  std::vector<const PhaseRing*> pointers_;
};

TEST(OrderTest, SlidingMeanIsThatOfMultiSyncPy) {
  const auto people = ReferencePhases();
  const std::vector<double> expected = testing::JsonNumbers(
      testing::ReadFile(kFolder + std::string("expected_phase.json")), "kuramoto_R_t");
  Params params;
  params.moment_seconds = 1;
  GivenPhases given(people, SpanPhases(params));
  OrderTrack order(params), fresh(params);
  for (int64_t m = 1; m <= 600; ++m) {
    given.Step(people, m);
    if (m < 200) continue;
    order.Follow(given.pointers(), m);
    double mean = 0, by_hand = 0, same = 0;
    ASSERT_TRUE(order.Mean(-1, &mean));
    for (int64_t i = m - 30; i < m; ++i) by_hand += expected[static_cast<size_t>(i)] / 30;
    EXPECT_NEAR(mean, by_hand, 1e-4);  // unit vectors of 12 bits
    // Kept as it slides, or computed now: the same bits, in every draw.
    if (m % 50 != 0) continue;
    fresh.Forget();
    fresh.Follow(given.pointers(), m);
    for (int draw = -1; draw < order.draws(); ++draw) {
      ASSERT_TRUE(order.Mean(draw, &mean) && fresh.Mean(draw, &same));
      ASSERT_EQ(mean, same) << draw;
    }
  }
}

// What a draw is: everybody's phases delayed by a time of their own, the last 30 moments of that.
TEST(OrderTest, DrawsAreMeansOfDelayedPhases) {
  const auto people = ReferencePhases();
  Params params;
  params.moment_seconds = 1;
  GivenPhases given(people, SpanPhases(params));
  for (int64_t m = 1; m <= 400; ++m) given.Step(people, m);
  OrderTrack order(params);
  order.Follow(given.pointers(), 400);
  const std::vector<int> delays =
      DrawShifts(params.group_seed, params.group_draws, 6, 131, params.group_shift_apart_seconds);
  double worst = 0;
  for (int draw = 0; draw < order.draws(); ++draw) {
    double mean = 0, expected = 0;
    ASSERT_TRUE(order.Mean(draw, &mean));
    for (int64_t m = 371; m <= 400; ++m) {
      std::vector<UnitVector> now;
      for (size_t i = 0; i < 6; ++i) {
        now.push_back(
            people[i][static_cast<size_t>(m - 1 - delays[static_cast<size_t>(draw) * 6 + i])]);
      }
      expected += OrderParameter(now, 2) / 30;
    }
    worst = std::max(worst, std::fabs(mean - expected));
  }
  EXPECT_LE(worst, 1e-4);
}

TEST(OrderTest, LeavesOutMomentsWithTooFewPeople) {
  EXPECT_EQ(OrderParameter({{1, 0}, {}}, 2), -1);
  EXPECT_NEAR(OrderParameter({{1, 0}, {}, {0, 1}}, 2), std::sqrt(0.5), 1e-15);
  std::vector<std::vector<UnitVector>> two(2, std::vector<UnitVector>(400, {1, 0}));
  Params params;
  params.moment_seconds = 1;
  GivenPhases given(two, SpanPhases(params));
  for (size_t i = 384; i < 400; ++i) two[1][i] = {};  // 16 of the last 30
  OrderTrack order(params);
  double r = 0;
  for (int64_t m = 1; m <= 400; ++m) {
    given.Step(two, m);
    if (m < 300) continue;
    order.Follow(given.pointers(), m);
    EXPECT_EQ(order.Mean(-1, &r), m < 400) << m;
    EXPECT_EQ(r, 1);
  }
}

UnitVector At(const PhaseRing& ring, int64_t second) {
  const int32_t packed = ring.units()[ring.slots().SlotOf(second)];
  return {static_cast<double>(static_cast<int16_t>(packed & 0xffff)) / kPhaseScale,
          static_cast<double>(packed >> 16) / kPhaseScale};
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
    PhaseRing ring(201, 1);
    ring.ExtendTo(200, Quantised(ms), filter);
    for (int64_t second = 30; second <= 200; ++second) {
      const double angle = step * (4.0 * static_cast<double>(second) - 40);  // 10 s ago
      const UnitVector unit = At(ring, second);
      EXPECT_NEAR(unit.re, std::cos(angle), 0.03) << hz;
      EXPECT_NEAR(unit.im, std::sin(angle), 0.03) << hz;
    }
  }
  const std::vector<double> still(400, 700);
  PhaseRing none(101, 1);
  none.ExtendTo(100, Quantised(still), filter);
  EXPECT_FALSE(At(none, 90).valid());
  EXPECT_EQ(none.slots().usable_count(), 0);
}

// Another band-pass (FIR instead of zero-phase Butterworth) on the same signals: the same picture.
TEST(PhaseTest, GroupOrderIsCloseToTheReferenceFilters) {
  auto csv = testing::ReadCsv(kFolder + std::string("input_group_4hz.csv"));
  const PhaseFilter filter{Params{}};
  std::vector<std::vector<UnitVector>> reference = ReferencePhases();
  const std::string json = testing::ReadFile(kFolder + std::string("expected_phase.json"));
  double agreement = 0, mean = 0;
  std::vector<std::vector<UnitVector>> ours(6);
  for (size_t i = 0; i < 6; ++i) {
    PhaseRing ring(601, 1);
    ring.ExtendTo(600, Quantised(testing::ToDoubles(csv[kPeople[i]])), filter);
    // Second m stands for m - 10 s; row r of the reference is sample 4 r + 1 of ours.
    for (int64_t m = 21; m <= 600; ++m) ours[i].push_back(At(ring, m));
    for (int64_t m = 41; m <= 590; ++m) {
      const UnitVector& one = ours[i][static_cast<size_t>(m - 21)];
      const UnitVector& theirs = reference[i][static_cast<size_t>(m - 10)];
      agreement += (one.re * theirs.re + one.im * theirs.im) / (6 * 550);
    }
  }
  EXPECT_GT(agreement, 0.8);
  for (size_t t = 0; t < 580; ++t) {
    std::vector<UnitVector> now;
    for (const auto& person : ours) now.push_back(person[t]);
    mean += OrderParameter(now, 2) / 580;
  }
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

// Real people: the sum over pairs and the sums over people are the same integer, as observed; and
// each draw of the crowd is what its shifts say, summed over pairs.
TEST(MeanPairwiseTest, CrowdSumsAreSumsOverPairs) {
  const Params params;
  const Kernels& kernels = KernelsFor(BestPath());
  const PhaseFilter filter(params);
  std::vector<PersonTrack> tracks;
  const std::vector<int> records = {1, 2, 3, 5, 8, 13, 16, 30};
  for (const int record : records) {
    PersonTrack& track = tracks.emplace_back(params, 65536);
    for (const Beat& beat : testing::BeatsFromMs(testing::ReadNsr(record))) {
      if (beat.time_us < 260'000'000) track.AddBeat(beat, params);
    }
  }
  std::vector<PersonTrack*> pointers;
  std::vector<int> group;
  for (PersonTrack& track : tracks) {
    group.push_back(static_cast<int>(pointers.size()));
    pointers.push_back(&track);
  }
  GroupMeasures measures(params, kernels), again(params, kernels);
  GroupBasis basis;
  CrowdSums crowd(params, kernels), fresh(params, kernels);
  for (int second = 200; second <= 240; ++second) {
    for (PersonTrack& track : tracks) track.Advance(second * 1'000'000, params, filter);
    if (second < 220) continue;
    // Some leave, one comes back.
    std::vector<CrowdSums::Member> members;
    for (size_t i = 0; i < tracks.size(); ++i) {
      if (second % 7 == static_cast<int>(i)) continue;
      members.push_back({group[i], &tracks[i].windows()});
    }
    crowd.Follow(members);
    fresh.Clear();
    fresh.Follow(members);
    int64_t r = 0, count = 0, drawn = 0;
    ShiftSums sums(SpanWindows(params));
    for (size_t i = 0; i < members.size(); ++i) {
      for (size_t j = i + 1; j < members.size(); ++j) {
        sums.Recompute(*members[i].windows, *members[j].windows, kernels);
        r += sums.r(0);
        count += sums.count(0);
        const int difference = DrawShift(params.group_seed, 1, members[j].person, sums.size()) -
                               DrawShift(params.group_seed, 1, members[i].person, sums.size());
        drawn += sums.r((difference + sums.size()) % sums.size());
      }
    }
    ASSERT_EQ(crowd.At(-1).r, r);
    ASSERT_EQ(crowd.At(-1).count, count);
    ASSERT_EQ(crowd.At(0).r, drawn);
    for (int draw = -1; draw < crowd.draws(); ++draw) {
      ASSERT_EQ(crowd.At(draw).r, fresh.At(draw).r) << draw;
      ASSERT_EQ(crowd.At(draw).count, fresh.At(draw).count) << draw;
    }
  }

  // Somebody goes between two moments, when no window changes.
  for (PersonTrack& track : tracks) track.Advance(241'000'000, params, filter);
  std::vector<CrowdSums::Member> rest;
  for (size_t i = 0; i < tracks.size(); ++i) rest.push_back({group[i], &tracks[i].windows()});
  crowd.Follow(rest);
  crowd.Forget(group[2]);
  rest.erase(rest.begin() + 2);
  crowd.Follow(rest);
  fresh.Clear();
  fresh.Follow(rest);
  for (int draw = -1; draw < crowd.draws(); ++draw) {
    ASSERT_EQ(crowd.At(draw).r, fresh.At(draw).r) << draw;
    ASSERT_EQ(crowd.At(draw).count, fresh.At(draw).count) << draw;
  }

  const Span span = SpanAt(240'000'000, params);
  EXPECT_EQ(span.seconds, 180);
  measures.FindBasis(group, pointers, span, &basis);
  ASSERT_EQ(basis.contributors.size(), group.size());
  std::vector<ShiftSums> sums;
  std::vector<const ShiftSums*> sum_pointers;
  for (size_t i = 0; i < tracks.size(); ++i) {
    for (size_t j = i + 1; j < tracks.size(); ++j) {
      sums.emplace_back(SpanWindows(params))
          .Follow(tracks[i].windows(), tracks[j].windows(), kernels);
    }
  }
  for (const ShiftSums& pair : sums) sum_pointers.push_back(&pair);
  const Number small = measures.MeanPairwise(basis, sum_pointers, group.size(), false);
  const Number large = again.MeanPairwiseOfCrowd(basis, false);
  EXPECT_EQ(small.absent, Absence::kNone);
  EXPECT_EQ(small.value, large.value);
  for (const Number& number : {small, large}) {
    EXPECT_TRUE(number.has_chance);
    EXPECT_EQ(number.chance.shifts, params.group_draws);
    EXPECT_NEAR(number.chance.mean, 0, 0.02);
  }
}

}  // namespace
}  // namespace attune::synchrony
