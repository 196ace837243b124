#include "services/placement/local_directory.h"

#include <gtest/gtest.h>

#include <string>

namespace attune::placement {
namespace {

class LocalDirectoryTest : public testing::Test {
 protected:
  SeededRandom random_{1};
  LocalDirectory directory_{"127.0.0.1:7000", random_, /*max_sessions=*/3};
};

TEST_F(LocalDirectoryTest, EpochRisesAboveLastAndFloorWithAFreshNonce) {
  const auto first = directory_.Acquire("s", 0);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->epoch, 1u);
  EXPECT_EQ(first->nonce.size(), kLeaseNonceBytes);
  EXPECT_TRUE(first->is_mine);
  EXPECT_EQ(first->owner_address, "127.0.0.1:7000");
  EXPECT_EQ(first->valid_until_steady_us, kNeverExpires);

  const auto second = directory_.Acquire("s", 41);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->epoch, 42u);
  EXPECT_NE(second->nonce, first->nonce);
  const auto third = directory_.Acquire("s", 7);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third->epoch, 43u) << "a low floor never lowers the epoch";
}

TEST_F(LocalDirectoryTest, AVoidLeaseCanNeitherRenewNorRelease) {
  const auto old = directory_.Acquire("s", 0);
  const auto now = directory_.Acquire("s", 0);
  ASSERT_TRUE(old.ok() && now.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Renew(*old).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Release(*old)));
  Lease forged = *now;
  forged.nonce = old->nonce;
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Renew(forged).status()));
  const auto owner = directory_.Owner("s");
  ASSERT_TRUE(owner.ok());
  EXPECT_EQ(owner->nonce, now->nonce);
  ASSERT_TRUE(directory_.Renew(*now).ok());
}

TEST_F(LocalDirectoryTest, ReleaseFreesTheSessionAndKeepsItsEpoch) {
  const auto lease = directory_.Acquire("s", 9);
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(directory_.Release(*lease).ok());
  EXPECT_TRUE(absl::IsNotFound(directory_.Owner("s").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Release(*lease))) << "once only";
  Lease empty = *lease;
  empty.nonce.clear();
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Renew(empty).status()));
  EXPECT_EQ(directory_.Acquire("s", 0)->epoch, 11u);
}

TEST_F(LocalDirectoryTest, RefusesWhatItCannotHold) {
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.Acquire("", 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.Acquire("s", kMaxEpoch).status()));
  EXPECT_EQ(directory_.Acquire("s", kMaxEpoch - 1)->epoch, kMaxEpoch);
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.Acquire("s", 0).status()));
}

TEST_F(LocalDirectoryTest, ForgetsFreeSessionsWhenFullAndRefusesWhenNoneIsFree) {
  const auto a = directory_.Acquire("a", 0);
  ASSERT_TRUE(a.ok() && directory_.Acquire("b", 0).ok() && directory_.Acquire("c", 0).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(directory_.Acquire("d", 0).status()));
  EXPECT_TRUE(directory_.Acquire("b", 0).ok()) << "one's own may still be taken anew";
  ASSERT_TRUE(directory_.Release(*a).ok());
  EXPECT_TRUE(directory_.Acquire("d", 0).ok());
}

}  // namespace
}  // namespace attune::placement
