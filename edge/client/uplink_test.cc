#include "edge/client/uplink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "edge/client/refusal_words.h"
#include "edge/client/uplink_world.h"

namespace attune::edge {
namespace {

TEST(Uplink, BeatsArriveOnceAndWithinTheBatchDelay) {
  World world(1);
  world.AddPerson(1);
  world.AddPerson(2);
  world.RunFor(30 * kSecond);
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  for (const uint32_t handle : {1u, 2u}) world.CheckAllThere(handle);
  world.CheckRules();
  EXPECT_EQ(world.session_.repeated_beats, 0u);
  EXPECT_LE(world.longest_delay_us_, kBatchDelayUs + 5'000);
  EXPECT_EQ(world.uplink_->progress(1).durable_seq, world.boxes_[1]->next_seq() - 1);
  EXPECT_EQ(world.boxes_[1]->durable_, world.boxes_[1]->next_seq() - 1);
}

TEST(Uplink, LogEntriesComeOnceOverReconnectsToo) {
  World world(1);
  world.AddPerson(1, /*follow=*/true);
  const auto entry = [&](uint64_t cursor) {
    v1::EdgeDown down;
    down.set_handle(1);
    down.mutable_entry()->set_cursor(cursor);
    world.Down(down);
    world.RunFor(kSecond);
  };
  world.RunFor(3 * kSecond);
  ASSERT_EQ(world.hellos_.size(), 1u);
  EXPECT_EQ(world.hellos_[0].after_cursor(), 0u);
  entry(4);
  entry(7);
  world.Cut();
  world.RunFor(20 * kSecond);
  ASSERT_EQ(world.hellos_.size(), 2u);
  EXPECT_TRUE(world.hellos_[1].follow());
  EXPECT_EQ(world.hellos_[1].after_cursor(), 7u);
  for (const uint64_t cursor : {7, 8, 8, 9}) entry(cursor);  // the node sends the past again
  EXPECT_EQ(world.cursors_, (std::vector<uint64_t>{4, 7, 8, 9}));
}

TEST(Uplink, ResumesExactlyOnceAfterACutAtEveryMessage) {
  uint64_t messages = 0;
  {
    World undisturbed(1);
    undisturbed.AddPerson(1);
    undisturbed.AddPerson(2);
    undisturbed.RunFor(12 * kSecond);
    messages = undisturbed.deliveries_;
  }
  ASSERT_GT(messages, 40u);
  for (uint64_t cut = 1; cut <= messages; ++cut) {
    World world(cut);
    world.cut_at_ = cut;
    world.AddPerson(1);
    world.AddPerson(2);
    world.RunFor(12 * kSecond);
    world.next_beat_us_.clear();
    world.RunFor(20 * kSecond);
    for (const uint32_t handle : {1u, 2u}) world.CheckAllThere(handle);
    world.CheckRules();
    if (::testing::Test::HasFailure()) FAIL() << "cut before message " << cut;
  }
}

TEST(Uplink, ManyCutsWithOwnersThatLostTheirTail) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    World world(seed);
    world.session_.credit = 1 + static_cast<uint32_t>(seed % 7);
    world.cut_at_ = 3 + seed % 5;
    world.cut_every_ = 9 + seed % 13;
    world.restart_loses_ = 1 + seed % 6;
    for (uint32_t handle = 1; handle <= 3; ++handle) world.AddPerson(handle);
    world.RunFor(60 * kSecond);
    world.next_beat_us_.clear();
    world.cut_at_ = world.cut_every_ = 0;
    world.RunFor(40 * kSecond);
    for (uint32_t handle = 1; handle <= 3; ++handle) world.CheckAllThere(handle);
    world.CheckRules();
    EXPECT_GT(world.session_.repeated_beats + world.uplink_->reconnects(), 0u);
    if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(Uplink, CreditIsNeverExceededAndNothingIsLostWhileAcksAreHeld) {
  World world(3);
  world.session_.credit = 10;
  world.session_.hold_acks = true;
  world.AddPerson(1);
  world.RunFor(10 * kSecond);
  EXPECT_EQ(world.session_.people[1].received_seq, 10u);
  EXPECT_EQ(world.uplink_->progress(1).highest_sent, 10u);
  world.CheckRules();
  world.session_.hold_acks = false;
  for (const auto& ack : world.session_.Acks(world.stream_)) world.Down(ack);
  world.RunFor(5 * kSecond);
  world.next_beat_us_.clear();
  world.RunFor(5 * kSecond);
  world.CheckAllThere(1);
  world.CheckRules();
}

TEST(Uplink, SilenceIsToldEverySecond) {
  World world(4);
  world.session_.keep_messages = true;
  world.AddPerson(1);
  world.next_beat_us_.clear();
  for (int i = 0; i < 10; ++i) {
    world.uplink_->SetComplete(1, world.session_us());
    world.RunFor(kSecond);
  }
  EXPECT_GE(world.session_.people[1].complete_us, world.session_us() - 2 * kSecond);
  int told = 0;
  for (const auto& up : world.session_.people[1].messages) told += up.has_progress();
  EXPECT_GE(told, 9);
}

TEST(Uplink, ALowerEpochIsNotAccepted) {
  World world(5);
  world.session_.epoch = 7;
  world.AddPerson(1);
  world.RunFor(5 * kSecond);
  EXPECT_EQ(world.uplink_->epoch(), 7u);
  const uint64_t before = world.session_.people[1].received_seq;
  ASSERT_GT(before, 0u);
  // A node that does not look at tickets wakes up with an old ownership.
  v1::EdgeDown stale;
  stale.set_handle(1);
  stale.mutable_welcome()->set_epoch(6);
  stale.mutable_welcome()->set_resume_seq(1);
  stale.mutable_welcome()->set_credit(100);
  world.Cut();
  world.down_ = true;
  world.RunFor(kSecond);
  world.down_ = false;
  world.hello_answer_ = stale;
  world.RunFor(10 * kSecond);
  EXPECT_EQ(world.uplink_->epoch(), 7u);
  EXPECT_EQ(world.session_.people[1].received_seq, before);
  EXPECT_NE(world.troubles_.back().find("newer owner"), std::string::npos);
  // The same epoch by another owner is as wrong.
  stale.mutable_welcome()->set_epoch(7);
  stale.mutable_welcome()->mutable_epoch_ticket()->set_nonce("other");
  world.hello_answer_ = stale;
  world.RunFor(20 * kSecond);
  EXPECT_EQ(world.session_.people[1].received_seq, before);
  EXPECT_NE(world.troubles_.back().find("another's"), std::string::npos);
  // The true one comes back.
  world.hello_answer_.reset();
  world.RunFor(30 * kSecond);
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  world.CheckAllThere(1);
  world.CheckRules();
}

TEST(Uplink, AcksOfAnotherOwnershipAndOfNumbersNeverSentAreNotBelieved) {
  World world(6);
  world.session_.credit = 3;
  world.session_.hold_acks = true;
  world.AddPerson(1);
  world.RunFor(5 * kSecond);
  v1::EdgeDown ack;
  ack.set_handle(1);
  ack.mutable_ack()->set_received_seq(3);
  ack.mutable_ack()->set_durable_seq(3);
  ack.mutable_ack()->set_credit(100);
  ack.mutable_ack()->set_epoch(99);
  world.Down(ack);
  world.RunFor(kSecond);
  EXPECT_EQ(world.uplink_->progress(1).received_seq, 0u);
  ack.mutable_ack()->set_epoch(1);
  ack.mutable_ack()->set_received_seq(1'000'000);
  ack.mutable_ack()->set_durable_seq(1'000'000);
  ack.mutable_ack()->set_credit(0);
  world.Down(ack);
  world.RunFor(kSecond);
  EXPECT_EQ(world.uplink_->progress(1).received_seq, 3u);
  EXPECT_EQ(world.boxes_[1]->durable_, 3u);
}

TEST(Uplink, OnePersonsRefusalLeavesTheOthersAlone) {
  World world(7);
  world.session_.refusals["p2"].set_reason(v1::REFUSAL_REASON_NO_CONSENT);
  world.session_.refusals["p3"].set_reason(v1::REFUSAL_REASON_OVERLOADED);
  world.session_.refusals["p3"].set_retry_after_ms(3000);
  world.session_.refusals["p4"].set_reason(v1::REFUSAL_REASON_TOKEN_EXPIRED);
  world.session_.refusals["p5"].set_reason(v1::REFUSAL_REASON_ERASED);
  for (uint32_t handle = 1; handle <= 5; ++handle) world.AddPerson(handle);
  world.RunFor(2 * kSecond);
  EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kLive);
  EXPECT_EQ(world.uplink_->progress(2).state, PersonState::kRefused);
  EXPECT_NE(world.refused_[2].find("consent"), std::string::npos);
  EXPECT_EQ(world.uplink_->progress(3).state, PersonState::kPaused);
  EXPECT_EQ(world.uplink_->progress(4).state, PersonState::kNeedsToken);
  EXPECT_EQ(world.token_needed_, std::vector<uint32_t>{4});
  EXPECT_EQ(world.over_.at(5), true);
  world.session_.refusals.clear();
  world.uplink_->SetToken(4, "p4");
  world.RunFor(10 * kSecond);
  EXPECT_EQ(world.uplink_->progress(3).state, PersonState::kLive);
  EXPECT_EQ(world.uplink_->progress(4).state, PersonState::kLive);
  EXPECT_EQ(world.uplink_->progress(2).state, PersonState::kRefused);
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  for (const uint32_t handle : {1u, 3u, 4u}) world.CheckAllThere(handle);
  EXPECT_EQ(world.opened_.size(), 1u) << "nobody else's stream was touched";
  world.CheckRules();
}

TEST(Uplink, EvictedNumbersAreSentAsGaps) {
  World world(8);
  world.AddPerson(1);
  world.down_ = true;
  world.RunFor(20 * kSecond);
  world.boxes_[1]->Evict(1, 5);
  world.boxes_[1]->Evict(9, 9);
  world.down_ = false;
  world.RunFor(20 * kSecond);
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  const auto& person = world.session_.people[1];
  EXPECT_EQ(person.missing, (std::set<uint64_t>{1, 2, 3, 4, 5, 9}));
  EXPECT_EQ(person.received_seq, world.boxes_[1]->next_seq() - 1);
  EXPECT_EQ(person.beats.size() + 6, world.boxes_[1]->next_seq() - 1);
  world.CheckRules();
}

TEST(Uplink, ANodeThatKnowsMoreThanTheOutboxIsBelieved) {
  World world(9);
  world.session_.people[1].boot_id = std::string(16, 'B');
  world.session_.people[1].received_seq = 40;
  world.AddPerson(1);
  world.RunFor(10 * kSecond);
  EXPECT_GT(world.boxes_[1]->next_seq(), 45u);
  EXPECT_GT(world.session_.people[1].beats.begin()->first, 40u);
  world.CheckRules();
}

TEST(Uplink, RedirectAndReconnectAreFollowedAndCirclesAreNot) {
  World world(10);
  world.session_.redirect.emplace();
  world.session_.redirect->set_address("owner:1");
  world.AddPerson(1);
  world.RunFor(kSecond / 2);
  ASSERT_GE(world.opened_.size(), 2u);
  EXPECT_EQ(world.opened_[0], "node");
  EXPECT_EQ(world.opened_[1], "owner:1");
  world.RunFor(5 * kSecond);
  EXPECT_FALSE(world.troubles_.empty()) << "a circle is noticed";
  world.session_.redirect.reset();
  world.RunFor(20 * kSecond);
  EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kLive);
  v1::EdgeDown reconnect;
  reconnect.mutable_reconnect()->set_address("next:1");
  reconnect.mutable_reconnect()->set_delay_ms(1500);
  world.Down(reconnect);
  const size_t before = world.opened_.size();
  world.RunFor(kSecond);
  EXPECT_EQ(world.opened_.size(), before) << "it waits as told";
  world.RunFor(kSecond);
  EXPECT_EQ(world.opened_.back(), "next:1");
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  world.CheckAllThere(1);
  world.CheckRules();
}

TEST(Uplink, TriesItsAddressesInTurnAndNoticesASilentNode) {
  World world(11, {"nowhere", "node"});
  world.AddPerson(1);
  world.RunFor(5 * kSecond);
  EXPECT_EQ(world.opened_[1], "node");
  EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kLive);
  world.mute_ = true;  // TCP stays, nobody answers
  world.RunFor(kSilenceUs + 2 * kSecond);
  EXPECT_TRUE(std::any_of(world.troubles_.begin(), world.troubles_.end(), [](const auto& words) {
    return words.find("not answered") != std::string::npos;
  }));
  world.mute_ = false;
  world.RunFor(30 * kSecond);
  world.next_beat_us_.clear();
  world.RunFor(2 * kSecond);
  world.CheckAllThere(1);
  world.CheckRules();
}

