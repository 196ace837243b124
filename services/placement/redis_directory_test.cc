#include "services/placement/redis_directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "services/placement/conformance.h"
#include "services/redis/testing/server.h"

namespace attune::placement {
namespace {

constexpr int64_t kTtlUs = 2'000'000;  // long enough for a busy machine to start a server in it
constexpr int64_t kMarginUs = 200'000;

bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// One node's view of the leases.
class View {
 public:
  View(const std::string& redis, const std::string& incarnation, const std::string& address)
      : client_(Start(redis)),
        directory_({address, incarnation, kTtlUs, kMarginUs}, *client_, clock_, random_) {}
  Directory& operator*() { return directory_; }
  RedisDirectory* operator->() { return &directory_; }
  redis::Client& client() { return *client_; }
  // As if the quarantine that follows every new server were over.
  void EndQuarantine() {
    ASSERT_TRUE(client_
                    ->CallAndWait({"HSET", "attune:server", "run_id", redis::Client::kThisServer,
                                   "since_ms", "0"})
                    .ok());
  }

 private:
  std::unique_ptr<redis::Client> Start(const std::string& redis) {
    redis::ClientOptions options;
    options.addresses = {redis};
    options.scripts = DirectoryScripts();
    return redis::Client::Start(options, clock_, random_, nullptr);
  }
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<redis::Client> client_;
  RedisDirectory directory_;
};

class RedisUnderTest final : public DirectoryUnderTest {
 public:
  RedisUnderTest() { view_.EndQuarantine(); }
  Directory& directory() override { return *view_; }

 private:
  redis::testing::Server server_;
  View view_{server_.address(), "one#1", "127.0.0.1:7000"};
};

INSTANTIATE_TEST_SUITE_P(Redis, DirectoryConformance,
                         testing::Values(DirectoryCase{
                             "redis", [] { return std::make_unique<RedisUnderTest>(); }}));

class RedisDirectoryTest : public testing::Test {
 protected:
  RedisDirectoryTest() { a_.EndQuarantine(); }
  redis::testing::Server server_;
  View a_{server_.address(), "a#1", "127.0.0.1:7001"};
  View b_{server_.address(), "b#1", "127.0.0.1:7002"};
};

TEST(RedisDirectory, ANewServerBeginsWithAQuarantineOfOneLease) {
  redis::testing::Server server;
  SystemClock clock;
  const int64_t begin_us = clock.SteadyMicros();
  View view(server.address(), "a#1", "127.0.0.1:7001");
  EXPECT_TRUE(absl::IsUnavailable(view->Acquire("s", 0).status()));
  EXPECT_TRUE(Eventually([&] { return view->Acquire("s", 0).ok(); }));
  EXPECT_GE(clock.SteadyMicros() - begin_us, kTtlUs);
}

TEST_F(RedisDirectoryTest, TheOtherOneLearnsWhoHasIt) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  const auto theirs = b_->Acquire("s", 100);
  ASSERT_TRUE(theirs.ok());
  EXPECT_FALSE(theirs->is_mine);
  EXPECT_EQ(theirs->owner_address, "127.0.0.1:7001");
  EXPECT_EQ(theirs->epoch, mine->epoch);
  EXPECT_TRUE(theirs->nonce.empty()) << "a nonce is its owner's alone";
  const auto owner = b_->Owner("s");
  ASSERT_TRUE(owner.ok());
  EXPECT_FALSE(owner->is_mine);
  EXPECT_TRUE(owner->nonce.empty());
  Lease stolen = *mine;
  EXPECT_TRUE(absl::IsFailedPrecondition(b_->Release(stolen)));
}

TEST_F(RedisDirectoryTest, AnExpiredLeaseIsTakenWithAHigherEpochAndItsOwnerIsOutBefore) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  absl::StatusOr<Lease> taken = absl::UnknownError("");
  SystemClock clock;
  ASSERT_TRUE(Eventually([&] { return (taken = b_->Acquire("s", 0)).ok() && taken->is_mine; }));
  EXPECT_GT(clock.SteadyMicros(), mine->valid_until_steady_us) << "two owners at a time";
  EXPECT_EQ(taken->epoch, mine->epoch + 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Renew(*mine).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Release(*mine)));
}

