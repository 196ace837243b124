// How an uplink comes back: when, where to, and to whom it does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "edge/client/uplink.h"
#include "edge/client/uplink_world.h"

namespace attune::edge {
namespace {

// Agents that lost the same node do not come back together: each delay is anywhere in [0, ceiling].
TEST(UplinkReconnect, ReturnsAreSpreadOverTheWholeDelay) {
  std::vector<int64_t> waited_us;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed);
    world.AddPerson(1);
    world.RunFor(3 * kSecond);
    ASSERT_EQ(world.opened_.size(), 1u);
    world.Cut();
    const int64_t cut_us = world.now_us_;
    while (world.opened_.size() < 2) world.RunFor(1'000);
    waited_us.push_back(world.now_us_ - cut_us);
  }
  std::sort(waited_us.begin(), waited_us.end());
  EXPECT_LT(waited_us[10], 60'000);
  EXPECT_NEAR(static_cast<double>(waited_us[50]), 125'000, 40'000);
  EXPECT_GT(waited_us[90], 190'000);
  EXPECT_LT(waited_us.back(), 260'000);
}

TEST(UplinkReconnect, AServersHintIsTheLeastOfTheDelay) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    world.AddPerson(1);
    // This node is no owner any more; the stream is given up and comes again as told.
    world.session_.refusals["p1"].set_reason(v1::REFUSAL_REASON_STALE_OWNER);
    world.session_.refusals["p1"].set_retry_after_ms(4'000);
    world.RunFor(3'900'000);
    EXPECT_EQ(world.opened_.size(), 1u);
    world.session_.refusals.clear();
    world.RunFor(1'400'000 + 250'000);
    EXPECT_EQ(world.opened_.size(), 2u);
    EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kLive);
  }
}

TEST(UplinkReconnect, ARedirectToAnOwnerOfThePastIsNotFollowed) {
  World world(15);
  world.session_.epoch = 7;
  world.AddPerson(1);
  world.RunFor(3 * kSecond);
  ASSERT_EQ(world.uplink_->epoch(), 7u);
  v1::EdgeDown redirect;
  redirect.mutable_redirect()->set_address("past:1");
  redirect.mutable_redirect()->mutable_epoch_ticket()->set_epoch(6);
  world.Down(redirect);
  world.RunFor(10 * kSecond);
  EXPECT_EQ(std::count(world.opened_.begin(), world.opened_.end(), "past:1"), 0);
  EXPECT_NE(world.troubles_.front().find("no longer one"), std::string::npos);
  redirect.mutable_redirect()->set_address("present:1");
  redirect.mutable_redirect()->mutable_epoch_ticket()->set_epoch(7);
  world.Down(redirect);
  world.RunFor(2 * kSecond);
  EXPECT_EQ(world.opened_.back(), "present:1");
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  world.CheckAllThere(1);
  world.CheckRules();
}

// The highest epoch seen counts over restarts: a fresh uplink with the kept ticket refuses the
// past.
TEST(UplinkReconnect, AKeptTicketRefusesAnOlderOwnerFromTheStart) {
  v1::EpochTicket kept;
  {
    World world(16);
    world.session_.epoch = 9;
    world.events_ticket_ = [&](const v1::EpochTicket& ticket) { kept = ticket; };
    world.AddPerson(1);
    world.RunFor(3 * kSecond);
  }
  ASSERT_EQ(kept.epoch(), 9u);
  for (const bool same_epoch : {false, true}) {
    World world(17, {"node"}, kept);
    v1::EdgeDown stale;
    stale.set_handle(1);
    stale.mutable_welcome()->set_epoch(same_epoch ? 9 : 8);
    stale.mutable_welcome()->mutable_epoch_ticket()->set_session_id(world.session_.session_id);
    stale.mutable_welcome()->mutable_epoch_ticket()->set_nonce("another");
    stale.mutable_welcome()->set_resume_seq(1);
    stale.mutable_welcome()->set_credit(100);
    world.hello_answer_ = stale;
    world.AddPerson(1);
    world.RunFor(20 * kSecond);
    EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kConnecting);
    EXPECT_EQ(world.uplink_->progress(1).highest_sent, 0u) << "nothing was given to it";
    EXPECT_FALSE(world.troubles_.empty());
  }
}

TEST(UplinkReconnect, HoursOfflineAndBackNothingIsLostAndNobodyIsFlooded) {
  World world(18, {"node", "other"});
  world.AddPerson(1);
  world.AddPerson(2);
  world.RunFor(30 * kSecond);
  world.down_ = true;
  world.Cut();
  const size_t opened = world.opened_.size();
  world.RunFor(3 * 3600 * kSecond);
  const size_t attempts = world.opened_.size() - opened;
  // The delay is evenly in 0..15 s once the ceiling is reached.
  EXPECT_GT(attempts, 1'200u);
  EXPECT_LT(attempts, 1'700u);
  const uint64_t waiting = world.boxes_[1]->next_seq() - 1 - world.session_.people[1].received_seq;
  EXPECT_GT(waiting, 13'000u);
  world.down_ = false;
  world.session_.credit = 2'000;
  world.RunFor(25 * kSecond);
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  for (const uint32_t handle : {1u, 2u}) world.CheckAllThere(handle);
  world.CheckRules();
  EXPECT_EQ(world.session_.repeated_beats, 0u) << "from the node's position on";
}

}  // namespace
}  // namespace attune::edge
