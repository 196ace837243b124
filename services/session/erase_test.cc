// Erasure: nothing of the person stays, and the session goes on without them.
#include <gtest/gtest.h>

#include <string>

#include "services/session/apply.h"
#include "services/session/session_core.h"
#include "services/session/state.h"
#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::kS;
using testing::Stage;
using testing::Staged;

const Viewer kLead = {v1::ROLE_FACILITATOR, 0};

std::string EverythingShown(const SessionCore& core, const Viewer& viewer) {
  std::string all = core.SnapshotFor(viewer, 0).SerializeAsString() +
                    core.HistoryFor({}, viewer).SerializeAsString();
  for (const v1::LogEntry& entry : core.LogAfter(0)) {
    if (const auto shown = core.ProjectEntry(entry, viewer)) all += shown->SerializeAsString();
  }
  return all;
}

TEST(EraseTest, NothingOfThePersonStays) {
  Staged staged = Stage(v1::SESSION_KIND_LAB, 3, 30, AllGrants(), {"us", "us"});
  Driver& driver = staged.driver;
  SessionCore& core = driver.core();
  v1::AnnotateRequest note;
  note.set_request_id("annotate-1");
  note.set_label("note about the second");
  note.set_participant(2);
  driver.Do(core.ProposeAnnotate(note, 30 * kS));
  const std::string subject = core.SubjectOf(2);
  ASSERT_EQ(subject.size(), 16u);
  ASSERT_NE(EverythingShown(core, kLead).find("P2"), std::string::npos);

  const auto record = core.ProposeErase(2, "erase-two", 31 * kS);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(core.SubjectOf(*record), "");  // readable after the key is gone
  const Effects effects = driver.Do(record);
  EXPECT_EQ(effects.erased, 2u);
  EXPECT_EQ(effects.erased_subject, subject);
  EXPECT_TRUE(effects.consent_changed);
  EXPECT_TRUE(core.IsErased(2));
  EXPECT_FALSE(core.IsActive(2));
  EXPECT_EQ(core.SubjectOf(2), "");
  EXPECT_TRUE(core.ConsentsOf(2).empty());

  const std::string shown = EverythingShown(core, kLead);
  EXPECT_EQ(shown.find("P2"), std::string::npos);
  EXPECT_EQ(shown.find("note about"), std::string::npos);
  const v1::HistoryResponse history = core.HistoryFor({}, kLead);
  ASSERT_GT(history.frames_size(), 20);
  for (const v1::Frame& frame : history.frames()) {
    for (const v1::PersonFrame& person : frame.people()) EXPECT_NE(person.participant(), 2u);
    for (const v1::PairFrame& pair : frame.pairs()) EXPECT_TRUE(pair.a() == 1 && pair.b() == 3);
  }
  const SessionCore::Checkpoint checkpoint = core.Save();
  EXPECT_EQ(checkpoint.people.size(), 2u);
  for (const auto& section : checkpoint.people) EXPECT_NE(section.subject, subject);
  EXPECT_EQ(checkpoint.shared.find("P2"), std::string::npos);
  EXPECT_EQ(checkpoint.shared.find("note about"), std::string::npos);

  // A tombstone stays.
  EXPECT_EQ(core.ProposeObservations(2, Driver::BootId(1), {}, 31 * kS).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(core.ProposeErase(2, "erase-two-again", 31 * kS).status().code(),
            absl::StatusCode::kFailedPrecondition);
  core.NoteAttached(2, true, 31 * kS);
  core.NoteComplete(2, 31 * kS);
  EXPECT_EQ(driver.Join("New", AllGrants(), 31 * kS), 4u);  // the number is never used again

  testing::PlaySeconds(staged, 30, 40);
  EXPECT_GT(core.tick(), 30u);
}

// Not only hidden: the bytes are gone from memory too.
TEST(EraseTest, KeptFramesLoseThePerson) {
  State state{Limits{}};
  Effects effects;
  v1::Frame frame;
  for (uint32_t number = 1; number <= 3; ++number) {
    v1::Joined joined;
    joined.set_participant(number);
    joined.set_subject("subject-of-" + std::to_string(number));
    ASSERT_TRUE(ApplyJoined(joined, state, effects).ok());
    frame.add_people()->set_participant(number);
    for (uint32_t other = number + 1; other <= 3; ++other) {
      frame.add_pairs()->set_a(number);
      frame.mutable_pairs()->rbegin()->set_b(other);
    }
  }
  state.frames.push_back({1, frame.SerializeAsString(), {}});
  v1::Erased erased;
  erased.set_participant(2);
  ASSERT_TRUE(ApplyErasure(erased, state, effects).ok());
  ASSERT_TRUE(frame.ParseFromString(state.frames.front().bytes));
  ASSERT_EQ(frame.people_size(), 2);
  EXPECT_EQ(frame.people(0).participant(), 1u);
  EXPECT_EQ(frame.people(1).participant(), 3u);
  ASSERT_EQ(frame.pairs_size(), 1);
  EXPECT_EQ(frame.pairs(0).b(), 3u);
  EXPECT_EQ(state.frame_bytes, state.frames.front().bytes.size());
  EXPECT_TRUE(state.book.people.at(2).subject.empty());
}

TEST(EraseTest, TheReportIsAsIfThePersonHadNeverBeen) {
  const auto finish = [](Driver& driver) {
    driver.End(0, 200 * kS);
    driver.Tick(240 * kS);
  };
  Staged with = Stage(v1::SESSION_KIND_COUPLES, 4, 200, AllGrants(), {"a", "a", "b", "b"});
  finish(with.driver);
  const v1::Report before = with.driver.Report();
  with.driver.Do(with.driver.core().ProposeReportStored(before, 241 * kS));
  EXPECT_EQ(with.driver.core().state(), v1::SESSION_STATE_CLOSED);
  EXPECT_FALSE(with.driver.core().ReportDue(300 * kS));
  with.driver.Do(with.driver.core().ProposeErase(4, "erase-four", 300 * kS));
  EXPECT_TRUE(with.driver.core().ReportDue(300 * kS));
  EXPECT_EQ(with.driver.core().ProposeReportStored(before, 300 * kS).status().code(),
            absl::StatusCode::kFailedPrecondition);
  v1::Report after = with.driver.Report();
  EXPECT_EQ(after.revision(), 2u);
  ASSERT_EQ(after.pairs_size(), 1);
  with.driver.Do(with.driver.core().ProposeReportStored(after, 301 * kS));
  EXPECT_EQ(with.driver.core().report_revision(), 2u);

  Staged without = Stage(v1::SESSION_KIND_COUPLES, 3, 200, AllGrants(), {"a", "a", "b"});
  finish(without.driver);
  after.set_revision(1);
  EXPECT_EQ(after.SerializeAsString(), without.driver.Report().SerializeAsString());
}

TEST(EraseTest, AReportBegunBeforeIsRefused) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 2, 20, AllGrants());
  Driver& driver = staged.driver;
  driver.End(0, 20 * kS);
  driver.Tick(60 * kS);
  const v1::Report report = driver.Report();
  driver.Do(driver.core().ProposeErase(1, "erase-one", 61 * kS));
  EXPECT_EQ(driver.core().ProposeReportStored(report, 61 * kS).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(driver.core().ProposeReportStored(driver.Report(), 61 * kS).ok());
}

