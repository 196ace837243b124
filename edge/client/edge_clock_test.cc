#include "edge/client/edge_clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace attune::edge {
namespace {

TEST(EdgeClock, CountsFromTheStartOfTheComputerWithItsSleep) {
  const EdgeClock clock;
  double uptime_s = 0;
  ASSERT_TRUE(std::ifstream("/proc/uptime") >> uptime_s);  // the kernel's own, sleep included
  EXPECT_NEAR(static_cast<double>(clock.SteadyMicros()) * 1e-6, uptime_s, 5);
  int64_t last_us = clock.SteadyMicros();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now_us = clock.SteadyMicros();
    EXPECT_GE(now_us, last_us);
    last_us = now_us;
  }
}

TEST(EdgeClock, WithoutASleepNoneIsSeen) {
  const EdgeClock clock;
  SleepWatch watch(clock);
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(watch.Slept());
}

TEST(EdgeClock, EverySleepIsSeenOnceAndNtpIsNone) {
  ManualClock clock(5'000'000, 100);
  SleepWatch watch(clock);
  clock.Advance(3'600'000'000);
  clock.StepUtc(-7'200'000'000);
  EXPECT_FALSE(watch.Slept());
  for (int i = 0; i < 3; ++i) {
    clock.Sleep(60'000'000);
    EXPECT_TRUE(watch.Slept());
    EXPECT_FALSE(watch.Slept());
  }
}

}  // namespace
}  // namespace attune::edge
