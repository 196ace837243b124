#include "services/synchrony/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/measure.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using testing::BeatsFromMs;
using testing::Dump;
using testing::Everybody;
using testing::RealRoom;
using testing::SimulatedBeats;

constexpr int64_t kSecond = 1'000'000;

struct Arrival {
  int person;
  Beat beat;
};

std::vector<Arrival> Arrivals(const std::vector<std::vector<Beat>>& room) {
  std::vector<Arrival> all;
  for (size_t i = 0; i < room.size(); ++i) {
    for (const Beat& beat : room[i]) all.push_back({static_cast<int>(i), beat});
  }
  return all;
}

// Every tick's frame, each beat given no later than the first tick that may know it.
std::vector<std::string> RunRoom(const std::vector<std::vector<Beat>>& room, int seconds,
                                 std::mt19937_64* random, Path path = BestPath()) {
  std::vector<Arrival> arrivals = Arrivals(room);
  // An order that respects only what a tick needs: the beat is there when its horizon is due.
  std::vector<std::pair<int64_t, size_t>> when;
  for (size_t i = 0; i < arrivals.size(); ++i) {
    const int64_t due = arrivals[i].beat.time_us - Params{}.horizon_us;
    const int64_t early = random == nullptr ? 0 : static_cast<int64_t>((*random)() % 20'000'000);
    when.emplace_back(due - early, i);
  }
  if (random != nullptr) std::shuffle(when.begin(), when.end(), *random);
  std::stable_sort(when.begin(), when.end(), [](const auto& a, const auto& b) {
    return a.first / kSecond < b.first / kSecond;
  });
  Engine engine(Params{}, path);
  for (size_t i = 0; i < room.size(); ++i) engine.AddPerson(static_cast<int>(i));
  const Engine::Selection selection = Everybody(static_cast<int>(room.size()));
  std::vector<std::string> frames;
  size_t next = 0;
  for (int t = 1; t <= seconds; ++t) {
    while (next < when.size() && when[next].first / kSecond <= t) {
      const Arrival& arrival = arrivals[when[next++].second];
      engine.AddBeat(arrival.person, arrival.beat);
      if (random != nullptr && (*random)() % 4 == 0) engine.AddBeat(arrival.person, arrival.beat);
    }
    frames.push_back(Dump(engine.Evaluate(t * kSecond, selection)));
  }
  return frames;
}

TEST(EngineTest, NobodyAndOnePersonAreAbsentWithReasons) {
  Engine engine{Params{}};
  Frame frame = engine.Evaluate(kSecond, {});
  EXPECT_EQ(frame.group.order_parameter.absent, Absence::kTooFewPeople);
  EXPECT_EQ(frame.group.r_mean_pairwise.absent, Absence::kTooFewPeople);

  engine.AddPerson(7);
  for (const Beat& beat : SimulatedBeats(1, 800, 300)) EXPECT_TRUE(engine.AddBeat(7, beat));
  Engine::Selection selection;
  selection.people = {7, 8};
  selection.pairs = {{7, 7}, {7, 8}};
  selection.group = {7};
  for (int t = 2; t <= 250; ++t) frame = engine.Evaluate(t * kSecond, selection);
  ASSERT_EQ(frame.people.size(), 2u);
  EXPECT_EQ(frame.people[0].hr_bpm.absent, Absence::kNone);
  EXPECT_NEAR(frame.people[0].hr_bpm.value, 75, 3);
  EXPECT_EQ(frame.people[0].hr_bpm.coverage, 1.0);
  EXPECT_EQ(frame.people[0].hr_bpm.window_us, 15 * kSecond);
  EXPECT_EQ(frame.people[0].artefact_share.value, 0);
  EXPECT_FALSE(frame.people[0].hr_bpm.has_chance);
  EXPECT_EQ(frame.people[1].hr_bpm.absent, Absence::kNotEnoughData);
  EXPECT_EQ(frame.people[1].last_beat_us, -1);
  for (const PairNumbers& pair : frame.pairs) {
    EXPECT_EQ(pair.r_mean_windowed.absent, Absence::kNotEnoughData);
    EXPECT_EQ(pair.r_zero_lag.absent, Absence::kNotEnoughData);
  }
  EXPECT_EQ(frame.group.order_parameter.absent, Absence::kTooFewPeople);
  EXPECT_EQ(frame.group.contributors, std::vector<int>{7});
}