TEST(Uplink, ByeFollowsTheLastBeatAndIsSaidAgainAfterACut) {
  World world(12);
  world.AddPerson(1);
  world.RunFor(5 * kSecond);
  world.next_beat_us_.clear();
  world.uplink_->SetFinished(1);
  world.RunFor(kSecond);
  EXPECT_TRUE(world.session_.people[1].finished);
  world.session_.people[1].finished = false;
  world.Cut();
  world.RunFor(5 * kSecond);
  EXPECT_TRUE(world.session_.people[1].finished);
  world.CheckAllThere(1);
  for (const auto& closed : world.session_.Close(world.stream_, true)) world.Down(closed);
  world.RunFor(2 * kSecond);
  EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kOver);
  EXPECT_EQ(world.over_.at(1), true);
}

TEST(Uplink, StopFlushesSaysByeAndStaysAway) {
  World world(13);
  world.AddPerson(1);
  world.RunFor(5 * kSecond + 100'000);
  world.next_beat_us_.clear();
  world.boxes_[1]->Append(world.session_us(), 700);
  world.uplink_->Stop();
  world.RunFor(kSecond);
  world.CheckAllThere(1);
  EXPECT_TRUE(world.uplink_->stopped());
  EXPECT_FALSE(world.session_.people[1].finished) << "stopping is not finishing";
  const size_t opened = world.opened_.size();
  world.RunFor(30 * kSecond);
  EXPECT_EQ(world.opened_.size(), opened);
}

TEST(Uplink, HandlesAreChecked) {
  World world(14);
  MemoryOutbox box('x');
  EXPECT_FALSE(world.uplink_->Add(0, &box, "p1", v1::SENSOR_KIND_REPLAY, false).ok());
  EXPECT_FALSE(world.uplink_->Add(1001, &box, "p1", v1::SENSOR_KIND_REPLAY, false).ok());
  EXPECT_TRUE(world.uplink_->Add(1000, &box, "p1", v1::SENSOR_KIND_REPLAY, false).ok());
  EXPECT_FALSE(world.uplink_->Add(1000, &box, "p1", v1::SENSOR_KIND_REPLAY, false).ok());
}

TEST(RefusalWords, EveryReasonHasWordsThatSayWhatToDo) {
  for (int reason = 1; reason <= v1::RefusalReason_MAX; ++reason) {
    v1::Refusal refusal;
    refusal.set_reason(static_cast<v1::RefusalReason>(reason));
    refusal.set_message("node's own");
    const std::string words = InWords(refusal);
    EXPECT_NE(words.substr(0, 7), "refused") << v1::RefusalReason_Name(refusal.reason());
    EXPECT_NE(words.find("(node's own)"), std::string::npos);
  }
}

}  // namespace
}  // namespace attune::edge
