// How often independent people look synchronous, measured on what the session core shows a
// facilitator. The people of nsr2db were recorded alone and different stretches of them are played
// together, so that every "above chance" is a false alarm.
//
// README.md of services/synchrony states the rates.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "services/synchrony/measure.h"
#include "tests/false_positive/people.h"
#include "tests/false_positive/rates.h"
#include "tests/false_positive/room.h"

namespace attune::false_positive {

namespace {

// The long form has enough looks to hold the bars as they stand; the short one allows for what few
// looks leave open.
bool LongForm() { return std::getenv("ATTUNE_LONG") != nullptr; }

constexpr double kLowest = 0.03;
constexpr double kHighest = 0.07;

// Every number of one room that comes with a chance level.
struct RoomRates {
  Rates r_mean_windowed, plv_lf, order_parameter, r_mean_pairwise;
};

void Play(const std::vector<Heart>& hearts, int seconds, RoomRates* rates) {
  const synchrony::Params params;
  const size_t people = hearts.size() + 1;
  std::vector<Course> r(people * people), plv(people * people);
  Course order, pairwise;
  int second = 0;
  PlayRoom(hearts, seconds, [&](const v1::Frame& frame) {
    ++second;
    for (const v1::PairFrame& pair : frame.pairs()) {
      const size_t at = pair.a() * people + pair.b();
      rates->r_mean_windowed.Count(pair.r_mean_windowed(), second, params, &r[at]);
      rates->plv_lf.Count(pair.plv_lf(), second, params, &plv[at]);
    }
    rates->order_parameter.Count(frame.group().order_parameter(), second, params, &order);
    rates->r_mean_pairwise.Count(frame.group().r_mean_pairwise(), second, params, &pairwise);
  });
}

void PlaySeating(int size, int rooms, int seconds, uint64_t seed, const Damage& damage,
                 RoomRates* rates) {
  for (const std::vector<Seat>& room : Seating(size, rooms, seconds, seed)) {
    std::vector<Heart> hearts;
    for (const Seat& seat : room) {
      hearts.push_back(Damaged(Stretch(seat.person, seat.from_s, seconds), damage, ++seed));
    }
    Play(hearts, seconds, rates);
  }
}

void ExpectInBand(const Rates& rates, const char* what) {
  const double slack = LongForm() ? 0 : Slack(rates.looks);
  EXPECT_GE(rates.Share(), kLowest - slack) << what;
  EXPECT_LE(rates.Share(), kHighest + slack) << what;
}

// The measures looked at here, and surrogate synchrony
// (services/synchrony/pair:false_positive_pairs_full_test), are all that claim a chance level.
TEST(FalsePositiveTest, EveryMeasureWithAChanceLevelIsLookedAt) {
  std::set<std::string_view> names;
  for (const synchrony::MeasureInfo& info : synchrony::Catalogue()) {
    if (info.has_chance && info.availability == synchrony::Availability::kCore)
      names.insert(info.name);
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"r_mean_windowed", "plv_lf", "order_parameter",
                                               "r_mean_pairwise"}));
}

// 54 people: 1,431 pairs.
TEST(FalsePositiveTest, PairsOfIndependentPeople) {
  RoomRates rates;
  PlaySeating(kPeople, LongForm() ? 2 : 1, LongForm() ? 3240 : 720, 1, {}, &rates);
  rates.r_mean_windowed.Print("mean windowed r");
  rates.plv_lf.Print("phase locking");
  EXPECT_GT(rates.r_mean_windowed.looks, 1000);
  EXPECT_GT(rates.plv_lf.looks, 1000);
  for (const Rates* pairs : {&rates.r_mean_windowed, &rates.plv_lf}) {
    EXPECT_GE(pairs->Share(), kLowest);
    EXPECT_LE(pairs->Share(), kHighest);
    EXPECT_LE(pairs->AloneShare(), 0.05);
    EXPECT_LE(pairs->AloneAlarmsPerHour(), 2.0);
    EXPECT_LE(pairs->AlarmsPerHour(), 0.01);
  }
}

