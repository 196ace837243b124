#include "edge/source/polar/ecg_clock.h"

#include <algorithm>
#include <cmath>

#include "edge/source/polar/frames_for_test.h"
#include "gtest/gtest.h"

namespace attune::edge {
namespace {

using Step = EcgClock::Step;
constexpr double kPeriodS = 1 / 130.16;

std::vector<ArrivingFrame> Frames(double seconds, const FrameShape& shape = {}) {
  return FramesOf(
      std::vector<int32_t>(static_cast<size_t>(seconds / kPeriodS), 1),
      [](size_t i) { return static_cast<double>(i) * kPeriodS; }, shape);
}

Step Add(EcgClock& clock, const ArrivingFrame& one) {
  return clock.Add(one.frame.last_sample_ns, one.frame.microvolts.size(), one.arrival_us);
}

// How late a sample is said to be.
double LateMs(const EcgClock& clock, double sample, double true_s) {
  return (clock.SteadyMicros(sample) - static_cast<double>(kSteadyAtZeroUs)) / 1e3 - true_s * 1e3;
}

TEST(EcgClockTest, FollowsTheFrameThatWasDelayedLeast) {
  EcgClock clock;
  size_t sample = 0;
  double least = 1e9;
  double most = -1e9;
  for (const ArrivingFrame& one : Frames(300)) {
    EXPECT_EQ(Add(clock, one), sample == 0 ? Step::kAnew : Step::kFollows);
    sample += one.frame.microvolts.size();
    EXPECT_EQ(clock.settled(), one.arrival_us - Frames(1)[0].arrival_us >= EcgClock::kSettleUs);
    if (!clock.settled()) continue;
    for (const double back : {0.0, 0.5, 36.0, 72.9, 200.25}) {
      const double at = static_cast<double>(sample - 1) - back;
      const double late = LateMs(clock, at, at * kPeriodS);
      least = std::min(least, late);
      most = std::max(most, late);
    }
  }
  // The least delay is 30 ms; a few frames come near it within the first ten seconds.
  EXPECT_GE(least, 29.9);
  EXPECT_LE(most, 45);
  EXPECT_LE(most - least, 15) << "50 ppm at most, over 300 s";
  EXPECT_FALSE(clock.short_epoch());
}

TEST(EcgClockTest, DriftIsFollowed) {
  for (const double ppm : {-45.0, 45.0}) {
    EcgClock clock;
    size_t sample = 0;
    double worst = 0;
    for (const ArrivingFrame& one : Frames(1800, {.drift_ppm = ppm})) {
      EXPECT_NE(Add(clock, one), Step::kLoss);
      sample += one.frame.microvolts.size();
      if (!clock.settled()) continue;
      const auto at = static_cast<double>(sample - 1);
      worst = std::max(worst, std::abs(LateMs(clock, at, at * kPeriodS) - 30));
    }
    // The window is a minute long: a clock that loses is seen that much later, 2.7 ms.
    EXPECT_LE(worst, 15) << ppm;
  }
}

TEST(EcgClockTest, MissingFramesAreALoss) {
  EcgClock clock;
  const std::vector<ArrivingFrame> frames = Frames(60);
  int64_t given = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i == 40 || i == 60 || i == 61 || i == 62) continue;
    const Step step = Add(clock, frames[i]);
    EXPECT_EQ(step, i == 0 ? Step::kAnew : i == 41 || i == 63 ? Step::kLoss : Step::kFollows) << i;
    given += 73;
    if (i < 30) continue;
    // Samples are numbered as they were given; their times are those of the strap all the same.
    for (const int back : {0, 40, 72}) {
      const double true_s = (static_cast<double>(i + 1) * 73 - 1 - back) * kPeriodS;
      EXPECT_NEAR(LateMs(clock, static_cast<double>(given - 1 - back), true_s), 35, 12) << i;
    }
  }
}

TEST(EcgClockTest, SmallFramesLoseToo) {
  EcgClock clock;
  const std::vector<ArrivingFrame> frames = Frames(30, {.samples = 19});
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i == 50) continue;
    EXPECT_EQ(Add(clock, frames[i]), i == 0    ? Step::kAnew
                                     : i == 51 ? Step::kLoss
                                               : Step::kFollows)
        << i;
  }
}

