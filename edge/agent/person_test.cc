#include "edge/agent/person.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

namespace attune::edge {
namespace {

constexpr int64_t kSecond = 1'000'000;

// Gives what the test lays down, when its time has come.
class ScriptedSource final : public Source {
 public:
  explicit ScriptedSource(Stamping stamping) {
    info_.stamping = stamping;
    info_.jitter_us = 3'000;
    info_.offset_bound_us = 20'000;
    info_.fingerprint = "scripted";
  }
  void Lay(int64_t due_us, SourceBeat beat) { beats_.emplace(due_us, beat); }
  const SourceInfo& info() const override { return info_; }
  void Begin(int64_t, uint64_t) override {}
  int64_t Poll(int64_t now_us, std::vector<SourceBeat>* beats) override {
    while (!beats_.empty() && beats_.begin()->first <= now_us) {
      beats->push_back(beats_.begin()->second);
      beats_.erase(beats_.begin());
    }
    return now_us - lag_us;
  }
  std::optional<int64_t> NextDueUs() const override { return std::nullopt; }
  bool finished() const override { return false; }
  int64_t lag_us = 0;  // beats younger than this may still come
  // From the next Poll on, what comes is of that kind.
  void Turn(Stamping stamping) { info_.stamping = stamping; }

 private:
  SourceInfo info_;
  std::multimap<int64_t, SourceBeat> beats_;
};

class PersonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/person.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    person_.reset();
    std::filesystem::remove_all(folder_);
  }
  ScriptedSource& Make(Stamping stamping) {
    auto source = std::make_unique<ScriptedSource>(stamping);
    ScriptedSource& raw = *source;
    person_ = std::make_unique<Person>(std::move(source));
    return raw;
  }
  void OpenSpool() {
    const absl::Status opened = person_->OpenSpool(folder_, "session", 1, random_);
    ASSERT_TRUE(opened.ok()) << opened;
  }
  // Session time is the steady time and `ahead_us` from now on.
  void SetSession(int64_t ahead_us, uint64_t epoch, int64_t half_us = 1'000) {
    clock_.Anchor(epoch, 1, now_us_ + ahead_us, now_us_ - half_us, now_us_ + half_us);
  }
  void RunUntil(int64_t until_us) {
    for (; now_us_ < until_us; now_us_ += 20'000) {
      const int64_t before_us = person_->complete_us();
      const uint64_t known = person_->spool() == nullptr ? 1 : person_->spool()->next_seq();
      person_->Step(now_us_, clock_);
      ASSERT_GE(person_->complete_us(), before_us) << "a promise is not taken back";
      if (person_->spool() == nullptr) continue;
      for (uint64_t seq = known; seq < person_->spool()->next_seq(); ++seq) {
        const StampedBeat beat = *person_->spool()->Get(seq);
        ASSERT_GT(beat.time_session_us, before_us) << "a promise is kept";
        if (seq > 1) {
          ASSERT_GT(beat.time_session_us, person_->spool()->Get(seq - 1)->time_session_us);
        }
      }
    }
  }
  std::vector<StampedBeat> Beats() const {
    std::vector<StampedBeat> beats;
    const Spool* spool = person_->spool();
    for (uint64_t seq = 1; spool != nullptr && seq < spool->next_seq(); ++seq) {
      beats.push_back(*spool->Get(seq));
    }
    return beats;
  }
  // Beats every 0.8 s, told of 0.3 s later.
  static void LayGiven(ScriptedSource& source, int64_t from_us, int64_t to_us) {
    for (int64_t t_us = from_us; t_us < to_us; t_us += 800'000) {
      source.Lay(t_us + 300'000, {819, t_us, false, 0});
    }
  }
  // A strap: beats every 819/1024 s, told of each second, which is their arrival.
  static void LayArriving(ScriptedSource& source, int64_t from_us, int64_t to_us) {
    for (int64_t n = 1;; ++n) {
      const int64_t t_us = from_us + RrMicros(819 * n);
      if (t_us >= to_us) return;
      const int64_t arrival_us = (t_us / kSecond + 1) * kSecond;
      source.Lay(arrival_us, {819, arrival_us, false, 0});
    }
  }

  SeededRandom random_{3};
  std::string folder_;
  std::unique_ptr<Person> person_;
  ClockSync clock_;
  int64_t now_us_ = 100 * kSecond;
};

TEST_F(PersonTest, GivenTimesGoThroughTheSessionsClock) {
  ScriptedSource& source = Make(Stamping::kGivenSteady);
  source.lag_us = 400'000;
  LayGiven(source, now_us_, now_us_ + 60 * kSecond);
  RunUntil(now_us_ + 10 * kSecond);  // before anything is known
  EXPECT_TRUE(Beats().empty());
  OpenSpool();
  SetSession(-70 * kSecond, 1);
  RunUntil(165 * kSecond);
  const auto beats = Beats();
  ASSERT_EQ(beats.size(), 75u);
  for (size_t i = 0; i < beats.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(beats[i].time_session_us),
                static_cast<double>(30 * kSecond + static_cast<int64_t>(i) * 800'000), 1);
    EXPECT_EQ(beats[i].jitter_us, 3'000u);
    EXPECT_GE(beats[i].offset_bound_us, 21'000u) << "the source's and the clock's";
    EXPECT_LE(beats[i].offset_bound_us, 30'000u);
    EXPECT_EQ(beats[i].offset_bound_us % 5'000, 0u) << "so that a message holds many beats";
    EXPECT_FALSE(beats[i].gap_before);
  }
  // Through what the source says is out, less what the clock may still move.
  EXPECT_LE(person_->complete_us(), 95 * kSecond - 400'000);
  EXPECT_GE(person_->complete_us(), 95 * kSecond - 500'000);
}

TEST_F(PersonTest, AGivenBeatThatComesTooLateIsRefusedAndLeavesAGap) {
  ScriptedSource& source = Make(Stamping::kGivenSteady);
  OpenSpool();
  SetSession(0, 1);
  for (int64_t i = 0; i < 20; ++i) {
    const int64_t t_us = now_us_ + i * 800'000;
    source.Lay(i == 7 ? t_us + 700'000 : t_us, {819, t_us, false, 0});
  }
  RunUntil(now_us_ + 20 * kSecond);
  const auto beats = Beats();
  ASSERT_EQ(beats.size(), 19u);
  for (size_t i = 0; i < beats.size(); ++i) EXPECT_EQ(beats[i].gap_before, i == 7);
  EXPECT_EQ(person_->refused(), 1u);
}

TEST_F(PersonTest, AFitThatMovesWithinItsBoundsLosesNoGivenBeat) {
  ScriptedSource& source = Make(Stamping::kGivenSteady);
  OpenSpool();
  const int64_t start_us = now_us_;
  SetSession(0, 1, 60'000);
  for (int64_t i = 1; i <= 100; ++i) {
    const int64_t t_us = start_us + i * 800'000;
    source.Lay(t_us, {819, t_us, false, 0});
  }
  // Anchors that each say something else within what is possible.
  for (int64_t round = 0; round < 40; ++round) {
    RunUntil(start_us + round * 2 * kSecond + 790'000);
    SetSession(round % 2 == 0 ? -50'000 : 50'000, 1, 60'000);
  }
  RunUntil(start_us + 82 * kSecond);
  EXPECT_EQ(Beats().size(), 100u);
  EXPECT_EQ(person_->refused(), 0u);
  EXPECT_EQ(clock_.steps(), 0u);
}

// A strap whose precise mode fails and comes back: nothing is bridged, and no promise is broken
// (RunUntil looks).
TEST_F(PersonTest, ASourceMayTurnFromGivenTimesToArrivalsAndBack) {
  ScriptedSource& source = Make(Stamping::kGivenSteady);
  OpenSpool();
  SetSession(0, 1);
  const int64_t start_us = now_us_;
  source.lag_us = 2 * kSecond;
  LayGiven(source, start_us, start_us + 40 * kSecond);
  RunUntil(start_us + 41 * kSecond);
  const size_t given = Beats().size();
  EXPECT_EQ(given, 50u);
  source.Turn(Stamping::kArrivalSteady);
  source.lag_us = 0;
  LayArriving(source, start_us + 42 * kSecond, start_us + 100 * kSecond);
  RunUntil(start_us + 102 * kSecond);
  const size_t arrived = Beats().size() - given;
  EXPECT_GT(arrived, 65u);
  source.Turn(Stamping::kGivenSteady);
  source.lag_us = 2 * kSecond;
  LayGiven(source, start_us + 103 * kSecond, start_us + 120 * kSecond);
  RunUntil(start_us + 125 * kSecond);
  const auto beats = Beats();
  EXPECT_GT(beats.size(), given + arrived + 18);
  std::vector<size_t> gaps;
  for (size_t i = 0; i < beats.size(); ++i) {
    if (beats[i].gap_before) gaps.push_back(i);
    // Bounds are those of the kind: a strap's own delay is not in given times.
    const bool from_arrival = i >= given && i < given + arrived;
    EXPECT_EQ(beats[i].offset_bound_us > 500'000, from_arrival) << i;
    EXPECT_EQ(beats[i].jitter_us == 3'000, !from_arrival) << i;
  }
  EXPECT_EQ(gaps, (std::vector<size_t>{given, given + arrived}));
}

// The beat clock has kept back the first seconds; they come out when the source turns.
TEST_F(PersonTest, WhatTheBeatClockHoldsIsNotLostWhenTheSourceTurns) {
  ScriptedSource& source = Make(Stamping::kArrivalSteady);
  OpenSpool();
  SetSession(0, 1);
  LayArriving(source, now_us_, now_us_ + 10 * kSecond);
  RunUntil(now_us_ + 11 * kSecond);
  EXPECT_TRUE(Beats().empty()) << "not settled";
  source.Turn(Stamping::kGivenSteady);
  source.lag_us = 2 * kSecond;
  RunUntil(now_us_ + kSecond);
  EXPECT_GE(Beats().size(), 11u);
}

TEST_F(PersonTest, ASessionSetBackLosesTimeButNothingGoesBackOrIsBridged) {
  for (const Stamping stamping : {Stamping::kGivenSteady, Stamping::kArrivalSteady}) {
    now_us_ = 100 * kSecond;
    clock_ = ClockSync();
    std::filesystem::remove_all(folder_);
    ScriptedSource& source = Make(stamping);
    OpenSpool();
    SetSession(0, 1);
    if (stamping == Stamping::kGivenSteady) {
      source.lag_us = 400'000;
      LayGiven(source, now_us_, now_us_ + 120 * kSecond);
    } else {
      LayArriving(source, now_us_, now_us_ + 120 * kSecond);
    }
    RunUntil(160 * kSecond);
    const size_t before = Beats().size();
    ASSERT_GT(before, 60u);
    SetSession(-8 * kSecond, 2);  // a new owner: session time stood still for 8 s
    EXPECT_EQ(clock_.steps(), 1u);
    RunUntil(225 * kSecond);
    const auto beats = Beats();
    ASSERT_GT(beats.size(), before + 50);
    int gaps = 0;
    for (size_t i = 1; i < beats.size(); ++i) {
      gaps += beats[i].gap_before;
      const int64_t step_us = beats[i].time_session_us - beats[i - 1].time_session_us;
      EXPECT_GT(step_us, 0);
      if (!beats[i].gap_before) {
        EXPECT_NEAR(static_cast<double>(step_us), 800'000, 2'000);
      }
    }
    EXPECT_EQ(gaps, 1);
    // The last ones are right in the new time: true time is what the source told.
    const double due_us = static_cast<double>(220 * kSecond - 8 * kSecond);
    EXPECT_NEAR(static_cast<double>(beats.back().time_session_us), due_us, 1.2e6);
  }
}

// The steady clock counts the sleep; the strap is heard again an hour later.
TEST_F(PersonTest, ASleepIsAGapAndTheTimesAfterItAreRight) {
  ScriptedSource& source = Make(Stamping::kArrivalSteady);
  OpenSpool();
  SetSession(0, 1);
  LayArriving(source, now_us_, now_us_ + 60 * kSecond);
  RunUntil(162 * kSecond);
  const size_t before = Beats().size();
  now_us_ += 3'600 * kSecond;
  clock_.Slept(now_us_);
  const int64_t awake_us = now_us_;
  LayArriving(source, awake_us, awake_us + 60 * kSecond);
  RunUntil(awake_us + 70 * kSecond);
  const auto beats = Beats();
  ASSERT_GT(beats.size(), before + 60);
  for (size_t i = before; i < beats.size(); ++i) {
    EXPECT_EQ(beats[i].gap_before, i == before);
    const double true_us =
        static_cast<double>(awake_us + RrMicros(819 * static_cast<int64_t>(i - before + 1)));
    const double error_us = static_cast<double>(beats[i].time_session_us) - true_us;
    EXPECT_LE(std::abs(error_us), beats[i].offset_bound_us);
    EXPECT_GE(beats[i].offset_bound_us, ClockSync::kSleepUs) << "as long as nobody was asked";
  }
}

TEST_F(PersonTest, NothingIsStampedBeforeASessionIsHeardOfAndARestartBeginsWithAGap) {
  ScriptedSource& source = Make(Stamping::kArrivalSteady);
  OpenSpool();
  LayArriving(source, now_us_, now_us_ + 60 * kSecond);
  RunUntil(140 * kSecond);
  EXPECT_TRUE(Beats().empty()) << "a steady clock alone says nothing";
  SetSession(-90 * kSecond, 1);
  RunUntil(170 * kSecond);
  const size_t before = Beats().size();
  EXPECT_GE(before, 74u) << "what arrived earlier was kept with its arrival";
  EXPECT_GE(Beats().front().time_session_us, 10 * kSecond);

  // The computer starts again: another zero of the steady clock, the same spool.
  now_us_ = 3 * kSecond;
  clock_ = ClockSync();
  ScriptedSource& again = Make(Stamping::kArrivalSteady);
  OpenSpool();
  LayArriving(again, now_us_, now_us_ + 40 * kSecond);
  RunUntil(now_us_ + 5 * kSecond);
  EXPECT_EQ(Beats().size(), before);
  SetSession(200 * kSecond, 1);
  RunUntil(50 * kSecond);
  const auto beats = Beats();
  ASSERT_GT(beats.size(), before + 40);
  EXPECT_TRUE(beats[before].gap_before);
  EXPECT_GE(beats[before].time_session_us, 203 * kSecond);
}

TEST_F(PersonTest, WhatTheBeatClockStillHoldsIsKeptWhenTheAgentStops) {
  ScriptedSource& source = Make(Stamping::kArrivalSteady);
  OpenSpool();
  SetSession(3 * kSecond, 1);
  LayArriving(source, now_us_, now_us_ + 10 * kSecond);
  RunUntil(now_us_ + 11 * kSecond);
  ASSERT_TRUE(Beats().empty()) << "its envelope has not settled yet";
  person_->Stop(now_us_, clock_);
  const auto beats = Beats();
  ASSERT_EQ(beats.size(), 12u);
  for (size_t i = 1; i < beats.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(beats[i].time_session_us - beats[i - 1].time_session_us),
                RrMicros(819), 2);
  }
  EXPECT_GT(beats[0].offset_bound_us, BeatClock::kStrapDelayUs) << "and says how well";
  person_->Stop(now_us_, clock_);
  EXPECT_EQ(Beats().size(), 12u);
  EXPECT_FALSE(person_->finished()) << "it may be started again";
}

TEST_F(PersonTest, AKilledAgentLosesNothingThatTheBeatClockHeld) {
  for (const int64_t killed_after_us : {3 * kSecond, 11 * kSecond, 19 * kSecond, 45 * kSecond}) {
    SetUp();
    now_us_ = 100 * kSecond;
    const int64_t begin_us = now_us_;
    LayArriving(Make(Stamping::kArrivalSteady), begin_us, begin_us + killed_after_us);
    OpenSpool();
    SetSession(3 * kSecond, 1);
    // Also what arrived with the last notification, still within its burst.
    RunUntil(begin_us + killed_after_us + 40'000);
    int64_t told = 0;
    while (begin_us + RrMicros(819 * (told + 1)) < begin_us + killed_after_us) ++told;
    person_.reset();  // as a kill would: nobody says goodbye

    now_us_ += 5 * kSecond;
    const int64_t again_us = now_us_;
    LayArriving(Make(Stamping::kArrivalSteady), again_us, again_us + 60 * kSecond);
    OpenSpool();
    RunUntil(again_us + 62 * kSecond);
    const auto beats = Beats();
    ASSERT_GT(beats.size(), static_cast<size_t>(told)) << killed_after_us;
    int64_t before = 0, gaps = 0;
    for (size_t i = 0; i < beats.size(); ++i) {
      before += beats[i].time_session_us <= again_us + 3 * kSecond - 4 * kSecond;
      gaps += beats[i].gap_before;
      if (i == 0 || beats[i].gap_before) continue;
      EXPECT_NEAR(
          static_cast<double>(beats[i].time_session_us - beats[i - 1].time_session_us) / 1000,
          static_cast<double>(RrMicros(819)) / 1000, 2)
          << i;
    }
    EXPECT_EQ(before, told) << killed_after_us << ": each once, none lost";
    EXPECT_LE(gaps, 2) << "one where it was killed, and one between the two halves at the most";
    EXPECT_GE(gaps, 1);
    TearDown();
  }
}

}  // namespace
}  // namespace attune::edge
