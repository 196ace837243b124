#include "services/placement/redis_directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "services/placement/conformance.h"
#include "services/placement/redis_view.h"
#include "services/redis/testing/server.h"

namespace attune::placement {
namespace {

class RedisUnderTest final : public DirectoryUnderTest {
 public:
  RedisUnderTest() { view_.EndQuarantine(); }
  Directory& directory() override { return *view_; }

 private:
  redis::testing::Server server_;
  View view_{server_.address(), "one#1", "127.0.0.1:7000", kLongUs};
};

INSTANTIATE_TEST_SUITE_P(Redis, DirectoryConformance,
                         testing::Values(DirectoryCase{
                             "redis", [] { return std::make_unique<RedisUnderTest>(); }}));

class RedisDirectoryTest : public testing::Test {
 protected:
  explicit RedisDirectoryTest(int64_t ttl_us = kLongUs) : ttl_us_(ttl_us) { a_.EndQuarantine(); }
  const int64_t ttl_us_;
  redis::testing::Server server_;
  View a_{server_.address(), "a#1", "127.0.0.1:7001", ttl_us_};
  View b_{server_.address(), "b#1", "127.0.0.1:7002", ttl_us_};
};

class RedisDirectoryShortTest : public RedisDirectoryTest {
 protected:
  RedisDirectoryShortTest() : RedisDirectoryTest(kShortUs) {}
  // Waits until b has the session.
  absl::StatusOr<Lease> TakenByB() {
    absl::StatusOr<Lease> taken = absl::UnknownError("");
    Eventually([&] { return (taken = b_->Acquire("s", 0)).ok() && taken->is_mine; });
    return taken;
  }
};

TEST(RedisDirectory, ANewServerBeginsWithAQuarantineOfOneLease) {
  redis::testing::Server server;
  SystemClock clock;
  View view(server.address(), "a#1", "127.0.0.1:7001", kShortUs);
  const int64_t begin_us = clock.SteadyMicros();
  EXPECT_TRUE(absl::IsUnavailable(view->Acquire("s", 0).status()));
  EXPECT_TRUE(Eventually([&] { return view->Acquire("s", 0).ok(); }));
  EXPECT_GE(clock.SteadyMicros() - begin_us, kShortUs - 1000) << "Redis counts whole ms";
}

TEST_F(RedisDirectoryTest, TheOtherOneLearnsWhoHasIt) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok()) << mine.status();
  const auto theirs = b_->Acquire("s", 100);
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  EXPECT_FALSE(theirs->is_mine);
  EXPECT_EQ(theirs->owner_address, "127.0.0.1:7001");
  EXPECT_EQ(theirs->epoch, mine->epoch);
  EXPECT_TRUE(theirs->nonce.empty()) << "a nonce is its owner's alone";
  const auto owner = b_->Owner("s");
  ASSERT_TRUE(owner.ok()) << owner.status();
  EXPECT_FALSE(owner->is_mine);
  EXPECT_TRUE(owner->nonce.empty());
  Lease stolen = *mine;
  EXPECT_TRUE(absl::IsFailedPrecondition(b_->Release(stolen)));
}

TEST_F(RedisDirectoryShortTest, AnExpiredLeaseIsTakenWithAHigherEpochAndItsOwnerIsOutBefore) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok()) << mine.status();
  const auto taken = TakenByB();
  ASSERT_TRUE(taken.ok()) << taken.status();
  ASSERT_TRUE(taken->is_mine);
  EXPECT_GT(a_.clock().SteadyMicros(), mine->valid_until_steady_us) << "two owners at a time";
  EXPECT_EQ(taken->epoch, mine->epoch + 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Renew(*mine).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Release(*mine)));
}

TEST(RedisDirectory, RenewingKeepsItForLongerThanALease) {
  constexpr int64_t kTtlUs = 3'000'000;  // the machine may be away for nearly all of it
  redis::testing::Server server;
  View a(server.address(), "a#1", "127.0.0.1:7001", kTtlUs);
  View b(server.address(), "b#1", "127.0.0.1:7002", kTtlUs);
  a.EndQuarantine();
  auto mine = a->Acquire("s", 0);
  ASSERT_TRUE(mine.ok()) << mine.status();
  const int64_t enough_us = a.clock().SteadyMicros() + kTtlUs * 3 / 2;
  while (a.clock().SteadyMicros() < enough_us) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    mine = a->Renew(*mine);
    ASSERT_TRUE(mine.ok()) << mine.status();
    const auto other = b->Acquire("s", 0);
    ASSERT_TRUE(other.ok()) << other.status();
    EXPECT_FALSE(other->is_mine);
  }
}

