#include "services/placement/conformance.h"

#include <vector>

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

TEST_P(DirectoryConformance, ManyAreRenewedAtOnceWithAnAnswerEach) {
  std::vector<Lease> leases;
  for (int i = 0; i < 200; ++i) {
    const auto lease = directory_.Acquire("s" + std::to_string(i), static_cast<uint64_t>(i));
    ASSERT_TRUE(lease.ok()) << lease.status();
    leases.push_back(*lease);
  }
  leases[3].nonce = leases[4].nonce;
  leases[100].epoch += 1;
  leases[150].session = "nobody has it";
  ASSERT_TRUE(directory_.Release(leases[199]).ok());
  const auto renewed = directory_.RenewAll(leases);
  ASSERT_EQ(renewed.size(), leases.size());
  for (size_t i = 0; i < renewed.size(); ++i) {
    if (i == 3 || i == 100 || i == 150 || i == 199) {
      EXPECT_TRUE(absl::IsFailedPrecondition(renewed[i].status())) << i;
      continue;
    }
    ASSERT_TRUE(renewed[i].ok()) << i << ": " << renewed[i].status();
    EXPECT_EQ(renewed[i]->session, leases[i].session);
    EXPECT_EQ(renewed[i]->epoch, leases[i].epoch);
    EXPECT_EQ(renewed[i]->nonce, leases[i].nonce);
    EXPECT_TRUE(renewed[i]->is_mine);
    EXPECT_GE(renewed[i]->valid_until_steady_us, leases[i].valid_until_steady_us);
  }
  EXPECT_TRUE(directory_.RenewAll({}).empty());
}

TEST_P(DirectoryConformance, AClosedSessionIsFreeAndMayBeTakenAgain) {
  const auto lease = directory_.Acquire("s", 4);
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(directory_.Close(*lease).ok());
  EXPECT_TRUE(absl::IsNotFound(directory_.Owner("s").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Close(*lease))) << "once only";
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.Renew(*lease).status()));
  const auto again = directory_.Acquire("s", 0);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->epoch, 6u);
  EXPECT_TRUE(directory_.Renew(*again).ok());
}

TEST_P(DirectoryConformance, HandingOffNeedsAnHeirAndALeaseInForce) {
  const auto old = directory_.Acquire("s", 0);
  const auto lease = directory_.Acquire("s", 0);
  ASSERT_TRUE(old.ok() && lease.ok());
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.HandOff(*lease, "", "127.0.0.1:7002")));
  EXPECT_TRUE(absl::IsInvalidArgument(directory_.HandOff(*lease, "two#1", "")));
  EXPECT_TRUE(absl::IsFailedPrecondition(directory_.HandOff(*old, "two#1", "127.0.0.1:7002")));
  EXPECT_TRUE(directory_.Renew(*lease).ok()) << "and nothing has changed";
}

TEST_P(DirectoryConformance, WhatIsOwnedIsNoOrphan) {
  ASSERT_TRUE(directory_.Acquire("s", 0).ok());
  ASSERT_TRUE(directory_.Remind({"s", ""}).ok());
  const auto orphans = directory_.Orphans(10);
  ASSERT_TRUE(orphans.ok()) << orphans.status();
  EXPECT_TRUE(orphans->empty());
}

}  // namespace
}  // namespace attune::placement
