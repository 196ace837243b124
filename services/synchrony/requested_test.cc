// Measures on request in live frames.
#include "services/synchrony/requested.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "services/synchrony/engine.h"
#include "services/synchrony/group/stretch_measures.h"
#include "services/synchrony/measure.h"
#include "services/synchrony/pair/stretch_measures.h"
#include "services/synchrony/person/person_measures.h"
#include "services/synchrony/signal/stretch.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using testing::Dump;
using testing::Everybody;
using testing::RealRoom;

constexpr int64_t kSecond = 1'000'000;

// All that can be asked for.
std::vector<Measure> OnRequest() {
  std::vector<Measure> measures;
  for (const MeasureInfo& info : Catalogue()) {
    if (info.availability == Availability::kOnRequest) measures.push_back(info.measure);
  }
  return measures;
}

// Each measure stands on the window that ends with the last moment of its cadence, and is what the
// same function gives for that window of the beats.
TEST(RequestedTest, AreThoseOfTheirWindows) {
  const auto room = RealRoom(300);
  Engine engine{Params{}};
  Engine::Selection selection = Everybody(4);
  selection.measures = OnRequest();
  for (int i = 0; i < 4; ++i) engine.AddPerson(i);
  std::vector<size_t> next(4);
  Frame frame;
  std::map<Measure, int> values;
  for (int t = 1; t <= 200; ++t) {
    for (size_t i = 0; i < 4; ++i) {
      while (next[i] < room[i].size() && room[i][next[i]].time_us <= (t + 3) * kSecond) {
        engine.AddBeat(static_cast<int>(i), room[i][next[i]++]);
      }
    }
    engine.Evaluate(t * kSecond, selection, &frame);
    if (t % 7 != 0 && t != 60) continue;
    std::vector<Stretch> stretches;
    const auto check = [&](const NamedNumber& named, auto compute) {
      const MeasureInfo& info = *FindMeasure(named.measure);
      const int64_t as_of = t / info.cadence_seconds * info.cadence_seconds;
      ASSERT_EQ(named.as_of_us, as_of * kSecond) << info.name;
      ASSERT_EQ(named.number.window_us, info.window_seconds * kSecond) << info.name;
      if (as_of < info.window_seconds) {
        ASSERT_EQ(named.number.absent, Absence::kNotEnoughData) << info.name;
        return;
      }
      stretches.clear();
      for (const auto& beats : room) {
        stretches.push_back(BuildStretch(beats, {}, (as_of - info.window_seconds) * kSecond,
                                         as_of * kSecond, Params{}));
      }
      const Number expected = compute();
      ASSERT_EQ(named.number.absent, expected.absent) << info.name << " " << t;
      ASSERT_EQ(named.number.value, expected.value) << info.name << " " << t;
      values[named.measure] += expected.absent == Absence::kNone ? 1 : 0;
    };
    const auto pointers = [&] {
      std::vector<const Stretch*> all;
      for (const Stretch& stretch : stretches) all.push_back(&stretch);
      return all;
    };
    for (const NamedNumber& named : frame.people[2].more) {
      check(named, [&] {
        return IsPersonMeasure(named.measure)
                   ? MeasurePerson(named.measure, stretches[2], 0, Params{})
                   : MeasureInGroup(named.measure, pointers(), 2, false, Params{});
      });
    }
    for (const NamedNumber& named : frame.pairs[4].more) {  // 1 and 3
      check(named, [&] {
        return MeasurePair(named.measure, stretches[1], stretches[3], 0, false, Params{});
      });
    }
    for (const NamedNumber& named : frame.group.more) {
      check(named, [&] {
        return MeasureGroup(std::span(&named.measure, 1), pointers(), false, Params{})[0];
      });
    }
    size_t shown = frame.people[2].more.size() + frame.pairs[4].more.size();
    shown += frame.group.more.size();
    ASSERT_EQ(shown, selection.measures.size());
  }
  EXPECT_GT(values[Measure::kSdnnMs], 0);
  EXPECT_GT(values[Measure::kLeaveOneOutR] + values[Measure::kConcordanceIndex] +
                values[Measure::kSEstimator],
            0);
}

// A late beat, other timing and a restart between two moments of the cadence: always what would be
// computed now.
TEST(RequestedTest, SurviveLateBeatsAndRestore) {
  const auto room = RealRoom(300);
  Engine::Selection selection = Everybody(3);
  selection.measures = {Measure::kSdnnMs,     Measure::kLnRmssd,    Measure::kLeaveOneOutR,
                        Measure::kPlvRsa,     Measure::kCrqaRecPct, Measure::kSymbolicEntropy,
                        Measure::kWelchHfMs2, Measure::kSEstimator};
  std::sort(selection.measures.begin(), selection.measures.end());
  Engine kept{Params{}};
  for (int i = 0; i < 3; ++i) kept.AddPerson(i);
  std::vector<size_t> next(3);
  std::mt19937_64 random(12);
  int restored = 0;
  for (int t = 1; t <= 240; ++t) {
    for (size_t i = 0; i < 3; ++i) {
      // Some beats come up to 6 s later than the tick that should have known them.
      const int64_t until = (t + 3 - static_cast<int>(random() % 6)) * kSecond;
      while (next[i] < room[i].size() && room[i][next[i]].time_us <= until) {
        kept.AddBeat(static_cast<int>(i), room[i][next[i]++]);
      }
    }
    if (t % 11 == 0) kept.SetTiming(1, {static_cast<int32_t>(random() % 900'000), 0});
    if (t > 150 && t % 3 == 0) {
      Engine other{Params{}};
      other.Restore(kept.Save());
      ASSERT_EQ(Dump(kept.Evaluate(t * kSecond, selection)),
                Dump(other.Evaluate(t * kSecond, selection)))
          << t;
      ++restored;
    } else {
      kept.Evaluate(t * kSecond, selection);
    }
  }
  EXPECT_GT(restored, 20);
}

}  // namespace
}  // namespace attune::synchrony
