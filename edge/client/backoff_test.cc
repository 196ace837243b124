#include "edge/client/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace attune::edge {
namespace {

TEST(Backoff, DoublesItsCeilingUpToFifteenSecondsAndUsesAllOfIt) {
  SeededRandom random(1);
  int64_t ceiling_us = 250'000;
  for (int attempt = 0; attempt < 10; ++attempt) {
    int64_t least = INT64_MAX, most = 0;
    for (int trial = 0; trial < 400; ++trial) {
      Backoff backoff(random);
      int64_t delay_us = 0;
      for (int i = 0; i <= attempt; ++i) delay_us = backoff.NextDelayUs();
      least = std::min(least, delay_us);
      most = std::max(most, delay_us);
    }
    EXPECT_LE(most, ceiling_us);
    EXPECT_GT(most, ceiling_us * 9 / 10);
    EXPECT_LT(least, ceiling_us / 10);
    ceiling_us = std::min<int64_t>(ceiling_us * 2, 15'000'000);
  }
}

TEST(Backoff, ResetsAndHonoursAHint) {
  SeededRandom random(2);
  Backoff backoff(random);
  for (int i = 0; i < 20; ++i) backoff.NextDelayUs();
  backoff.Reset();
  EXPECT_LE(backoff.NextDelayUs(), 250'000);
  for (int i = 0; i < 100; ++i) {
    const int64_t delay_us = backoff.NextDelayUs(2'000'000);
    EXPECT_GE(delay_us, 2'000'000);
    EXPECT_LE(delay_us, 2'750'000);
  }
}

}  // namespace
}  // namespace attune::edge
