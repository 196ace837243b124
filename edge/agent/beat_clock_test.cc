#include "edge/agent/beat_clock.h"

#include <gtest/gtest.h>

#include <cmath>

#include "edge/source/rr_file.h"
#include "edge/source/source.h"
#include "services/base/random.h"

namespace attune::edge {
namespace {

constexpr int64_t kSecond = 1'000'000;

// A strap: true beats at given times, told of in notifications about once a second with a delay.
struct Strap {
  SeededRandom random{11};
  double drift_ppm = 0;  // of the strap's own clock
  int64_t least_delay_us = 100'000;
  int64_t most_delay_us = 1'600'000;

  struct Told {
    uint32_t rr_1024;
    int64_t arrival_us;
    int64_t true_us;
  };
  std::vector<Told> Tell(int64_t from_us, int64_t to_us) {
    std::vector<Told> told;
    int64_t arrival_us = from_us;
    for (int64_t t_us = from_us; t_us < to_us;) {
      const auto rr_1024 = static_cast<uint32_t>(750 + random.Below(200));
      t_us += static_cast<int64_t>(static_cast<double>(RrMicros(rr_1024)) * (1 + drift_ppm * 1e-6));
      const int64_t delay_us =
          least_delay_us +
          static_cast<int64_t>(random.Below(static_cast<uint64_t>(most_delay_us - least_delay_us)));
      arrival_us = std::max(arrival_us, t_us + delay_us);
      told.push_back({rr_1024, arrival_us, t_us});
    }
    return told;
  }
};

std::vector<ClockedBeat> ClockAll(BeatClock& clock, const std::vector<Strap::Told>& told) {
  std::vector<ClockedBeat> beats;
  for (size_t i = 0; i < told.size(); ++i) {
    clock.Drain(told[i].arrival_us - 1, &beats);
    clock.Add(told[i].rr_1024, told[i].arrival_us, false, i + 1);
  }
  clock.Finish();
  clock.Drain(INT64_MAX / 4, &beats);
  return beats;
}

TEST(BeatClock, FindsTheBeatsUpToTheConstantDelay) {
  Strap strap;
  const auto told = strap.Tell(10 * kSecond, 600 * kSecond);
  BeatClock clock;
  const auto beats = ClockAll(clock, told);
  ASSERT_EQ(beats.size(), told.size());
  EXPECT_EQ(clock.epochs(), 1u);
  for (size_t i = 0; i < beats.size(); ++i) {
    const int64_t error_us = beats[i].beat.time_session_us - told[i].true_us;
    // Late by the least delay, a little more while that has not been seen.
    EXPECT_GE(error_us, 90'000);
    EXPECT_LE(error_us, 250'000);
    EXPECT_LE(std::abs(error_us), static_cast<int64_t>(beats[i].beat.offset_bound_us));
    EXPECT_EQ(beats[i].position, i + 1);
    EXPECT_FALSE(beats[i].beat.gap_before);
  }
}

TEST(BeatClock, KeepsTheFirstTwentySecondsAndThenHardlyMovesAnInterval) {
  Strap strap;
  const auto told = strap.Tell(10 * kSecond, 100 * kSecond);
  BeatClock clock;
  std::vector<ClockedBeat> beats;
  for (const auto& t : told) {
    clock.Drain(t.arrival_us - 1, &beats);
    if (t.arrival_us < told[0].arrival_us + 20 * kSecond) {
      EXPECT_TRUE(beats.empty());
    }
    clock.Add(t.rr_1024, t.arrival_us, false, 0);
  }
  clock.Finish();
  clock.Drain(INT64_MAX / 4, &beats);
  for (size_t i = 1; i < beats.size(); ++i) {
    const int64_t step_us = beats[i].beat.time_session_us - beats[i - 1].beat.time_session_us;
    EXPECT_LE(std::abs(step_us - RrMicros(beats[i].beat.rr_1024)), 250);
  }
}

TEST(BeatClock, FollowsTheDriftOfTheStrap) {
  Strap strap;
  strap.drift_ppm = 40;  // 288 ms in two hours
  strap.most_delay_us = 900'000;
  const auto told = strap.Tell(0, 7200 * kSecond);
  BeatClock clock;
  const auto beats = ClockAll(clock, told);
  EXPECT_EQ(clock.epochs(), 1u);
  const int64_t error_us = beats.back().beat.time_session_us - told.back().true_us;
  EXPECT_GE(error_us, 0);
  EXPECT_LE(error_us, 350'000);
}

TEST(BeatClock, LostTimeBeginsANewEpochWithAGap) {
  Strap strap;
  auto told = strap.Tell(0, 100 * kSecond);
  const size_t before = told.size();
  const auto later = strap.Tell(130 * kSecond, 200 * kSecond);
  told.insert(told.end(), later.begin(), later.end());
  BeatClock clock;
  const auto beats = ClockAll(clock, told);
  ASSERT_EQ(beats.size(), told.size());
  EXPECT_EQ(clock.epochs(), 2u);
  for (size_t i = 0; i < beats.size(); ++i) EXPECT_EQ(beats[i].beat.gap_before, i == before);
  EXPECT_NEAR(static_cast<double>(beats[before].beat.time_session_us - told[before].true_us),
              100'000, 250'000);
}

TEST(BeatClock, IntervalsThatWentMissingUnnoticedAreFoundByTheEnvelope) {
  Strap strap;
  strap.most_delay_us = 400'000;
  auto told = strap.Tell(0, 600 * kSecond);
  told.erase(told.begin() + 300);  // each alone is too short to be seen at once
  told.erase(told.begin() + 301);
  BeatClock clock;
  const auto beats = ClockAll(clock, told);
  EXPECT_EQ(clock.epochs(), 2u);
  EXPECT_NEAR(static_cast<double>(beats.back().beat.time_session_us - told.back().true_us), 100'000,
              60'000);
}

TEST(BeatClock, PromisesAreKept) {
  SeededRandom random(5);
  for (int trial = 0; trial < 200; ++trial) {
    Strap strap;
    strap.random = SeededRandom(static_cast<uint64_t>(trial));
    BeatClock clock;
    std::vector<ClockedBeat> beats;
    int64_t promised_us = INT64_MIN, now_us = 0;
    size_t seen = 0;
    const auto check = [&] {
      for (; seen < beats.size(); ++seen) {
        ASSERT_GT(beats[seen].beat.time_session_us, promised_us);
        if (seen > 0) {
          ASSERT_GT(beats[seen].beat.time_session_us, beats[seen - 1].beat.time_session_us);
        }
      }
      promised_us = clock.CompleteThroughUs(now_us);
    };
    for (int part = 0; part < 4; ++part) {
      const int64_t from_us = now_us + static_cast<int64_t>(random.Below(20)) * kSecond;
      for (const auto& t : strap.Tell(from_us, from_us + 30 * kSecond)) {
        for (; now_us + 250'000 < t.arrival_us; now_us += 250'000) {
          clock.Drain(now_us, &beats);
          check();
        }
        if (random.Below(40) == 0) clock.LinkLost();
        if (random.Below(30) == 0) continue;  // lost on the way
        now_us = t.arrival_us;
        clock.Add(t.rr_1024, t.arrival_us, random.Below(50) == 0, 0);
        clock.Drain(now_us, &beats);
        check();
      }
    }
    EXPECT_GT(beats.size(), 20u);
  }
}

TEST(BeatClock, SilenceIsTold) {
  Strap strap;
  const auto told = strap.Tell(0, 60 * kSecond);
  BeatClock clock;
  const auto beats = ClockAll(clock, told);
  EXPECT_EQ(clock.CompleteThroughUs(61 * kSecond), beats.back().beat.time_session_us);
  EXPECT_EQ(clock.CompleteThroughUs(100 * kSecond), 95 * kSecond);
}

TEST(BeatClock, ARealStrapStaysWithinItsBound) {
  const auto recording = ReadRecording("tests/data/polar-h10/polar_h10_rr_notifications.csv");
  ASSERT_TRUE(recording.ok()) << recording.status();
  std::vector<Strap::Told> told;
  for (const auto& interval : recording->intervals) {
    told.push_back({interval.rr_1024, 10 * kSecond + std::llround(interval.arrival_s * 1e6), 0});
  }
  BeatClock clock;
  const auto beats = ClockAll(clock, told);
  ASSERT_EQ(beats.size(), told.size());
  EXPECT_EQ(clock.epochs(), 1u) << "no gap is invented";
  for (size_t i = 0; i < beats.size(); ++i) {
    // Arrival minus cumulative RR spans 2.1 s in this recording; the beat lies at its lower edge.
    const int64_t delay_us = told[i].arrival_us - beats[i].beat.time_session_us;
    EXPECT_GE(delay_us, -350'000);
    EXPECT_LE(delay_us, 2'150'000);
    EXPECT_LE(beats[i].beat.offset_bound_us, 2'500'000u);
  }
}

}  // namespace
}  // namespace attune::edge
