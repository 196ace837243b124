// Messages that are lost, doubled or spoilt although the stream goes on.
#include <gtest/gtest.h>

#include <string>

#include "edge/client/uplink_world.h"

namespace attune::edge {
namespace {

// Two people, so that a stream that lives on for one does not help the other.
void LiveThroughMishaps(World& world) {
  world.session_.lossy = true;
  world.AddPerson(1);
  world.AddPerson(2);
  world.RunFor(20 * kSecond);
  world.next_beat_us_.clear();
  world.uplink_->SetFinished(1);
  world.RunFor(60 * kSecond);
  for (const uint32_t handle : {1u, 2u}) {
    world.CheckAllThere(handle);
    EXPECT_EQ(world.uplink_->progress(handle).state, PersonState::kLive);
  }
  EXPECT_TRUE(world.session_.people[1].finished);
  EXPECT_TRUE(world.refused_.empty()) << world.refused_.begin()->second;
  world.CheckRules();
}

TEST(UplinkMishap, NoSingleMessageIsMissed) {
  for (const auto mishap : {World::Mishap::kLost, World::Mishap::kTwice, World::Mishap::kSpoilt}) {
    for (uint64_t at = 1; at < 250; ++at) {
      SCOPED_TRACE("mishap " + std::to_string(static_cast<int>(mishap)) + " to delivery " +
                   std::to_string(at));
      World world(at);
      world.mishap_ = mishap;
      world.mishap_at_ = at;
      LiveThroughMishaps(world);
      ASSERT_FALSE(testing::Test::HasFailure());
      EXPECT_EQ(world.mishaps_, 1u);
    }
  }
}

TEST(UplinkMishap, ManyMessagesGoAstray) {
  for (const auto mishap : {World::Mishap::kLost, World::Mishap::kSpoilt}) {
    for (uint64_t every = 9; every < 30; ++every) {
      SCOPED_TRACE("mishap " + std::to_string(static_cast<int>(mishap)) + " to every delivery " +
                   std::to_string(every));
      World world(every);
      world.mishap_ = mishap;
      world.mishap_at_ = world.mishap_every_ = every;
      LiveThroughMishaps(world);
      ASSERT_FALSE(testing::Test::HasFailure());
      EXPECT_GT(world.mishaps_, 5u);
    }
  }
}

// What is no accident is not tried for ever.
TEST(UplinkMishap, ANodeThatRefusesAgainAndAgainIsBelieved) {
  v1::EdgeDown refusal;
  refusal.set_handle(1);
  for (const auto reason : {v1::REFUSAL_REASON_BAD_MESSAGE, v1::REFUSAL_REASON_SEQUENCE}) {
    World world(20);
    world.AddPerson(1);
    refusal.mutable_refusal()->set_reason(reason);
    world.hello_answer_ = refusal;
    world.RunFor(10 * kSecond);
    EXPECT_TRUE(world.refused_.empty());
    world.RunFor(60 * kSecond);
    EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kRefused);
    EXPECT_EQ(world.refused_.size(), 1u);
  }
}

TEST(UplinkMishap, ReplacedOnceIsAnAccidentOftenIsAnotherAgent) {
  World world(21);
  world.AddPerson(1);
  v1::EdgeDown refusal;
  refusal.set_handle(1);
  refusal.mutable_refusal()->set_reason(v1::REFUSAL_REASON_REPLACED);
  for (int minute = 0; minute < 3; ++minute) {
    world.RunFor(70 * kSecond);
    world.session_.OnGone(world.stream_);  // as the real one: nothing is taken after it
    world.Down(refusal);
    world.RunFor(5 * kSecond);
    EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kLive) << minute;
  }
  for (int i = 0; i < kMostReplaced; ++i) {
    world.Down(refusal);
    world.RunFor(5 * kSecond);
  }
  EXPECT_EQ(world.uplink_->progress(1).state, PersonState::kRefused);
}

}  // namespace
}  // namespace attune::edge