TEST(EngineTest, ArrivalOrderDoesNotMatter) {
  const auto room = RealRoom(260);
  const std::vector<std::string> expected = RunRoom(room, 240, nullptr);
  ASSERT_NE(expected.back().find("above"), std::string::npos);
  std::mt19937_64 random(20261122);
  for (int order = 0; order < 50; ++order) {
    const std::vector<std::string> frames = RunRoom(room, 240, &random);
    for (size_t i = 0; i < frames.size(); ++i) ASSERT_EQ(frames[i], expected[i]) << order;
  }
}

// Whatever instructions the CPU has: the same frames.
TEST(EngineTest, KernelPathDoesNotMatter) {
  const auto room = RealRoom(260);
  const std::vector<std::string> expected = RunRoom(room, 240, nullptr, Path::kPortable);
  for (const Path path : kAllPaths) {
    if (!Supports(path)) continue;
    const std::vector<std::string> frames = RunRoom(room, 240, nullptr, path);
    for (size_t i = 0; i < frames.size(); ++i) ASSERT_EQ(frames[i], expected[i]) << Name(path);
  }
}

TEST(EngineTest, LaterBeatsDoNotMatter) {
  const auto room = RealRoom(400);
  const Engine::Selection selection = Everybody(4);
  Engine all{Params{}}, known{Params{}};
  for (int i = 0; i < 4; ++i) {
    all.AddPerson(i);
    known.AddPerson(i);
    for (const Beat& beat : room[static_cast<size_t>(i)]) all.AddBeat(i, beat);
  }
  std::vector<size_t> next(4);
  for (int t = 1; t <= 300; ++t) {
    for (size_t i = 0; i < 4; ++i) {
      while (next[i] < room[i].size() &&
             room[i][next[i]].time_us <= t * kSecond + Params{}.horizon_us) {
        known.AddBeat(static_cast<int>(i), room[i][next[i]++]);
      }
    }
    ASSERT_EQ(Dump(all.Evaluate(t * kSecond, selection)),
              Dump(known.Evaluate(t * kSecond, selection)));
  }
}

// A beat that comes after the tick that should have known it: the frames after it are those of an
// engine that had it in time (persistence aside, which does not stand on one beat here).
TEST(EngineTest, LateBeatChangesOnlyLaterTicks) {
  const auto room = RealRoom(300);
  const Engine::Selection selection = Everybody(4);
  Engine in_time{Params{}}, late{Params{}};
  const size_t missing = room[1].size() / 2;
  const int64_t missing_us = room[1][missing].time_us;
  for (int i = 0; i < 4; ++i) {
    in_time.AddPerson(i);
    late.AddPerson(i);
    for (size_t k = 0; k < room[static_cast<size_t>(i)].size(); ++k) {
      in_time.AddBeat(i, room[static_cast<size_t>(i)][k]);
      if (i != 1 || k != missing) late.AddBeat(i, room[static_cast<size_t>(i)][k]);
    }
  }
  const int arrives = static_cast<int>(missing_us / kSecond) + 5;
  bool differed = false;
  for (int t = 1; t <= 250; ++t) {
    if (t == arrives) late.AddBeat(1, room[1][missing]);
    const std::string a = Dump(in_time.Evaluate(t * kSecond, selection));
    const std::string b = Dump(late.Evaluate(t * kSecond, selection));
    if (t >= arrives) {
      ASSERT_EQ(a, b) << t;
    } else {
      differed = differed || a != b;
    }
  }
  EXPECT_TRUE(differed);
}