TEST_F(RedisDirectoryTest, HandedToOneNodeOnly) {
  View c(server_.address(), "c#1", "127.0.0.1:7003", kLongUs);
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok()) << mine.status();
  ASSERT_TRUE(a_->HandOff(*mine, "b#1", "127.0.0.1:7002").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Renew(*mine).status()));
  const auto named = a_->Owner("s");
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->owner_address, "127.0.0.1:7002");
  const auto other = c->Acquire("s", 0);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(other->is_mine);
  EXPECT_EQ(other->owner_address, "127.0.0.1:7002");
  const auto heir = b_->Owner("s");
  ASSERT_TRUE(heir.ok()) << heir.status();
  EXPECT_FALSE(heir->is_mine) << "not before it has acquired it";
  const auto next = b_->Acquire("s", 0);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(next->is_mine);
  EXPECT_EQ(next->epoch, mine->epoch + 1);
}

TEST_F(RedisDirectoryShortTest, ASessionThatNobodyTakesUpAfterAHandOffIsFreeAgain) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok()) << mine.status();
  ASSERT_TRUE(a_->HandOff(*mine, "gone#1", "127.0.0.1:1").ok());
  const auto taken = TakenByB();
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_TRUE(taken->is_mine);
}

TEST_F(RedisDirectoryTest, ARestartLosesNoLeaseAndLetsNobodyInMeanwhile) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok()) << mine.status();
  server_.Kill9();
  server_.Start();
  absl::StatusOr<Lease> renewed = absl::UnknownError("");
  ASSERT_TRUE(Eventually([&] {
    renewed = a_->Renew(*mine);
    return renewed.ok() || !absl::IsUnavailable(renewed.status());
  }));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  absl::StatusOr<Lease> other = absl::UnknownError("");
  EXPECT_TRUE(Eventually([&] {
    other = b_->Acquire("new", 0);
    return other.ok() ||
           std::string(other.status().message()).find("can be taken in") != std::string::npos;
  }));
  EXPECT_TRUE(absl::IsUnavailable(other.status())) << "a quarantine of one lease";
}

TEST_F(RedisDirectoryTest, AnEmptiedServerIsFilledAgainByOwnersThatLive) {
  const auto mine = a_->Acquire("s", 40);
  ASSERT_TRUE(mine.ok()) << mine.status();
  EXPECT_EQ(mine->epoch, 41u);
  server_.StartEmpty();
  absl::StatusOr<Lease> renewed = absl::UnknownError("");
  ASSERT_TRUE(Eventually([&] { return (renewed = a_->Renew(*mine)).ok(); }))
      << renewed.status() << ": put back before its time was over";
  // The other one may still be connecting.
  absl::StatusOr<Lease> owner = absl::UnknownError("");
  ASSERT_TRUE(Eventually([&] { return (owner = b_->Owner("s")).ok(); })) << owner.status();
  EXPECT_EQ(owner->epoch, 41u);
  EXPECT_EQ(owner->owner_address, "127.0.0.1:7001");
  // Who was not quick enough is not put back any more.
  a_.clock().Forward(kLongUs);
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Renew(*renewed).status()));
}

TEST_F(RedisDirectoryShortTest, NoTwoOwnersWhenTheServerForgets) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok()) << mine.status();
  server_.StartEmpty();
  // The owner is cut off and renews nothing; another one tries all the time.
  const auto taken = TakenByB();
  ASSERT_TRUE(taken.ok()) << taken.status();
  ASSERT_TRUE(taken->is_mine);
  EXPECT_GT(a_.clock().SteadyMicros(), mine->valid_until_steady_us);
}

TEST(RedisDirectory, WithoutAServerNothingIsPromised) {
  redis::testing::Server server;
  View a(server.address(), "a#1", "127.0.0.1:7001", kLongUs, /*answer_within_us=*/1'000'000);
  absl::StatusOr<Lease> mine = absl::UnknownError("");
  ASSERT_TRUE(Eventually([&] {
    a.EndQuarantine();
    return (mine = a->Acquire("s", 0)).ok();
  })) << mine.status();
  server.Kill9();
  EXPECT_TRUE(absl::IsUnavailable(a->Acquire("t", 0).status()));
  EXPECT_TRUE(absl::IsUnavailable(a->Renew(*mine).status()));
}

}  // namespace
}  // namespace attune::placement
