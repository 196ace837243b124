#include "services/placement/conformance.h"

namespace attune::placement {
namespace {

TEST_P(DirectoryConformance, EpochRisesAboveLastAndFloorWithAFreshNonce) {
  const auto first = directory_.Acquire("s", 0);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->epoch, 1u);
  EXPECT_EQ(first->nonce.size(), kLeaseNonceBytes);
  EXPECT_TRUE(first->is_mine);
  EXPECT_EQ(first->owner_address, "127.0.0.1:7000");
  EXPECT_GT(first->valid_until_steady_us, 0);

  const auto second = directory_.Acquire("s", 41);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->epoch, 42u);
  EXPECT_NE(second->nonce, first->nonce);
  const auto third = directory_.Acquire("s", 7);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third->epoch, 43u) << "a low floor never lowers the epoch";
}

TEST_P(DirectoryConformance, AVoidLeaseCanNeitherRenewNorRelease) {
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
  EXPECT_TRUE(owner->is_mine);
  EXPECT_EQ(owner->epoch, now->epoch);
  const auto renewed = directory_.Renew(*now);
  ASSERT_TRUE(renewed.ok());
  EXPECT_GE(renewed->valid_until_steady_us, now->valid_until_steady_us);
  EXPECT_EQ(renewed->nonce, now->nonce);
}

TEST_P(DirectoryConformance, ReleaseFreesTheSessionAndKeepsItsEpoch) {
  const auto lease = directory_.Acquire("s", 9);
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(directory_.Release(*lease).ok());
  EXPECT_TRUE(absl::IsNotFound(directory_.Owner("s").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Release(*lease))) << "once only";
  Lease empty = *lease;
  empty.nonce.clear();
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Renew(empty).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Renew(*lease).status()));
  EXPECT_EQ(directory_.Acquire("s", 0)->epoch, 11u);
}

TEST_P(DirectoryConformance, RefusesWhatItCannotHold) {
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.Acquire("", 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.Acquire("s", kMaxEpoch).status()));
  EXPECT_EQ(directory_.Acquire("s", kMaxEpoch - 1)->epoch, kMaxEpoch);
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.Acquire("s", 0).status()));
}

TEST_P(DirectoryConformance, SessionsDoNotTouchEachOther) {
  const auto a = directory_.Acquire("a", 5);
  const auto b = directory_.Acquire("b", 0);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(b->epoch, 1u);
  ASSERT_TRUE(directory_.Release(*a).ok());
  EXPECT_TRUE(directory_.Renew(*b).ok());
  EXPECT_TRUE(absl::IsNotFound(directory_.Owner("c").status()));
}

}  // namespace
}  // namespace attune::placement
