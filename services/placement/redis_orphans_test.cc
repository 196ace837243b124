// Leases in bulk, the index of orphans, and what it all costs Redis.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "services/placement/redis_view.h"
#include "services/redis/testing/server.h"

namespace attune::placement {
namespace {

using Strings = std::vector<std::string>;

class RedisOrphansTest : public testing::Test {
 protected:
  explicit RedisOrphansTest(int64_t ttl_us = kLongUs) : ttl_us_(ttl_us) { a_.EndQuarantine(); }
  Lease Taken(View& view, const std::string& session) {
    const auto lease = view->Acquire(session, 0);
    EXPECT_TRUE(lease.ok() && lease->is_mine) << lease.status();
    return lease.ok() ? *lease : Lease();
  }
  Strings Orphans(View& view, size_t limit = 100) {
    auto orphans = view->Orphans(limit);
    EXPECT_TRUE(orphans.ok()) << orphans.status();
    if (!orphans.ok()) return {};
    std::sort(orphans->begin(), orphans->end());
    return *orphans;
  }
  // Commands that Redis was sent by clients until now.
  int64_t Sent() {
    const auto info = a_.client().CallAndWait({"INFO", "commandstats"});
    EXPECT_TRUE(info.ok());
    return Calls(info->text, "evalsha") + Calls(info->text, "eval");
  }
  static int64_t Calls(const std::string& info, const std::string& command) {
    const std::string begin = "cmdstat_" + command + ":calls=";
    const size_t at = info.find(begin);
    if (at == std::string::npos) return 0;
    int64_t calls = 0;
    const size_t from = at + begin.size();
    EXPECT_TRUE(absl::SimpleAtoi(info.substr(from, info.find(',', from) - from), &calls));
    return calls;
  }
  const int64_t ttl_us_;
  redis::testing::Server server_;
  View a_{server_.address(), "a#1", "127.0.0.1:7001", ttl_us_};
  View b_{server_.address(), "b#1", "127.0.0.1:7002", ttl_us_};
};

class RedisOrphansShortTest : public RedisOrphansTest {
 protected:
  RedisOrphansShortTest() : RedisOrphansTest(kShortUs) {}
};

TEST_F(RedisOrphansShortTest, SessionsOfANodeThatDiedAreToldUntilSomebodyTakesThem) {
  Taken(a_, "s");
  for (int told = 0; told < 2; ++told) {
    EXPECT_TRUE(Eventually([&] { return Orphans(b_) == Strings{"s"}; })) << told;
  }
}

TEST_F(RedisOrphansTest, WhatOneSweeperWasToldIsNotToldToTheNextAtOnce) {
  for (const char* session : {"s", "t", "u"}) {
    ASSERT_TRUE(a_->Release(Taken(a_, session)).ok());
  }
  Strings told = Orphans(b_, 2);
  EXPECT_EQ(told.size(), 2u);
  EXPECT_TRUE(Orphans(a_, 0).empty());
  for (const std::string& session : Orphans(a_)) told.push_back(session);
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, (Strings{"s", "t", "u"}));
  EXPECT_TRUE(Orphans(b_).empty());
}

TEST_F(RedisOrphansTest, GivenUpIsAnOrphanAtOnceAndClosedOrHandedOverIsNone) {
  const Lease open = Taken(a_, "open"), closed = Taken(a_, "closed"), moved = Taken(a_, "moved");
  EXPECT_TRUE(Orphans(b_).empty());
  ASSERT_TRUE(a_->Release(open).ok());
  ASSERT_TRUE(a_->Close(closed).ok());
  ASSERT_TRUE(a_->HandOff(moved, "b#1", "127.0.0.1:7002").ok());
  EXPECT_EQ(Orphans(b_), Strings{"open"});
  Taken(b_, "open");
  EXPECT_TRUE(Orphans(a_).empty());
}

TEST_F(RedisOrphansTest, AClosedSessionIsForgottenInADayUnlessItIsReadAgain) {
  const auto left_ms = [&] {
    const auto left = a_.client().CallAndWait({"PTTL", "{s}:own"});
    return left.ok() ? left->integer : 0;
  };
  const Lease lease = Taken(a_, "s");
  EXPECT_EQ(left_ms(), -1) << "an open session has no end date";
  ASSERT_TRUE(a_->Close(lease).ok());
  EXPECT_GT(left_ms(), kClosedKeptMs / 2);
  EXPECT_LE(left_ms(), kClosedKeptMs);
  const Lease again = Taken(b_, "s");
  EXPECT_GT(again.epoch, lease.epoch);
  EXPECT_EQ(left_ms(), -1) << "a lease in force must not vanish";
}

TEST_F(RedisOrphansTest, TheIndexIsMadeAgainFromWhatTheJournalLists) {
  Taken(a_, "owned");
  ASSERT_TRUE(a_.client().CallAndWait({"FLUSHALL"}).ok());
  a_.EndQuarantine();
  ASSERT_TRUE(b_->Remind({"owned", "lost", "other"}).ok());
  ASSERT_TRUE(b_->Remind({"lost"}).ok()) << "again changes nothing";
  EXPECT_TRUE(Orphans(b_).empty()) << "not before one lease";
  const auto due = b_.client().CallAndWait(
      {"ZSCORE", "attune:due:" + std::to_string(DueBucket("lost")), "lost"});
  ASSERT_TRUE(due.ok());
  EXPECT_FALSE(due->nil());
}

TEST_F(RedisOrphansShortTest, WhatWasRemindedAndIsNobodysBecomesAnOrphan) {
  ASSERT_TRUE(b_->Remind({"lost", "other"}).ok());
  Strings found;
  EXPECT_TRUE(Eventually([&] {
    for (std::string& session : Orphans(b_)) found.push_back(std::move(session));
    std::sort(found.begin(), found.end());
    return found == Strings{"lost", "other"};
  }));
}

// A session renewed every 2 s may cost Redis half a command a second; in bulk it costs a fiftieth.
TEST_F(RedisOrphansTest, ARenewalCostsLittle) {
  constexpr int kSessions = 2000;
  std::vector<Lease> leases;
  for (int i = 0; i < kSessions; ++i) leases.push_back(Taken(a_, "s" + std::to_string(i)));
  const int64_t before = Sent();
  for (const auto& renewed : a_->RenewAll(leases)) ASSERT_TRUE(renewed.ok()) << renewed.status();
  const int64_t scripts = Sent() - before;
  EXPECT_LE(scripts, kSessions / 64 + static_cast<int64_t>(kDueBuckets));
  // The few that a small node has cost at most one each.
  const std::vector<Lease> few(leases.begin(), leases.begin() + 5);
  const int64_t before_few = Sent();
  for (const auto& renewed : a_->RenewAll(few)) ASSERT_TRUE(renewed.ok());
  EXPECT_LE(Sent() - before_few, 5);
  // Each bucket has its share.
  std::vector<int> buckets(kDueBuckets);
  for (const Lease& lease : leases) ++buckets[DueBucket(lease.session)];
  EXPECT_GT(*std::min_element(buckets.begin(), buckets.end()), kSessions / 32);
}

TEST_F(RedisOrphansTest, AllLeasesSurviveAFrozenAndARestartedServer) {
  std::vector<Lease> leases;
  for (int i = 0; i < 300; ++i) leases.push_back(Taken(a_, "s" + std::to_string(i)));
  server_.Kill9();
  server_.StartEmpty();
  std::vector<absl::StatusOr<Lease>> renewed;
  const auto all_renewed = [&] {
    renewed = a_->RenewAll(leases);
    return std::all_of(renewed.begin(), renewed.end(), [](const auto& one) { return one.ok(); });
  };
  ASSERT_TRUE(Eventually(all_renewed)) << "all put back";
  // The other one may still be connecting.
  absl::StatusOr<Lease> owner = absl::UnknownError("");
  ASSERT_TRUE(Eventually([&] { return (owner = b_->Owner("s299")).ok(); })) << owner.status();
  EXPECT_EQ(owner->epoch, leases[299].epoch);
  server_.Freeze();
  std::thread thaw([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    server_.Thaw();
  });
  EXPECT_TRUE(Eventually(all_renewed));
  thaw.join();
}

}  // namespace
}  // namespace attune::placement
