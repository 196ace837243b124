#include "services/session/checkpoint.h"

#include <gtest/gtest.h>

#include <string>

#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::Heart;
using testing::kS;
using testing::Stage;
using testing::Staged;

const Viewer kLead = {v1::ROLE_FACILITATOR, 0};

// One of everything that a session can hold.
Staged Eventful() {
  Staged staged = Stage(v1::SESSION_KIND_LAB, 3, 160, AllGrants(), {"us", "us"});
  Driver& driver = staged.driver;
  SessionCore& core = driver.core();
  const int64_t now_us = 160 * kS;
  v1::AnnotateRequest mark;
  mark.set_request_id("annotate-1");
  mark.set_label("phase");
  mark.set_begins_phase(true);
  driver.Do(core.ProposeAnnotate(mark, now_us));
  mark.set_request_id("annotate-2");
  mark.set_label("about P2");
  mark.set_begins_phase(false);
  mark.set_participant(2);
  driver.Do(core.ProposeAnnotate(mark, now_us));
  v1::StartPracticeRequest practice;
  practice.set_request_id("practice-1");
  practice.set_kind(v1::PRACTICE_KIND_LISTENING);
  practice.set_planned_us(3600 * kS);
  driver.Do(core.ProposeStartPractice(practice, now_us));
  v1::SubmitMeasureRequest measure;
  measure.set_request_id("measure-1");
  measure.set_scale("presence");
  measure.set_value(3);
  driver.Do(core.ProposeMeasure(1, measure, now_us));
  v1::RevokeTokenRequest revoke;
  revoke.set_request_id("revoke-01");
  revoke.set_token_id("token-1");
  driver.Do(core.ProposeRevoke(revoke, now_us));
  driver.Do(core.ProposeViewerJoined(kLead, now_us));
  driver.Consent(3, v1::PURPOSE_REPORT, v1::AUDIENCE_SELF, false, now_us);
  driver.Join("Gone", AllGrants(), now_us);
  driver.Do(core.ProposeErase(4, "erase-four", now_us));
  driver.Join("Left", AllGrants(), now_us);
  driver.Do(core.ProposeLeave(5, "leave-five", now_us));
  for (auto& heart : staged.hearts) heart.clear();
  for (uint64_t i = 0; i < 3; ++i) {
    staged.hearts[i] = Heart({i + 1, i / 2 + 1, 0.8 + 0.03 * static_cast<double>(i), 0, 200 * kS});
  }
  return staged;
}

TEST(CheckpointTest, NothingIsLost) {
  Staged staged = Eventful();
  const SessionCore& core = staged.driver.core();
  const SessionCore::Checkpoint checkpoint = core.Save();
  const auto restored = SessionCore::Restore(checkpoint);
  ASSERT_TRUE(restored.ok()) << restored.status();
  const SessionCore::Checkpoint again = restored->Save();
  EXPECT_EQ(again.number, checkpoint.number);
  EXPECT_EQ(again.shared, checkpoint.shared);
  ASSERT_EQ(again.people.size(), checkpoint.people.size());
  for (size_t i = 0; i < again.people.size(); ++i) {
    EXPECT_EQ(again.people[i].bytes, checkpoint.people[i].bytes) << i;
    EXPECT_EQ(again.people[i].subject, checkpoint.people[i].subject) << i;
  }
  for (const Viewer& viewer : {kLead, Viewer{v1::ROLE_PARTICIPANT, 2}}) {
    v1::Snapshot was = core.SnapshotFor(viewer, 160 * kS);
    v1::Snapshot is = restored->SnapshotFor(viewer, 160 * kS);
    was.clear_people();  // links are not saved
    is.clear_people();
    EXPECT_EQ(is.SerializeAsString(), was.SerializeAsString());
  }
  EXPECT_EQ(restored->LogAfter(0).size(), core.LogAfter(0).size());
  EXPECT_TRUE(restored->IsRevoked("token-1"));
  EXPECT_TRUE(restored->IsErased(4));
  EXPECT_EQ(restored->ResultOf("annotate-2"), 2u);
  EXPECT_EQ(restored->ProposeViewerLeft(1, 160 * kS).ok(), true);
}

