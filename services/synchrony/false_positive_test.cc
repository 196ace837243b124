// How often independent people look synchronous. The people of nsr2db were recorded alone, so every
// "above chance" among them is a false alarm. The rates measured here are stated in README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "services/synchrony/chance/null.h"
#include "services/synchrony/engine.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int kPeople = 54;
constexpr int kSeconds = 3300;
constexpr int kSpan = 180;  // looks this far apart share no data

const std::vector<std::vector<Beat>>& Everyone() {
  static const auto* people = [] {
    auto* all = new std::vector<std::vector<Beat>>;
    for (int person = 1; person <= kPeople; ++person) {
      all->push_back(testing::BeatsFromMs(testing::ReadNsr(person)));
    }
    return all;
  }();
  return *people;
}

struct Rates {
  int looks = 0;        // values one span apart that have a p
  int significant = 0;  // p <= 0.05 among them
  int ticks = 0;        // all values with p
  int above = 0;        // ticks above chance
  int alarms = 0;       // times "above" began

  double Share() const { return static_cast<double>(significant) / looks; }
  double AboveShare() const { return static_cast<double>(above) / ticks; }
  double AlarmsPerHour() const { return 3600.0 * alarms / ticks; }
  void Count(const Number& number, bool above_now, bool above_before, int t) {
    if (!number.has_chance) return;
    ++ticks;
    above += above_now ? 1 : 0;
    alarms += above_now && !above_before ? 1 : 0;
    if (t % kSpan != 0) return;
    ++looks;
    significant += number.chance.p <= 0.05 ? 1 : 0;
  }
  void Print(const char* what) const {
    std::printf(
        "%-34s p<=.05 in %.3f of %d looks; above in %.4f of time; %.3f alarms/h in %.0f h\n", what,
        Share(), looks, AboveShare(), AlarmsPerHour(), ticks / 3600.0);
  }
};

// One pair looked at alone: no correction for many pairs helps it.
TEST(FalsePositiveTest, PairsOfIndependentPeople) {
  Engine engine{Params{}};
  Engine::Selection selection;
  for (int i = 0; i < kPeople; ++i) {
    engine.AddPerson(i);
    for (const Beat& beat : Everyone()[static_cast<size_t>(i)]) engine.AddBeat(i, beat);
    for (int apart : {1, 5, 11, 19}) selection.pairs.emplace_back(i, (i + apart) % kPeople);
  }
  std::vector<Hold> holds(selection.pairs.size());
  std::vector<bool> before(selection.pairs.size());
  Rates alone;
  std::vector<int> significant(selection.pairs.size());
  const Params& params = engine.params();
  for (int t = 1; t <= kSeconds; ++t) {
    const Frame frame = engine.Evaluate(t * kSecond, selection);
    for (size_t i = 0; i < frame.pairs.size(); ++i) {
      const Number& number = frame.pairs[i].r_mean_windowed;
      const bool above =
          holds[i].Update(number.has_chance && number.chance.p <= params.alpha, t * kSecond,
                          (t - 1) * kSecond, params.persistence_us, params.persistence_break_us);
      alone.Count(number, above, before[i], t);
      before[i] = above;
    }
  }
  alone.Print("a pair alone");
  EXPECT_GT(alone.looks, 3000);
  EXPECT_GE(alone.Share(), 0.03);
  EXPECT_LE(alone.Share(), 0.07);
  EXPECT_LE(alone.AboveShare(), 0.05);
  EXPECT_LE(alone.AlarmsPerHour(), 2.0);
}

class GroupFalsePositiveTest : public ::testing::TestWithParam<int> {};

TEST_P(GroupFalsePositiveTest, GroupsOfIndependentPeople) {
  const int size = GetParam();
  Rates order, pairwise, pairs;
  // Twice round the people, with different neighbours.
  for (int stride : {1, 5}) {
    for (int first = 0; first + size <= kPeople; first += size) {
      Engine engine{Params{}};
      Engine::Selection selection;
      for (int i = 0; i < size; ++i) {
        const int person = (first + i) * stride % kPeople;
        engine.AddPerson(i);
        for (const Beat& beat : Everyone()[static_cast<size_t>(person)]) engine.AddBeat(i, beat);
        selection.group.push_back(i);
        for (int j = 0; j < i; ++j) selection.pairs.emplace_back(j, i);
      }
      bool order_before = false, pairwise_before = false;
      std::vector<bool> pair_before(selection.pairs.size());
      for (int t = 1; t <= kSeconds; ++t) {
        const Frame frame = engine.Evaluate(t * kSecond, selection);
        const GroupNumbers& group = frame.group;
        order.Count(group.order_parameter, group.order_parameter.chance.above, order_before, t);
        pairwise.Count(group.r_mean_pairwise, group.r_mean_pairwise.chance.above, pairwise_before,
                       t);
        order_before = group.order_parameter.chance.above;
        pairwise_before = group.r_mean_pairwise.chance.above;
        for (size_t i = 0; i < frame.pairs.size(); ++i) {
          const Number& number = frame.pairs[i].r_mean_windowed;
          pairs.Count(number, number.chance.above, pair_before[i], t);
          pair_before[i] = number.chance.above;
        }
      }
    }
  }
  const std::string of = " of " + std::to_string(size);
  order.Print(("order parameter" + of).c_str());
  pairwise.Print(("mean pairwise r" + of).c_str());
  pairs.Print(("pairs in a room" + of).c_str());
  EXPECT_GT(order.looks, 100);
  EXPECT_LE(order.Share(), 0.09);
  EXPECT_LE(pairwise.Share(), 0.09);
  EXPECT_LE(order.AboveShare(), 0.05);
  EXPECT_LE(pairwise.AboveShare(), 0.05);
  EXPECT_LE(pairs.AboveShare(), 0.05);
}

INSTANTIATE_TEST_SUITE_P(Sizes, GroupFalsePositiveTest, ::testing::Values(4, 8));

}  // namespace
}  // namespace attune::synchrony
