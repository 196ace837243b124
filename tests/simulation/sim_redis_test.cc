// The simulated client keeps the words of services/redis/client.h, and the real directory works on
// it.
#include "tests/simulation/sim_redis.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "services/placement/redis_directory.h"

namespace attune::simulation {
namespace {

class SimRedisTest : public testing::Test {
 protected:
  std::unique_ptr<SimClient> Client() {
    redis::ClientOptions options;
    options.scripts = placement::DirectoryScripts();
    return std::make_unique<SimClient>(scheduler_, redis_, machine_, options, nullptr);
  }
  // As a fiber, to its end.
  void Do(const std::function<void()>& body, int64_t within_us = 60'000'000) {
    bool ended = false;
    scheduler_.Spawn([&] {
      body();
      ended = true;
    });
    const int64_t until_us = scheduler_.now_us() + within_us;
    while (!ended && scheduler_.now_us() < until_us)
      scheduler_.RunUntil(scheduler_.now_us() + 1000);
    EXPECT_TRUE(ended);
  }
  Scheduler scheduler_{3};
  SimRedis redis_{scheduler_};
  Scheduler::On machine_ = std::make_shared<Machine>();
};

TEST_F(SimRedisTest, WhetherACommandWasExecutedIsToldApart) {
  auto client = Client();
  Do([&] {
    EXPECT_TRUE(client->CallAndWait({"SET", "k", "v"}, 0).ok());
    redis_.Kill();
    const auto lost = client->CallAndWait({"INCR", "n"}, 0);
    EXPECT_FALSE(lost.ok());
    // Nobody is there: it never left.
    EXPECT_TRUE(absl::IsUnavailable(client->CallAndWait({"INCR", "n"}, 0).status()));
    redis_.Start(false);
    std::optional<redis::Reply> got;
    for (int i = 0; i < 20 && !got; ++i) {
      if (const auto reply = client->CallAndWait({"GET", "k"}, 0); reply.ok()) got = *reply;
    }
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->text, "v");
    EXPECT_EQ(client->state().servers, 2u);
  });
}

TEST_F(SimRedisTest, AFrozenServerExecutesLaterWhatWasGivenUp) {
  auto client = Client();
  Do([&] {
    ASSERT_TRUE(client->CallAndWait({"SET", "k", "v"}, 0).ok());
    redis_.Freeze();
    const auto given_up = client->CallAndWait({"INCR", "n"}, 0);
    EXPECT_EQ(given_up.status().code(), absl::StatusCode::kUnknown);
    redis_.Thaw();
    scheduler_.Sleep(3'000'000);
    EXPECT_EQ(client->CallAndWait({"GET", "n"}, 0)->text, "1");
    EXPECT_EQ(client->state().servers, 1u);
  });
}

TEST_F(SimRedisTest, ALossyFailoverLosesTheNewestWrites) {
  auto client = Client();
  Do([&] {
    ASSERT_TRUE(client->CallAndWait({"SET", "old", "1"}, 0).ok());
    scheduler_.Sleep(200'000);
    redis_.StallReplication(true);
    ASSERT_TRUE(client->CallAndWait({"SET", "new", "1"}, 0).ok());
    redis_.Start(true);
    scheduler_.Sleep(3'000'000);
    EXPECT_EQ(client->CallAndWait({"GET", "old"}, 0)->text, "1");
    EXPECT_TRUE(client->CallAndWait({"GET", "new"}, 0)->nil());
  });
}

TEST_F(SimRedisTest, TheRealDirectoryHasOneOwnerAtATime) {
  auto one = Client(), two = Client();
  MachineClock clock(scheduler_, machine_, 1, 0, 0);
  SeededRandom random(1);
  placement::RedisDirectory a({.address = "a:1", .incarnation = "a#1"}, *one, clock, random);
  placement::RedisDirectory b({.address = "b:1", .incarnation = "b#1"}, *two, clock, random);
  Do([&] {
    EXPECT_TRUE(absl::IsUnavailable(a.Acquire("s", 0).status())) << "a quarantine at first";
    scheduler_.Sleep(7'000'000);
    const auto mine = a.Acquire("s", 0);
    ASSERT_TRUE(mine.ok()) << mine.status();
    EXPECT_TRUE(mine->is_mine);
    const auto theirs = b.Acquire("s", 0);
    ASSERT_TRUE(theirs.ok()) << theirs.status();
    EXPECT_FALSE(theirs->is_mine);
    EXPECT_EQ(theirs->owner_address, "a:1");
    scheduler_.Sleep(7'000'000);
    EXPECT_TRUE(b.Acquire("s", 0)->is_mine);
    EXPECT_TRUE(absl::IsFailedPrecondition(a.Release(*mine)));
  });
}

}  // namespace
}  // namespace attune::simulation
