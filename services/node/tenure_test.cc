#include "services/node/tenure.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "services/base/clock.h"
#include "services/base/random.h"

namespace attune::node {
namespace {

constexpr int64_t kSecond = 1'000'000;

class TenureTest : public testing::Test {
 protected:
  placement::Lease Lease(const std::string& session, uint64_t epoch, int64_t until_us) {
    return {session, epoch, "nonce-" + std::to_string(epoch), "here:1", true, until_us};
  }
  bool Renewed(const placement::Lease& asked, absl::StatusOr<placement::Lease> answer,
               int64_t now_us) {
    suspended_.clear();
    return tenure_.OnRenewed(asked, answer, now_us, suspended_);
  }

  SystemRandom random_;
  Tenure tenure_{{}, random_};
  std::vector<placement::Lease> suspended_;
};

TEST_F(TenureTest, RenewsAllTogetherEveryThirdOfALease) {
  tenure_.Hold(Lease("a", 1, 5 * kSecond));
  tenure_.Hold(Lease("b", 7, 5 * kSecond));
  EXPECT_EQ(tenure_.Check(0).renew.size(), 2u);
  EXPECT_EQ(tenure_.NextUs(), 2 * kSecond);
  EXPECT_TRUE(tenure_.Check(2 * kSecond - 1).renew.empty());
  EXPECT_EQ(tenure_.Check(2 * kSecond).renew.size(), 2u);
}

TEST_F(TenureTest, ALeaseThatIsRenewedInTimeGoesOn) {
  const auto lease = Lease("a", 1, 5 * kSecond);
  tenure_.Hold(lease);
  for (int64_t now = 0; now < 60 * kSecond; now += 2 * kSecond) {
    const Tenure::Due due = tenure_.Check(now);
    ASSERT_EQ(due.renew.size(), 1u);
    EXPECT_TRUE(due.suspend.empty());
    EXPECT_TRUE(Renewed(due.renew[0], Lease("a", 1, now + 5 * kSecond), now + 1000));
    EXPECT_EQ(tenure_.ValidUntil(lease), now + 5 * kSecond);
  }
}

TEST_F(TenureTest, SuspendsAtTheEndOfTheLeaseAndNotBefore) {
  tenure_.Hold(Lease("a", 1, 5 * kSecond));
  const auto asked = tenure_.Check(0).renew;
  EXPECT_FALSE(Renewed(asked[0], absl::UnavailableError("frozen"), 2 * kSecond));
  EXPECT_TRUE(suspended_.empty()) << "the lease is still valid";
  EXPECT_LE(tenure_.NextUs(), 2 * kSecond + 300'000) << "asked again soon";
  EXPECT_TRUE(tenure_.Check(5 * kSecond - 1).suspend.empty());
  const auto due = tenure_.Check(5 * kSecond);
  ASSERT_EQ(due.suspend.size(), 1u);
  EXPECT_EQ(due.suspend[0].epoch, 1u);
  EXPECT_TRUE(due.renew.empty()) << "a lease that is over is not renewed";
  EXPECT_EQ(tenure_.suspended(), 1u);
  EXPECT_EQ(tenure_.held(), 0u);
  EXPECT_EQ(tenure_.ValidUntil(due.suspend[0]), 0);
}

TEST_F(TenureTest, AProcessThatWasStoppedFindsItsLeasesOver) {
  tenure_.Hold(Lease("a", 1, 5 * kSecond));
  tenure_.Check(kSecond);
  // Stopped for a minute: the first thing it does is to suspend, and nothing is renewed.
  const auto due = tenure_.Check(61 * kSecond);
  EXPECT_EQ(due.suspend.size(), 1u);
  EXPECT_TRUE(due.renew.empty());
}

TEST_F(TenureTest, AnAnswerThatComesAfterTheEndDoesNotSaveTheLease) {
  tenure_.Hold(Lease("a", 1, 5 * kSecond));
  const auto asked = tenure_.Check(4 * kSecond).renew;
  EXPECT_FALSE(Renewed(asked[0], Lease("a", 1, 9 * kSecond), 5 * kSecond));
  EXPECT_EQ(suspended_.size(), 1u);
  EXPECT_EQ(tenure_.ValidUntil(asked[0]), 0);
}

TEST_F(TenureTest, WhatTheDirectoryDeniesIsSuspendedAtOnce) {
  tenure_.Hold(Lease("a", 1, 5 * kSecond));
  const auto asked = tenure_.Check(0).renew;
  EXPECT_FALSE(Renewed(asked[0], absl::FailedPreconditionError("another's"), 1000));
  ASSERT_EQ(suspended_.size(), 1u);
  EXPECT_TRUE(tenure_.Check(2000).suspend.empty()) << "told once";
}

TEST_F(TenureTest, AnAnswerForAnEarlierLeaseChangesNothing) {
  tenure_.Hold(Lease("a", 1, 5 * kSecond));
  const auto asked = tenure_.Check(0).renew;
  tenure_.Hold(Lease("a", 2, 8 * kSecond));
  EXPECT_FALSE(Renewed(asked[0], absl::FailedPreconditionError("void"), 1000));
  EXPECT_TRUE(suspended_.empty());
  EXPECT_EQ(tenure_.ValidUntil(Lease("a", 2, 0)), 8 * kSecond);
  tenure_.LetGo("a", 1);
  EXPECT_EQ(tenure_.held(), 1u) << "an older owner's end is not the present one's";
  tenure_.Hold(Lease("a", 1, 99 * kSecond));
  EXPECT_EQ(tenure_.ValidUntil(Lease("a", 2, 0)), 8 * kSecond);
}

TEST_F(TenureTest, ASuspendedSessionIsTriedAgainUntilItIsHeldOrLetGo) {
  tenure_.Hold(Lease("a", 1, 5 * kSecond));
  tenure_.Check(5 * kSecond);
  int64_t now = 5 * kSecond;
  int tries = 0;
  for (; tries < 20; ++tries) {
    const int64_t next = tenure_.NextUs();
    ASSERT_LE(next, now + kSecond) << "tried at least once a second";
    now = std::max(now, next);
    const auto due = tenure_.Check(now);
    ASSERT_EQ(due.resume, std::vector<std::string>{"a"});
    EXPECT_TRUE(tenure_.Check(now).resume.empty()) << "one attempt at a time";
    tenure_.NotResumed("a", now);
  }
  EXPECT_GE(now, 10 * kSecond) << "not hammered";
  tenure_.Hold(Lease("a", 2, now + 5 * kSecond));
  EXPECT_EQ(tenure_.suspended(), 0u);
  EXPECT_EQ(tenure_.Check(now).suspend.size(), 0u);
}

TEST_F(TenureTest, WhileTheDirectoryDoesNotAnswerOnlyOneSessionAsks) {
  for (int i = 0; i < 100; ++i) tenure_.Hold(Lease("s" + std::to_string(i), 1, kSecond));
  EXPECT_EQ(tenure_.Check(kSecond).suspend.size(), 100u);
  int64_t now = 2 * kSecond;
  for (const std::string& session : tenure_.Check(now).resume) tenure_.NotResumed(session, now);
  now += 2 * kSecond;
  auto due = tenure_.Check(now);
  ASSERT_EQ(due.resume.size(), 1u);
  EXPECT_TRUE(tenure_.Check(now).resume.empty());
  EXPECT_EQ(tenure_.NextUs(), std::numeric_limits<int64_t>::max()) << "nothing until it answers";
  // It answers: all others at once.
  tenure_.Hold(Lease(due.resume[0], 2, now + 5 * kSecond));
  EXPECT_EQ(tenure_.Check(now).resume.size(), 99u);
}

TEST_F(TenureTest, LeasesThatNeverEndAreNotKept) {
  tenure_.Hold(Lease("a", 1, placement::kNeverExpires));
  EXPECT_EQ(tenure_.held(), 0u);
  EXPECT_EQ(tenure_.ValidUntil(Lease("a", 1, placement::kNeverExpires)), placement::kNeverExpires);
  EXPECT_EQ(tenure_.NextUs(), std::numeric_limits<int64_t>::max());
}

TEST_F(TenureTest, WhoeverServesItMayNoticeFirst) {
  tenure_.Hold(Lease("a", 3, 5 * kSecond));
  tenure_.Suspend("a", 2, kSecond);
  EXPECT_EQ(tenure_.suspended(), 0u) << "another ownership";
  tenure_.Suspend("a", 3, kSecond);
  EXPECT_EQ(tenure_.suspended(), 1u);
  EXPECT_EQ(tenure_.Check(2 * kSecond).resume.size(), 1u);
  tenure_.LetGo("a", 3);
  EXPECT_EQ(tenure_.suspended(), 0u);
}

}  // namespace
}  // namespace attune::node
