#include "edge/client/clock_sync.h"

#include <gtest/gtest.h>

#include <cmath>

#include "services/base/random.h"

namespace attune::edge {
namespace {

// A session whose clock runs `drift_ppm` faster than the edge's, over a link whose two ways differ.
struct Link {
  double drift_ppm = 0;
  double rate = 1;
  int64_t offset_us = 5'000'000'000;
  int64_t up_us = 2'000;  // least delay each way
  int64_t down_us = 2'000;
  int64_t jitter_us = 0;  // exponential, each way
  SeededRandom random{7};

  int64_t SessionAt(int64_t steady_us) const {
    return offset_us + std::llround(static_cast<double>(steady_us) * rate * (1 + drift_ppm * 1e-6));
  }
  int64_t Delay(int64_t least_us) {
    return least_us +
           static_cast<int64_t>(-std::log(1 - random.Unit()) * static_cast<double>(jitter_us));
  }
  // Lets the clock probe until `until_us`; returns the largest error seen against its own bound,
  // from `judge_from_us` on.
  double Run(ClockSync& clock, int64_t& now_us, int64_t until_us, int64_t judge_from_us) {
    double worst = 0;
    while (now_us < until_us) {
      now_us = std::max(now_us, *clock.NextProbeUs());
      const int64_t t0 = now_us;
      const uint64_t id = clock.ProbeSent(t0);
      const int64_t arrived_us = t0 + Delay(up_us);
      const int64_t t3 = arrived_us + 100 + Delay(down_us);
      clock.ProbeReplied(id, t0, SessionAt(arrived_us), SessionAt(arrived_us + 100), t3);
      now_us = t3;
      if (now_us >= judge_from_us) {
        const double error =
            std::abs(static_cast<double>(clock.SessionAt(now_us) - SessionAt(now_us)));
        EXPECT_LE(error, static_cast<double>(clock.UncertaintyUs(now_us))) << "at " << now_us;
        worst = std::max(worst, error);
      }
    }
    return worst;
  }
};

void Anchor(ClockSync& clock, Link& link, int64_t now_us, uint64_t epoch = 1) {
  clock.Anchor(epoch, link.rate, link.SessionAt(now_us + 1000), now_us, now_us + 5000);
}

TEST(ClockSync, AnAnchorAloneGivesSessionTimeWithinItsBound) {
  ClockSync clock;
  EXPECT_FALSE(clock.valid());
  EXPECT_FALSE(clock.NextProbeUs().has_value());
  Link link;
  Anchor(clock, link, 0);
  ASSERT_TRUE(clock.valid());
  EXPECT_LE(std::abs(clock.SessionAt(5000) - link.SessionAt(5000)), clock.UncertaintyUs(5000));
  EXPECT_LE(clock.UncertaintyUs(5000), 3000);
  EXPECT_EQ(clock.SessionAt(clock.SteadyAt(5'000'123'456)), 5'000'123'456);
}

TEST(ClockSync, SymmetricDelayAndDriftAreFollowed) {
  Link link;
  link.drift_ppm = 40;
  link.jitter_us = 5'000;
  ClockSync clock;
  Anchor(clock, link, 0);
  int64_t now_us = 5'000;
  const double worst_us = link.Run(clock, now_us, 600'000'000, 120'000'000);
  EXPECT_LT(worst_us, 2'000);
  EXPECT_NEAR(clock.drift_ppm(), 40, 5);
  // Two minutes without a node: the kept fit still holds its bound.
  const int64_t later_us = now_us + 120'000'000;
  const double error_us =
      std::abs(static_cast<double>(clock.SessionAt(later_us) - link.SessionAt(later_us)));
  EXPECT_LE(error_us, static_cast<double>(clock.UncertaintyUs(later_us)));
  EXPECT_LT(error_us, 3'000);
}

TEST(ClockSync, AsymmetricDelayStaysWithinHalfTheRoundTrip) {
  Link link;
  link.up_us = 60'000;
  link.down_us = 2'000;
  link.jitter_us = 3'000;
  ClockSync clock;
  clock.Anchor(1, 1, link.SessionAt(60'000), 0, 62'100);
  int64_t now_us = 62'100;
  link.Run(clock, now_us, 300'000'000, 62'100);
  // What no probe can see: half the difference of the two ways, here 29 ms - and the bound says so.
  EXPECT_NEAR(static_cast<double>(clock.SessionAt(now_us) - link.SessionAt(now_us)), 29'000, 3'000);
  EXPECT_GE(clock.UncertaintyUs(now_us), 29'000);
  EXPECT_LE(clock.UncertaintyUs(now_us), 45'000);
}

TEST(ClockSync, AFastSessionKeepsItsRate) {
  Link link;
  link.rate = 10;
  link.jitter_us = 1'000;
  ClockSync clock;
  Anchor(clock, link, 0);
  int64_t now_us = 5'000;
  link.Run(clock, now_us, 100'000'000, 5'000);
  EXPECT_EQ(clock.rate(), 10);
  EXPECT_LE(clock.UncertaintyUs(now_us), 60'000);  // 6 ms of real time
}

TEST(ClockSync, ANewOwnerWithAnotherTimeIsFollowedAndTheSameOneKeepsTheFit) {
  Link link;
  link.drift_ppm = 30;
  ClockSync clock;
  Anchor(clock, link, 0);
  int64_t now_us = 5'000;
  link.Run(clock, now_us, 200'000'000, 5'000);
  clock.StreamLost();
  Anchor(clock, link, now_us);
  EXPECT_NEAR(clock.drift_ppm(), 30, 5);
  // Session time stood still for 8 s while nobody owned it.
  link.offset_us -= 8'000'000;
  Anchor(clock, link, now_us, 2);
  EXPECT_LE(std::abs(clock.SessionAt(now_us) - link.SessionAt(now_us)), 5'000);
  now_us += 5'000;
  link.Run(clock, now_us, now_us + 30'000'000, now_us);
}

TEST(ClockSync, ForeignAndBrokenRepliesChangeNothing) {
  Link link;
  ClockSync clock;
  Anchor(clock, link, 0);
  const int64_t before = clock.SessionAt(1'000'000);
  clock.ProbeReplied(99, 0, 1, 2, 3);
  const uint64_t id = clock.ProbeSent(10'000);
  for (int i = 0; i < 8; ++i) {
    clock.ProbeReplied(id, 10'000, 500, 400, 11'000);  // left before it came
    clock.ProbeReplied(id, 10'000, 500, 600, 9'000);   // came back before it was sent
    clock.ProbeReplied(id + 1, 10'000, 500, 600, 11'000);
  }
  EXPECT_EQ(clock.SessionAt(1'000'000), before);
}

}  // namespace
}  // namespace attune::edge