TEST(EngineTest, RestoreGoesOnBitForBit) {
  const auto room = RealRoom(600);
  const Engine::Selection selection = Everybody(4);
  for (int cut : {1, 97, 200, 333, 401}) {
    Engine whole{Params{}};
    auto part = std::make_unique<Engine>(Params{});
    for (int i = 0; i < 4; ++i) {
      whole.AddPerson(i);
      part->AddPerson(i);
      whole.SetTiming(i, {1000 * i, 2000 * i});
      part->SetTiming(i, {1000 * i, 2000 * i});
    }
    std::vector<size_t> next(4);
    for (int t = 1; t <= 420; ++t) {
      for (size_t i = 0; i < 4; ++i) {
        while (next[i] < room[i].size() &&
               room[i][next[i]].time_us <= t * kSecond + Params{}.horizon_us) {
          whole.AddBeat(static_cast<int>(i), room[i][next[i]]);
          part->AddBeat(static_cast<int>(i), room[i][next[i]]);
          ++next[i];
        }
      }
      ASSERT_EQ(Dump(whole.Evaluate(t * kSecond, selection)),
                Dump(part->Evaluate(t * kSecond, selection)))
          << "cut " << cut << " tick " << t;
      if (t == cut) {
        const EngineState state = part->Save();
        part = std::make_unique<Engine>(Params{});
        part->Restore(state);
        EXPECT_EQ(part->Save(), state);
      }
    }
    EXPECT_EQ(whole.Save(), part->Save());
  }
}

// Two hearts that share their slow waves, one half a second behind, beside two that do not.
TEST(EngineTest, CoupledPairIsFoundAndItsLagHasTheRightSign) {
  std::mt19937_64 random(5);
  const auto unit = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  std::vector<double> wave(4000);
  double fast = 0, slow = 0;
  for (double& w : wave) {  // band-limited noise at 4 Hz
    fast += 0.25 * ((unit() - 0.5) * 800 - fast);
    slow += 0.05 * (fast - slow);
    w = fast - slow;
  }
  const auto heart = [&](double mean, double behind_s, double own, uint64_t seed) {
    std::mt19937_64 noise(seed);
    std::vector<double> rr;
    for (double t = 0; t < 900;) {
      const double at = std::max(0.0, (t - behind_s) * 4);
      const double shared = wave[static_cast<size_t>(at)];
      const double value =
          mean + shared + own * (static_cast<double>(noise() >> 11) * 0x1p-53 - 0.5);
      rr.push_back(value);
      t += value / 1000;
    }
    return BeatsFromMs(rr);
  };
  Engine engine{Params{}};
  const std::vector<std::vector<Beat>> hearts = {heart(800, 0, 20, 1), heart(760, 2, 20, 2),
                                                 SimulatedBeats(3, 820, 900),
                                                 SimulatedBeats(4, 700, 900)};
  for (int i = 0; i < 4; ++i) {
    engine.AddPerson(i);
    for (const Beat& beat : hearts[static_cast<size_t>(i)]) engine.AddBeat(i, beat);
  }
  Engine::Selection selection;
  selection.pairs = {{0, 1}, {1, 0}, {2, 3}};
  Frame frame;
  double lag_sum = 0;
  int lags = 0;
  for (int t = 1; t <= 600; ++t) {
    frame = engine.Evaluate(t * kSecond, selection);
    if (t > 120 && frame.pairs[0].r_peak.value > 0.6) {
      lag_sum += frame.pairs[0].lag_ms.value;
      ++lags;
      EXPECT_EQ(frame.pairs[0].lag_ms.value, -frame.pairs[1].lag_ms.value);
    }
  }
  EXPECT_GT(lags, 400);
  EXPECT_NEAR(lag_sum / lags, 2000, 400);  // 1 follows 0 by two seconds
  EXPECT_EQ(frame.pairs[0].r_mean_windowed.value, frame.pairs[1].r_mean_windowed.value);
  EXPECT_EQ(frame.pairs[0].r_mean_windowed.chance.p, frame.pairs[1].r_mean_windowed.chance.p);
}