TEST(CheckpointTest, GoesOnBitIdentically) {
  Staged staged = Eventful();
  testing::PlaySeconds(staged, 160, 200);
  Staged other = Eventful();
  other.driver.SaveAndRestore();
  for (uint32_t i = 1; i <= 3; ++i) other.driver.core().NoteAttached(i, true, 160 * kS);
  testing::PlaySeconds(other, 160, 200);
  EXPECT_EQ(other.driver.frames(), staged.driver.frames());
  for (Staged* each : {&staged, &other}) {
    each->driver.End(0, 200 * kS);
    each->driver.Tick(230 * kS);
  }
  EXPECT_EQ(other.driver.Report().SerializeAsString(), staged.driver.Report().SerializeAsString());
}

TEST(CheckpointTest, AReleasedGroupStaysReleasedAndAHeldOneHeld) {
  for (const int seconds : {290, 320}) {
    Staged staged = Stage(v1::SESSION_KIND_TEAM, 4, seconds, AllGrants());
    const auto released = [&] {
      const v1::Frame shown = staged.driver.core().ProjectFrame(*staged.driver.last_frame(), kLead);
      return shown.group().people() > 0;
    };
    EXPECT_EQ(released(), seconds > 303);
    staged.driver.SaveAndRestore();
    for (uint32_t i = 1; i <= 4; ++i) {
      staged.driver.core().NoteAttached(i, true, seconds * kS);
      staged.driver.core().NoteComplete(i, (seconds + 3) * kS);
    }
    staged.driver.Tick((seconds + 3) * kS);
    EXPECT_EQ(staged.driver.core().tick(), static_cast<uint64_t>(seconds));
    EXPECT_EQ(released(), seconds > 303);
  }
}

TEST(CheckpointTest, TheSharedSectionTellsOfNobody) {
  Staged staged = Eventful();
  const SessionCore::Checkpoint checkpoint = staged.driver.core().Save();
  for (const char* words : {"P1", "P2", "P3", "Left", "about P2", "presence", "subject:"}) {
    EXPECT_EQ(checkpoint.shared.find(words), std::string::npos) << words;
  }
  ASSERT_EQ(checkpoint.people.size(), 4u);
  EXPECT_NE(checkpoint.people[1].bytes.find("about P2"), std::string::npos);
  EXPECT_EQ(checkpoint.people[0].bytes.find("P2"), std::string::npos);
}

TEST(CheckpointTest, APersonWhoseSectionIsGoneIsErased) {
  Staged staged = Eventful();
  SessionCore::Checkpoint checkpoint = staged.driver.core().Save();
  checkpoint.people.erase(checkpoint.people.begin() + 1);
  auto restored = SessionCore::Restore(checkpoint);
  ASSERT_TRUE(restored.ok());
  EXPECT_TRUE(restored->IsErased(2));
  EXPECT_FALSE(restored->IsErased(1));
  for (const v1::Presence& presence : restored->PresenceFor(kLead, 160 * kS)) {
    EXPECT_NE(presence.participant(), 2u);
  }
  // The journal goes on: the erasure itself, and ticks whose digests cannot be compared.
  v1::JournalRecord erased;
  erased.set_number(checkpoint.number + 1);
  erased.mutable_erased()->set_participant(2);
  ASSERT_TRUE(restored->Apply(erased).ok());
  v1::JournalRecord tick;
  tick.set_number(checkpoint.number + 2);
  tick.mutable_tick_closed()->set_tick(restored->tick() + 1);
  EXPECT_TRUE(restored->Apply(tick).ok());
}

TEST(CheckpointTest, DamageIsSeen) {
  Staged staged = Eventful();
  const SessionCore::Checkpoint good = staged.driver.core().Save();
  SessionCore::Checkpoint bad = good;
  bad.shared = "not a message";
  EXPECT_EQ(SessionCore::Restore(bad).status().code(), absl::StatusCode::kDataLoss);
  bad = good;
  bad.number += 1;
  EXPECT_EQ(SessionCore::Restore(bad).status().code(), absl::StatusCode::kDataLoss);
  bad = good;
  testing::PlaySeconds(staged, 160, 165);
  bad.people[0] = staged.driver.core().Save().people[0];  // of a later state
  EXPECT_EQ(SessionCore::Restore(bad).status().code(), absl::StatusCode::kDataLoss);
  bad = good;
  v1::CheckpointShared shared;
  ASSERT_TRUE(shared.ParseFromString(bad.shared));
  shared.set_version(99);
  bad.shared = shared.SerializeAsString();
  EXPECT_EQ(SessionCore::Restore(bad).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace attune::session