// The measures on request that come with a p (and no shifts, no persistence).
TEST(FalsePositiveTest, SurrogateSynchronyOfIndependentPeople) {
  const synchrony::Params params;
  std::map<v1::Measure, Rates> rates;
  std::vector<v1::Measure> measures;
  for (const synchrony::MeasureInfo& info : synchrony::Catalogue()) {
    if (info.has_chance && info.availability == synchrony::Availability::kOnRequest) {
      measures.push_back(static_cast<v1::Measure>(info.measure));
    }
  }
  ASSERT_FALSE(measures.empty());
  const int seconds = LongForm() ? 1800 : 360;
  for (const std::vector<Seat>& room : Seating(kPeople, 1, seconds, 21)) {
    std::vector<Heart> hearts;
    for (const Seat& seat : room) hearts.push_back(Stretch(seat.person, seat.from_s, seconds));
    int second = 0;
    const auto look = [&](const v1::Frame& frame) {
      if (++second % kApartSeconds != 0) return;
      for (const v1::PairFrame& pair : frame.pairs()) {
        for (const v1::NamedNumber& named : pair.more()) {
          Course alone;
          rates[named.measure()].Count(named.number(), second, params, &alone);
        }
      }
    };
    PlayRoom(hearts, seconds, look, measures);
  }
  for (const v1::Measure measure : measures) {
    const Rates& of_measure = rates[measure];
    of_measure.Print(v1::Measure_Name(measure));
    EXPECT_GT(of_measure.looks, 1000);
    EXPECT_GE(of_measure.Share(), kLowest);
    EXPECT_LE(of_measure.Share(), kHighest);
  }
}

class GroupTest : public ::testing::TestWithParam<int> {};

TEST_P(GroupTest, GroupsOfIndependentPeople) {
  const int size = GetParam();
  // Looks: rooms * seconds / 180. Of 80 people 26 sit there twice, 20 minutes apart.
  const int rooms = LongForm()       ? (size > kPeople ? 30 : 120)
                    : size < 8       ? 60
                    : size < 16      ? 40
                    : size < kPeople ? 16
                                     : 6;
  const int seconds = !LongForm() ? 720 : size > kPeople ? 2340 : 2520;
  RoomRates rates;
  PlaySeating(size, rooms, seconds, 100 + static_cast<uint64_t>(size), {}, &rates);
  const std::string of = " of " + std::to_string(size);
  rates.order_parameter.Print("order parameter" + of);
  rates.r_mean_pairwise.Print("mean pairwise r" + of);
  if (size <= kPeople) {  // with more than 64 people no pairs are looked at
    rates.r_mean_windowed.Print("pairs in a room" + of);
    rates.plv_lf.Print("phase locking in a room" + of);
  }
  EXPECT_GE(rates.order_parameter.looks, LongForm() ? 300 : 20);
  EXPECT_GE(rates.r_mean_pairwise.looks, LongForm() ? 300 : 20);
  ExpectInBand(rates.order_parameter, "order parameter");
  ExpectInBand(rates.r_mean_pairwise, "mean pairwise r");
}

// What straps do to beats must not make strangers look alike.
struct Harm {
  const char* what;
  Damage damage;
};

class DamageTest : public ::testing::TestWithParam<Harm> {};

TEST_P(DamageTest, DamagedBeats) {
  RoomRates rates;
  PlaySeating(kPeople, 1, LongForm() ? 1800 : 360, 7, GetParam().damage, &rates);
  const std::string of = std::string(", ") + GetParam().what;
  rates.r_mean_windowed.Print("mean windowed r" + of);
  rates.plv_lf.Print("phase locking" + of);
  EXPECT_GT(rates.r_mean_windowed.looks, 1000);
  EXPECT_GT(rates.plv_lf.looks, 1000);
  EXPECT_LE(rates.r_mean_windowed.Share(), kHighest);
  EXPECT_LE(rates.plv_lf.Share(), kHighest);
  // A pair alone; no alarm lasts long enough to be more frequent than with whole beats.
  EXPECT_LE(rates.r_mean_windowed.AloneShare(), 0.05);
  EXPECT_LE(rates.plv_lf.AloneShare(), 0.05);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DamageTest,
                         ::testing::Values(Harm{"10 % missed", {.missed = 0.10}},
                                           Harm{"5 % ectopic", {.ectopic = 0.05}},
                                           Harm{"dropouts", {.dropout_every_s = 90}}));

INSTANTIATE_TEST_SUITE_P(Sizes, GroupTest, ::testing::Values(4, 8, 16, 80));

}  // namespace
}  // namespace attune::false_positive
