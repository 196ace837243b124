#include "edge/client/clock_sync.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

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

// What a network may do: either way slower than the other by up to 100 ms, queues, replies that
// never come, streams that break, nobody to be reached for hours; clocks that drift by 100 ppm and
// wander with the temperature.
TEST(ClockSync, TheErrorIsWithinTheUncertaintyAtAllTimes) {
  std::vector<double> online_us, offline_us, asymmetric_us;
  double largest_share = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SeededRandom random(seed);
    const double sign = seed % 2 == 0 ? 1 : -1;
    const double drift = sign * (seed % 3 == 0 ? 100e-6 : 100e-6 * random.Unit());
    const double wander = 1e-6 * random.Unit();  // +- of the drift, in a period of half an hour
    const int64_t asymmetry_us = static_cast<int64_t>(random.Below(100'001));
    const bool up_slower = random.Below(2) == 0;
    const double queue_us = 1'000 + 20'000 * random.Unit();
    const double loss = 0.3 * random.Unit();
    const double began_us = 1e9 * random.Unit();
    const auto session_at = [&](int64_t steady_us) {
      const double t = static_cast<double>(steady_us);
      const double period = 1.8e9 / (2 * M_PI);
      return std::llround(began_us + t * (1 + drift) + wander * period * std::sin(t / period));
    };
    const auto delay_us = [&](bool up) {
      double us = 2'000 + (up == up_slower ? static_cast<double>(asymmetry_us) : 0);
      us -= queue_us * std::log(1 - random.Unit());
      if (random.Below(50) == 0) us += 500'000 * random.Unit();
      return static_cast<int64_t>(us);
    };
    ClockSync clock;
    int64_t now_us = 1'000'000;
    const auto anchor = [&] {
      const int64_t sent_us = now_us;
      const int64_t there_us = sent_us + delay_us(true);
      now_us = there_us + 2'000 + delay_us(false);
      clock.Anchor(1, 1, session_at(there_us + 1'000), sent_us, now_us);
    };
    int64_t offline_until_us = 0;
    const auto check = [&](int64_t at_us) {
      const double error_us =
          std::abs(static_cast<double>(clock.SessionAt(at_us) - session_at(at_us)));
      const double bound_us = static_cast<double>(clock.UncertaintyUs(at_us));
      ASSERT_LE(error_us, bound_us) << "seed " << seed << " at " << at_us;
      largest_share = std::max(largest_share, error_us / bound_us);
      if (at_us < offline_until_us) {
        offline_us.push_back(bound_us);
      } else if (at_us > 120'000'000) {
        (asymmetry_us > 20'000 ? asymmetric_us : online_us).push_back(bound_us);
      }
    };
    anchor();
    int64_t checked_us = now_us;
    const int64_t end_us = seed % 5 == 0 ? 6 * 3'600'000'000 : 3'600'000'000;
    while (now_us < end_us) {
      if (random.Below(2'000) == 0) {
        clock.StreamLost();
        const uint64_t minutes = seed % 5 == 0 ? 180 : 10;
        offline_until_us = now_us + static_cast<int64_t>(random.Below(minutes * 60'000'000));
        for (; now_us < offline_until_us; now_us += 1'000'000) check(now_us);
        anchor();
      }
      now_us = std::max(now_us, *clock.NextProbeUs());
      for (; checked_us < now_us; checked_us += 1'000'000) check(checked_us);
      const int64_t t0_us = now_us;
      const uint64_t id = clock.ProbeSent(t0_us);
      const int64_t there_us = t0_us + delay_us(true);
      const int64_t t3_us = there_us + 100 + delay_us(false);
      if (random.Unit() < loss) continue;
      clock.ProbeReplied(id, t0_us, session_at(there_us), session_at(there_us + 100), t3_us);
      now_us = t3_us;
      check(now_us);
      if (::testing::Test::HasFatalFailure()) return;
    }
    EXPECT_EQ(clock.steps(), 0u) << "seed " << seed;
  }
  const auto median_ms = [](std::vector<double> all) {
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                     all.end());
    return all[all.size() / 2] / 1000;
  };
  std::printf(
      "uncertainty, median: %.1f ms (ways differ by up to 20 ms), %.1f ms (by 20..100 ms), "
      "%.1f ms offline; error at most %.0f %% of it\n",
      median_ms(online_us), median_ms(asymmetric_us), median_ms(offline_us), 100 * largest_share);
  EXPECT_LE(median_ms(online_us), 20);
  EXPECT_LE(median_ms(asymmetric_us), 60);
  EXPECT_LE(median_ms(offline_us), 300);
  EXPECT_GT(largest_share, 0.5) << "the bound is not far above what happens";
}

// Without a node for hours: the drift that was learnt in one hour still serves.
TEST(ClockSync, HoursOfflineCostLittleOnceTheDriftIsKnown) {
  Link link;
  link.drift_ppm = -100;
  link.jitter_us = 5'000;
  ClockSync clock;
  Anchor(clock, link, 0);
  int64_t now_us = 5'000;
  link.Run(clock, now_us, 3'600'000'000, 5'000);
  EXPECT_NEAR(clock.drift_ppm(), -100, 2);
  clock.StreamLost();
  for (const int64_t hours : {1, 3, 8}) {
    const int64_t later_us = now_us + hours * 3'600'000'000;
    const double error_us =
        std::abs(static_cast<double>(clock.SessionAt(later_us) - link.SessionAt(later_us)));
    EXPECT_LE(error_us, static_cast<double>(clock.UncertaintyUs(later_us)));
    EXPECT_LE(clock.UncertaintyUs(later_us), hours * 40'000);
  }
}

// The steady clock counts while the computer sleeps, but it learns how long only to a second or so.
TEST(ClockSync, AComputerThatSleptIsUncertainUntilTheNextProbes) {
  for (const int64_t wrong_us : {-900'000, 700'000}) {
    Link link;
    ClockSync clock;
    Anchor(clock, link, 0);
    int64_t now_us = 5'000;
    link.Run(clock, now_us, 300'000'000, 5'000);
    EXPECT_LE(clock.UncertaintyUs(now_us), 5'000);
    now_us += 3'600'000'000;
    link.offset_us -= wrong_us;  // the steady clock went on by an hour and `wrong_us`
    EXPECT_GT(std::abs(clock.SessionAt(now_us) - link.SessionAt(now_us)),
              clock.UncertaintyUs(now_us))
        << "this is why it must be told";
    clock.Slept(now_us);
    EXPECT_EQ(clock.steps(), 1u);
    EXPECT_LE(std::abs(clock.SessionAt(now_us) - link.SessionAt(now_us)),
              clock.UncertaintyUs(now_us));
    EXPECT_EQ(*clock.NextProbeUs(), now_us) << "it asks at once";
    link.Run(clock, now_us, now_us + 2'000'000, now_us);
    EXPECT_LE(clock.UncertaintyUs(now_us), 5'000);
    link.Run(clock, now_us, now_us + 600'000'000, now_us);
    EXPECT_EQ(clock.steps(), 1u);
  }
}

TEST(ClockSync, AStepOfTheSessionIsCountedOnceAndASmallMoveIsNot) {
  Link link;
  ClockSync clock;
  Anchor(clock, link, 0);
  int64_t now_us = 5'000;
  link.Run(clock, now_us, 100'000'000, 5'000);
  Anchor(clock, link, now_us, 2);  // another owner, the same time
  EXPECT_EQ(clock.steps(), 0u);
  link.offset_us -= 5'000'000;
  Anchor(clock, link, now_us, 3);
  EXPECT_EQ(clock.steps(), 1u);
  now_us += 5'000;
  link.Run(clock, now_us, now_us + 60'000'000, now_us);
  EXPECT_EQ(clock.steps(), 1u);
}

TEST(ClockSync, ARepliedProbeCountsOnce) {
  Link link;
  ClockSync clock;
  Anchor(clock, link, 0);
  const int64_t due_us = *clock.NextProbeUs();
  const uint64_t id = clock.ProbeSent(due_us);
  for (int i = 0; i < 20; ++i) {
    clock.ProbeReplied(id, due_us, link.SessionAt(due_us + 1'000), link.SessionAt(due_us + 1'000),
                       due_us + 2'000);
  }
  EXPECT_EQ(*clock.NextProbeUs(), due_us + ClockSync::kProbeSpacingUs) << "the burst goes on";
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