// What a new owner reads once the key is destroyed: the person's records are only numbers.
TEST(EraseTest, AJournalWithoutThePersonStillReplays) {
  Staged staged = Stage(v1::SESSION_KIND_LAB, 3, 40, AllGrants(), {"us", "us"});
  Driver& driver = staged.driver;
  const std::string subject = driver.core().SubjectOf(1);
  std::vector<bool> gone;
  SessionCore reader;
  for (const v1::JournalRecord& record : driver.records()) {
    gone.push_back(reader.SubjectOf(record) == subject);
    ASSERT_TRUE(reader.Apply(record).ok());
  }
  driver.Do(driver.core().ProposeErase(1, "erase-one", 40 * kS));
  gone.push_back(false);
  testing::PlaySeconds(staged, 40, 45);
  gone.resize(driver.records().size(), false);

  SessionCore fresh;
  for (size_t i = 0; i < driver.records().size(); ++i) {
    const absl::Status status =
        gone[i] ? fresh.ApplyErased(i + 1) : fresh.Apply(driver.records()[i]).status();
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_TRUE(fresh.IsErased(1));
  EXPECT_EQ(fresh.tick(), driver.core().tick());
  EXPECT_EQ(fresh.BuildReport()->Step(1000), true);
  EXPECT_EQ(EverythingShown(fresh, kLead).find("P1"), std::string::npos);
}

}  // namespace
}  // namespace attune::session