TEST(EngineTest, CommonCauseAndTimingTakeTheirNumbersAway) {
  Engine engine{Params{}};
  for (int i = 0; i < 3; ++i) {
    engine.AddPerson(i);
    for (const Beat& b : SimulatedBeats(static_cast<uint64_t>(i) + 9, 750, 300)) {
      engine.AddBeat(i, b);
    }
  }
  Engine::Selection selection = Everybody(3);
  Frame frame;
  for (int t = 1; t <= 200; ++t) frame = engine.Evaluate(t * kSecond, selection);
  ASSERT_TRUE(frame.pairs[0].r_mean_windowed.has_chance);
  ASSERT_TRUE(frame.group.order_parameter.has_chance);
  ASSERT_TRUE(frame.group.r_mean_pairwise.has_chance);
  EXPECT_EQ(frame.group.contributors, (std::vector<int>{0, 1, 2}));

  selection.common_cause = true;
  frame = engine.Evaluate(201 * kSecond, selection);
  EXPECT_EQ(frame.pairs[0].r_mean_windowed.absent, Absence::kNone);
  EXPECT_FALSE(frame.pairs[0].r_mean_windowed.has_chance);
  EXPECT_EQ(frame.pairs[0].r_mean_windowed.chance_absent, Absence::kCommonCause);
  EXPECT_EQ(frame.group.order_parameter.chance_absent, Absence::kCommonCause);
  EXPECT_EQ(frame.group.r_mean_pairwise.chance_absent, Absence::kCommonCause);

  selection.common_cause = false;
  engine.SetTiming(0, {100'000, 600'000});
  engine.SetTiming(1, {100'000, 600'000});
  frame = engine.Evaluate(202 * kSecond, selection);
  EXPECT_EQ(frame.pairs[0].lag_ms.absent, Absence::kTimingTooUncertain);
  EXPECT_EQ(frame.pairs[0].r_peak.absent, Absence::kNone);
  EXPECT_EQ(frame.pairs[1].lag_ms.absent, Absence::kNone);  // 0 and 2: 0.8 s together
  engine.SetTiming(0, {500'000, 0});
  frame = engine.Evaluate(203 * kSecond, selection);
  EXPECT_EQ(frame.pairs[0].r_mean_windowed.absent, Absence::kTimingTooUncertain);
  EXPECT_EQ(frame.pairs[0].r_zero_lag.absent, Absence::kTimingTooUncertain);
  EXPECT_EQ(frame.pairs[2].r_mean_windowed.absent, Absence::kNone);
  EXPECT_EQ(frame.group.contributors, (std::vector<int>{1, 2}));
}

TEST(EngineTest, RemovedPersonIsGoneAndTheOthersGoOn) {
  const auto room = RealRoom(400);
  Engine engine{Params{}}, without{Params{}};
  for (int i = 0; i < 4; ++i) {
    engine.AddPerson(i);
    if (i != 2) without.AddPerson(i);
    for (const Beat& b : room[static_cast<size_t>(i)]) {
      engine.AddBeat(i, b);
      if (i != 2) without.AddBeat(i, b);
    }
  }
  Engine::Selection four = Everybody(4), three;
  three.people = three.group = {0, 1, 3};
  three.pairs = {{0, 1}, {0, 3}, {1, 3}};
  for (int t = 1; t <= 200; ++t) {
    engine.Evaluate(t * kSecond, four);
    without.Evaluate(t * kSecond, three);
  }
  engine.RemovePerson(2);
  EXPECT_FALSE(engine.AddBeat(2, {201 * kSecond, 800, false}));
  const Frame frame = engine.Evaluate(201 * kSecond, four);
  EXPECT_EQ(frame.people[2].hr_bpm.absent, Absence::kNotEnoughData);
  EXPECT_EQ(frame.pairs[1].r_mean_windowed.absent, Absence::kNotEnoughData);
  EXPECT_EQ(std::count(frame.group.contributors.begin(), frame.group.contributors.end(), 2), 0);
  without.Evaluate(201 * kSecond, three);
  // Signals are as if the person had never been; only what has held so far may differ.
  const Frame a = engine.Evaluate(202 * kSecond, three);
  const Frame b = without.Evaluate(202 * kSecond, three);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(a.pairs[i].r_mean_windowed.value, b.pairs[i].r_mean_windowed.value);
    EXPECT_EQ(a.pairs[i].r_mean_windowed.chance.p, b.pairs[i].r_mean_windowed.chance.p);
    EXPECT_EQ(a.people[i].rmssd_ms.value, b.people[i].rmssd_ms.value);
  }
}

TEST(EngineTest, ExtremeInputStaysFiniteAndInRange) {
  std::mt19937_64 random(99);
  Engine engine{Params{}};
  for (int i = 0; i < 3; ++i) engine.AddPerson(i);
  const Engine::Selection selection = Everybody(3);
  EXPECT_FALSE(engine.AddBeat(0, {-1, 800, false}));
  EXPECT_FALSE(engine.AddBeat(0, {INT64_MAX, 800, false}));
  int64_t last_us[3] = {};
  for (int t = 1; t <= 300; ++t) {
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 3; ++k) {
        Beat beat;
        beat.rr_1024 = static_cast<uint16_t>(
            random() % 3 == 0 ? random()
                              : (random() % 5 == 0 ? random() % 3 : 700 + random() % 99));
        last_us[i] +=
            random() % 2 == 0 ? beat.rr_1024 * 977 : static_cast<int64_t>(random() % 9999);
        beat.time_us = random() % 50 == 0 ? Engine::kMaxTimeUs - static_cast<int64_t>(random() % 9)
                                          : std::min<int64_t>(last_us[i], (t + 9) * kSecond);
        beat.gap_before = random() % 20 == 0;
        engine.AddBeat(i, beat);
      }
    }
    const Frame frame = engine.Evaluate(t * kSecond, selection);
    const auto check = [](const Number& n, double low, double high) {
      EXPECT_TRUE(std::isfinite(n.value));
      EXPECT_GE(n.coverage, 0);
      EXPECT_LE(n.coverage, 1);
      if (n.absent != Absence::kNone) {
        EXPECT_EQ(n.value, 0);
        EXPECT_FALSE(n.has_chance);
        return;
      }
      EXPECT_GE(n.value, low);
      EXPECT_LE(n.value, high);
    };
    for (const PersonNumbers& p : frame.people) {
      check(p.hr_bpm, 30, 200);
      check(p.rmssd_ms, 0, 1700);
      check(p.artefact_share, 0, 1);
    }
    for (const PairNumbers& p : frame.pairs) {
      check(p.r_zero_lag, -1, 1);
      check(p.r_peak, -1, 1);
      check(p.lag_ms, -5000, 5000);
      check(p.r_mean_windowed, -1, 1);
    }
    check(frame.group.order_parameter, 0, 1 + 1e-12);
    check(frame.group.r_mean_pairwise, -1, 1);
  }
}