TEST(EcgClockTest, FramesMetBeforeDoNotCount) {
  EcgClock clock;
  const std::vector<ArrivingFrame> frames = Frames(30);
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(Add(clock, frames[i]), i == 0 ? Step::kAnew : Step::kFollows);
    if (i % 10 != 9) continue;
    EXPECT_EQ(Add(clock, frames[i]), Step::kStale);
    EXPECT_EQ(Add(clock, frames[i - 1]), Step::kStale);
  }
  const auto last = static_cast<double>(frames.size() * 73 - 1);
  EXPECT_NEAR(LateMs(clock, last, last * kPeriodS), 35, 12);
}

TEST(EcgClockTest, StrapThatSleptBeginsAnew) {
  EcgClock clock;
  std::vector<ArrivingFrame> frames = Frames(60);
  size_t anew = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    // Its clock starts again; the link stayed.
    if (i >= 50) frames[i].frame.last_sample_ns -= 20'000'000'000;
    const Step step = Add(clock, frames[i]);
    if (i >= 50 && i < 50 + EcgClock::kMostStale) {
      EXPECT_EQ(step, Step::kStale) << i;
    } else if (step == Step::kAnew) {
      ++anew;
      EXPECT_TRUE(i == 0 || i == 50 + EcgClock::kMostStale) << i;
      EXPECT_FALSE(clock.settled());
    }
  }
  EXPECT_EQ(anew, 2u);
  EXPECT_TRUE(clock.settled());
}

TEST(EcgClockTest, StrapWhoseClockIsSetBeginsAnew) {
  EcgClock clock;
  std::vector<ArrivingFrame> frames = Frames(60);
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i >= 50) frames[i].frame.last_sample_ns += 120'000'000'000'000'000;
    EXPECT_EQ(Add(clock, frames[i]), i == 0 || i == 50 ? Step::kAnew : Step::kFollows) << i;
  }
}

TEST(EcgClockTest, EarlierThanThoughtPossibleBeginsAnew) {
  EcgClock clock;
  std::vector<ArrivingFrame> frames = Frames(60);
  // All of the first 40 s waited half a second more.
  for (ArrivingFrame& one : frames) {
    if (one.arrival_us < kSteadyAtZeroUs + 40'000'000) one.arrival_us += 500'000;
  }
  int anew = 0;
  int64_t last_us = 0;
  for (ArrivingFrame& one : frames) {
    one.arrival_us = last_us = std::max(last_us, one.arrival_us);
    anew += Add(clock, one) == Step::kAnew ? 1 : 0;
  }
  EXPECT_EQ(anew, 2);
  const auto last = static_cast<double>(frames.size() * 73 - 1);
  EXPECT_NEAR(LateMs(clock, last, last * kPeriodS), 35, 12);
}

TEST(EcgClockTest, LateFramesMoveNothing) {
  EcgClock clock;
  std::vector<ArrivingFrame> frames = Frames(120);
  int64_t last_us = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    // Bad radio for half a minute.
    if (i >= 60 && i < 110) frames[i].arrival_us += 1'500'000;
    frames[i].arrival_us = last_us = std::max(last_us, frames[i].arrival_us);
    EXPECT_EQ(Add(clock, frames[i]), i == 0 ? Step::kAnew : Step::kFollows) << i;
    if (!clock.settled()) continue;
    const auto at = static_cast<double>((i + 1) * 73 - 1);
    EXPECT_NEAR(LateMs(clock, at, at * kPeriodS), 35, 12) << i;
  }
}

TEST(EcgClockTest, LinkLostBeginsAnewAndSettleNowIsShort) {
  EcgClock clock;
  const std::vector<ArrivingFrame> frames = Frames(30);
  Add(clock, frames[0]);
  Add(clock, frames[1]);
  EXPECT_FALSE(clock.settled());
  clock.SettleNow();
  EXPECT_TRUE(clock.settled());
  EXPECT_TRUE(clock.short_epoch());
  clock.LinkLost();
  EXPECT_EQ(Add(clock, frames[2]), Step::kAnew);
  EXPECT_FALSE(clock.settled());
}

}  // namespace
}  // namespace attune::edge