TEST_F(RedisDirectoryTest, RenewingKeepsItForLongerThanALease) {
  auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(kTtlUs / 4));
    mine = a_->Renew(*mine);
    ASSERT_TRUE(mine.ok()) << mine.status();
    EXPECT_FALSE(b_->Acquire("s", 0)->is_mine);
  }
}

TEST_F(RedisDirectoryTest, HandedToOneNodeOnly) {
  View c(server_.address(), "c#1", "127.0.0.1:7003");
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  ASSERT_TRUE(a_->HandOff(*mine, "b#1", "127.0.0.1:7002").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Renew(*mine).status()));
  EXPECT_EQ(a_->Owner("s")->owner_address, "127.0.0.1:7002");
  const auto other = c->Acquire("s", 0);
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->is_mine);
  EXPECT_EQ(other->owner_address, "127.0.0.1:7002");
  EXPECT_FALSE(b_->Owner("s")->is_mine) << "not before it has acquired it";
  const auto next = b_->Acquire("s", 0);
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE(next->is_mine);
  EXPECT_EQ(next->epoch, mine->epoch + 1);
}

TEST_F(RedisDirectoryTest, ASessionThatNobodyTakesUpAfterAHandOffIsFreeAgain) {
  const auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  ASSERT_TRUE(a_->HandOff(*mine, "gone#1", "127.0.0.1:1").ok());
  EXPECT_TRUE(Eventually([&] { return b_->Acquire("s", 0)->is_mine; }));
}

TEST_F(RedisDirectoryTest, ARestartLosesNoLeaseAndLetsNobodyInMeanwhile) {
  auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  server_.Kill9();
  server_.Start();
  ASSERT_TRUE(Eventually([&] {
    const auto renewed = a_->Renew(*mine);
    if (renewed.ok()) mine = renewed;
    return renewed.ok() || !absl::IsUnavailable(renewed.status());
  }));
  ASSERT_TRUE(a_->Renew(*mine).ok());
  absl::StatusOr<Lease> other = absl::UnknownError("");
  EXPECT_TRUE(Eventually([&] {
    other = b_->Acquire("new", 0);
    return std::string(other.status().message()).find("can be taken in") != std::string::npos ||
           other.ok();
  }));
  EXPECT_TRUE(absl::IsUnavailable(other.status())) << "a quarantine of one lease";
}

TEST_F(RedisDirectoryTest, AnEmptiedServerIsFilledAgainByOwnersThatLive) {
  auto mine = a_->Acquire("s", 40);
  ASSERT_TRUE(mine.ok());
  EXPECT_EQ(mine->epoch, 41u);
  server_.StartEmpty();
  ASSERT_TRUE(Eventually([&] {
    const auto renewed = a_->Renew(*mine);
    if (renewed.ok()) mine = renewed;
    return renewed.ok();
  })) << "put back before its time was over";
  const auto owner = b_->Owner("s");
  ASSERT_TRUE(owner.ok());
  EXPECT_EQ(owner->epoch, 41u);
  EXPECT_EQ(owner->owner_address, "127.0.0.1:7001");
  // Who was not quick enough is not put back any more.
  SystemClock clock;
  while (clock.SteadyMicros() < mine->valid_until_steady_us) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(a_->Renew(*mine).status()));
}

TEST_F(RedisDirectoryTest, NoTwoOwnersWhenTheServerForgets) {
  auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  server_.StartEmpty();
  SystemClock clock;
  absl::StatusOr<Lease> taken = absl::UnknownError("");
  // The owner is cut off and renews nothing; another one tries all the time.
  ASSERT_TRUE(Eventually([&] { return (taken = b_->Acquire("s", 0)).ok() && taken->is_mine; }));
  EXPECT_GT(clock.SteadyMicros(), mine->valid_until_steady_us);
}

TEST_F(RedisDirectoryTest, WithoutAServerNothingIsPromised) {
  auto mine = a_->Acquire("s", 0);
  ASSERT_TRUE(mine.ok());
  server_.Kill9();
  EXPECT_TRUE(absl::IsUnavailable(a_->Acquire("t", 0).status()));
  const auto renewed = a_->Renew(*mine);
  EXPECT_FALSE(renewed.ok());
}

}  // namespace
}  // namespace attune::placement