TEST(EngineTest, TicksThatDoNotRiseChangeNothing) {
  const auto room = RealRoom(200);
  Engine engine{Params{}};
  for (int i = 0; i < 4; ++i) {
    engine.AddPerson(i);
    for (const Beat& b : room[static_cast<size_t>(i)]) engine.AddBeat(i, b);
  }
  engine.Evaluate(150 * kSecond, Everybody(4));
  const EngineState before = engine.Save();
  const Frame frame = engine.Evaluate(150 * kSecond, Everybody(4));
  EXPECT_EQ(frame.people.size(), 4u);
  EXPECT_EQ(frame.people[0].hr_bpm.absent, Absence::kNotEnoughData);
  engine.Evaluate(INT64_MAX, Everybody(4));
  engine.Evaluate(INT64_MIN, Everybody(4));
  EXPECT_EQ(engine.Save(), before);
}

TEST(EngineTest, EightHoursStayBounded) {
  Engine engine{Params{}};
  engine.AddPerson(0);
  engine.AddPerson(1);
  const std::vector<Beat> hour = SimulatedBeats(1, 600, 3600);
  Engine::Selection selection = Everybody(2);
  size_t after_ten_minutes = 0;
  size_t next = 0;
  int64_t offset_us = 0;
  for (int t = 1; t <= 8 * 3600; ++t) {
    for (;;) {
      Beat beat = hour[next];
      beat.time_us += offset_us;
      if (beat.time_us > t * kSecond + 3 * kSecond) break;
      engine.AddBeat(0, beat);
      engine.AddBeat(1, beat);
      if (++next == hour.size()) {
        next = 0;
        offset_us = beat.time_us;
      }
    }
    engine.Evaluate(t * kSecond, selection);
    if (t == 600) after_ten_minutes = engine.MemoryBytes();
  }
  EXPECT_LE(engine.MemoryBytes(), after_ten_minutes + 4096);
  EXPECT_LT(engine.MemoryBytes(), 16'000u);
  EXPECT_LT(engine.Save().people[0].beats.size(), 600u);
}

// What a person takes beside what chance needs, after ten minutes of ticks and after a burst of
// late beats. `alone`: without the session's share.
size_t MostBytesAPerson(int people, double mean_ms, bool alone) {
  Engine engine{Params{}}, nobody{Params{}};
  Engine::Selection selection = Everybody(people);
  if (alone) selection.pairs.clear();
  std::vector<std::vector<Beat>> hearts;
  for (int i = 0; i < people; ++i) {
    engine.AddPerson(i);
    hearts.push_back(SimulatedBeats(static_cast<uint64_t>(i) + 1, mean_ms, 900));
  }
  std::vector<size_t> next(hearts.size());
  size_t most = 0;
  for (int t = 1; t <= 720; ++t) {
    for (size_t i = 0; i < hearts.size(); ++i) {
      for (; hearts[i][next[i]].time_us <= (t + 3) * kSecond; ++next[i]) {
        const Beat& beat = hearts[i][next[i]];
        // Every fourth beat of two minutes comes at their end.
        const bool holds = t > 480 && t <= 600 && next[i] % 4 == 0;
        if (!holds) engine.AddBeat(static_cast<int>(i), beat);
      }
      if (t != 600) continue;
      for (size_t k = next[i]; k-- > 0 && hearts[i][k].time_us > 480 * kSecond;) {
        if (k % 4 == 0) engine.AddBeat(static_cast<int>(i), hearts[i][k]);
      }
    }
    engine.Evaluate(t * kSecond, selection);
    // A gap needs a mask beside the samples while it is among them.
    if (t > 480 && t <= 600) continue;
    const size_t bytes = engine.MemoryBytes() - (alone ? nobody.MemoryBytes() : 0);
    most = std::max(most, bytes / static_cast<size_t>(people));
  }
  std::printf("%d people, %.0f beats a minute: %zu bytes a person\n", people, 60'000 / mean_ms,
              most);
  return most;
}

TEST(EngineTest, APersonTakesNoMoreThanFourKibibytes) {
  EXPECT_LE(MostBytesAPerson(8, 800, true), 3456u);
  EXPECT_LE(MostBytesAPerson(8, 60'000.0 / 85, true), 3520u);
  EXPECT_LE(MostBytesAPerson(8, 500, true), 4096u);
  EXPECT_GE(MostBytesAPerson(2, 1200, true), 1000u);
  for (const int people : {2, 8, 20}) {
    EXPECT_LE(MostBytesAPerson(people, 60'000.0 / 85, false), 4096u) << people;
  }
}

TEST(EngineTest, QuarterSecondTicksGiveTheSameNumbersAtWholeSeconds) {
  const auto room = RealRoom(260);
  Engine slow{Params{}}, fast{Params{}};
  for (int i = 0; i < 4; ++i) {
    slow.AddPerson(i);
    fast.AddPerson(i);
    for (const Beat& b : room[static_cast<size_t>(i)]) {
      slow.AddBeat(i, b);
      fast.AddBeat(i, b);
    }
  }
  const Engine::Selection selection = Everybody(4);
  for (int quarter = 1; quarter <= 4 * 220; ++quarter) {
    const Frame frame = fast.Evaluate(quarter * kSecond / 4, selection);
    if (quarter % 4 != 0) continue;
    const Frame expected = slow.Evaluate(quarter / 4 * kSecond, selection);
    ASSERT_EQ(frame.pairs[0].r_mean_windowed.value, expected.pairs[0].r_mean_windowed.value);
    ASSERT_EQ(frame.pairs[5].r_peak.value, expected.pairs[5].r_peak.value);
    ASSERT_EQ(frame.group.order_parameter.value, expected.group.order_parameter.value);
  }
}

// The frames of a fixed room, as one number per engine version: the same on every CPU (this test
// also runs with CPU features hidden from the C library). A change that alters it alters what
// replaying an old journal gives: raise kEngineVersion with it.
TEST(EngineTest, FramesAreThoseOfThisEngineVersion) {
  uint64_t digest = 0xcbf29ce484222325;
  for (const std::string& frame : RunRoom(RealRoom(400), 360, nullptr)) {
    for (const char c : frame) digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  EXPECT_EQ(kEngineVersion, 3);
  EXPECT_EQ(digest, 0x333b89af39c62467u) << std::hex << digest;
}

// The same of every measure that can be asked for, each on all kernel paths: the digest says that
// no part of any of them depends on the CPU. A measure that joins the catalogue changes it, and no
// old frame.
TEST(EngineTest, FramesAreThoseOfThisEngineVersionWithEveryMeasure) {
  const auto room = RealRoom(300);
  for (const Path path : {Path::kPortable, Path::kAvx2, Path::kVnni}) {
    if (!Supports(path)) continue;
    Engine engine(Params{}, path);
    Engine::Selection selection = Everybody(static_cast<int>(room.size()));
    for (const MeasureInfo& info : Catalogue()) {
      if (info.availability != Availability::kOnRequest) continue;
      selection.measures.push_back(info.measure);
    }
    selection.pacer_hz = 0.1;
    for (size_t i = 0; i < room.size(); ++i) {
      engine.AddPerson(static_cast<int>(i));
      for (const Beat& beat : room[i]) engine.AddBeat(static_cast<int>(i), beat);
    }
    uint64_t digest = 0xcbf29ce484222325;
    int values = 0;
    for (int t = 180; t <= 240; t += 30) {
      const Frame frame = engine.Evaluate(t * kSecond, selection);
      for (const char c : Dump(frame)) {
        digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3;
      }
      for (const auto& person : frame.people) {
        for (const auto& named : person.more) values += named.number.absent == Absence::kNone;
      }
      for (const auto& pair : frame.pairs) {
        for (const auto& named : pair.more) values += named.number.absent == Absence::kNone;
      }
      for (const auto& named : frame.group.more) values += named.number.absent == Absence::kNone;
    }
    EXPECT_GT(values, 300);
    EXPECT_EQ(digest, 0xcb5cb8eb649afacau) << std::hex << digest;
  }
}

TEST(ParamsTest, KnowsItsLimits) {
  EXPECT_TRUE(Params{}.Valid());
  Params params;
  params.window_seconds = 17;
  EXPECT_FALSE(params.Valid());
  EXPECT_DEATH(Engine{params}, "");
  params = Params{};
  params.lagged_window = 501;
  EXPECT_FALSE(params.Valid());
}

TEST(ParamsTest, HashSeesEveryChange) {
  Params params;
  const uint64_t hash = params.Hash();
  EXPECT_EQ(hash, Params{}.Hash());
  params.alpha = 0.01;
  EXPECT_NE(hash, params.Hash());
  params = Params{};
  params.screen_ceiling_pct = 26;
  EXPECT_NE(hash, params.Hash());
  params = Params{};
  params.group_max_people_chance = 65;
  EXPECT_NE(hash, params.Hash());
}

}  // namespace
}  // namespace attune::synchrony
