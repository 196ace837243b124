// When ticks close, and whom their frames are about.
#include "services/session/ticks.h"

#include <gtest/gtest.h>

#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::Heart;
using testing::HeartBeat;
using testing::kMs;
using testing::kS;

constexpr int64_t kHorizonUs = 3 * kS;
constexpr int64_t kLatenessUs = 5 * kS;

std::vector<HeartBeat> OneHeart(int64_t from_us = 0) {
  testing::HeartSpec spec;
  spec.from_us = from_us;
  spec.to_us = 300 * kS;
  return Heart(spec);
}

// Beats up to the time, all of them; complete through it.
void SendThrough(Driver& driver, uint32_t person, const std::vector<HeartBeat>& beats,
                 int64_t through_us, int64_t now_us) {
  const auto from = static_cast<size_t>(driver.core().Cursor(person, Driver::BootId(1)));
  size_t to = from;
  while (to < beats.size() && beats[to].time_us <= through_us) ++to;
  driver.Send(person, beats, from, to, through_us, now_us);
}

TEST(TicksTest, WithNobodyTicksCloseByTimeAlone) {
  Driver driver(v1::SESSION_KIND_TEAM);
  driver.Tick(1 * kS + kHorizonUs + kLatenessUs - 1);
  EXPECT_EQ(driver.core().tick(), 0u);
  EXPECT_EQ(driver.core().NextDeadlineUs(), 1 * kS + kHorizonUs + kLatenessUs);
  driver.Tick(1 * kS + kHorizonUs + kLatenessUs);
  EXPECT_EQ(driver.core().tick(), 1u);
  EXPECT_EQ(driver.core().ticks_by_lateness(), 0u);  // nobody was missed
  EXPECT_EQ(driver.last_frame()->people_size(), 0);
}

TEST(TicksTest, ClosesAtOnceWhenEverybodyIsComplete) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  const uint32_t b = driver.Join("B", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  driver.core().NoteAttached(b, true, 0);
  driver.core().NoteComplete(a, 1 * kS + kHorizonUs);
  driver.Tick(4 * kS);
  EXPECT_EQ(driver.core().tick(), 0u);
  driver.core().NoteComplete(b, 1 * kS + kHorizonUs - 1);
  driver.Tick(4 * kS);
  EXPECT_EQ(driver.core().tick(), 0u);
  driver.core().NoteComplete(b, 1 * kS + kHorizonUs);
  driver.Tick(4 * kS);
  EXPECT_EQ(driver.core().tick(), 1u);
  EXPECT_EQ(driver.core().ticks_by_lateness(), 0u);
}

TEST(TicksTest, NeverBeforeItsEnd) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  driver.core().NoteComplete(a, 60 * kS);
  driver.Tick(5 * kS - 1);
  EXPECT_EQ(driver.core().tick(), 4u);
  EXPECT_EQ(driver.core().NextDeadlineUs(), 5 * kS);
}

TEST(TicksTest, WaitsForTheLateUpToTheLimit) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  const uint32_t b = driver.Join("B", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  driver.core().NoteAttached(b, true, 0);
  driver.core().NoteComplete(a, 60 * kS);
  driver.Tick(9 * kS - 1);
  EXPECT_EQ(driver.core().tick(), 0u);
  driver.Tick(9 * kS);
  EXPECT_EQ(driver.core().tick(), 1u);
  EXPECT_EQ(driver.core().ticks_by_lateness(), 1u);
}

TEST(TicksTest, ABrokenLinkIsWaitedForFifteenSeconds) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  const uint32_t b = driver.Join("B", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  driver.core().NoteAttached(b, true, 0);
  const std::vector<HeartBeat> beats = OneHeart();
  SendThrough(driver, a, beats, 20 * kS, 20 * kS);
  SendThrough(driver, b, beats, 20 * kS, 20 * kS);
  driver.Tick(20 * kS);
  EXPECT_EQ(driver.core().tick(), 17u);
  driver.core().NoteAttached(b, false, 20 * kS);
  SendThrough(driver, a, beats, 40 * kS, 40 * kS);
  // Tick 18 needs 21 s and may be late until 26 s; at 35 s nobody waits for b any more.
  driver.Tick(26 * kS - 1);
  EXPECT_EQ(driver.core().tick(), 17u);
  driver.Tick(34 * kS);
  EXPECT_EQ(driver.core().tick(), 26u);
  driver.Tick(35 * kS);
  EXPECT_EQ(driver.core().tick(), 35u);
  // Honest about it all the same: b's beats may be missing.
  EXPECT_EQ(driver.core().ticks_by_lateness(), 18u);
  driver.Do(driver.core().ProposeLeave(b, "leave-b-1", 36 * kS));
  driver.Tick(37 * kS);
  EXPECT_EQ(driver.core().ticks_by_lateness(), 18u);
}

TEST(TicksTest, TimeWithoutAnOwnerDoesNotCount) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  const std::vector<HeartBeat> beats = OneHeart();
  SendThrough(driver, a, beats, 20 * kS, 20 * kS);
  driver.Tick(20 * kS);
  ASSERT_EQ(driver.core().tick(), 17u);
  // The owner is gone for five minutes.
  driver.Replay();
  driver.Owner(320 * kS);
  driver.Tick(320 * kS);
  EXPECT_EQ(driver.core().tick(), 17u);
  driver.Tick(320 * kS + 10 * kS + kLatenessUs - 1);  // to come back, and to be late
  EXPECT_EQ(driver.core().tick(), 17u);
  driver.core().NoteAttached(a, true, 334 * kS);
  SendThrough(driver, a, beats, 290 * kS, 334 * kS);
  driver.Tick(334 * kS);
  EXPECT_EQ(driver.core().tick(), 287u);
  EXPECT_EQ(driver.core().ticks_by_lateness(), 0u);
  EXPECT_EQ(driver.core().late_beats(), 0u);
}

// Three kills in a row left a session without a frame: a partner who only looked was waited for.
TEST(TicksTest, AfterAChangeOfOwnerWhoNeverSentIsNotWaitedForLong) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t sender = driver.Join("sender", AllGrants(), 0);
  driver.Join("only looks", AllGrants(), 0);
  const std::vector<HeartBeat> beats = OneHeart();
  driver.core().NoteAttached(sender, true, 0);
  SendThrough(driver, sender, beats, 20 * kS, 20 * kS);
  driver.Tick(20 * kS);
  ASSERT_EQ(driver.core().tick(), 17u);
  driver.Replay();
  driver.Owner(25 * kS);
  driver.core().NoteAttached(sender, true, 25 * kS);
  SendThrough(driver, sender, beats, 26 * kS, 26 * kS);
  driver.Tick(27 * kS - 1);
  EXPECT_EQ(driver.core().tick(), 17u);
  driver.Tick(27 * kS);
  EXPECT_EQ(driver.core().tick(), 23u);
  EXPECT_EQ(driver.core().ticks_by_lateness(), 0u);
}

TEST(TicksTest, WhenEverySourceHasEndedNobodyWaits) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  SendThrough(driver, a, OneHeart(), 20 * kS, 20 * kS);
  driver.Do(**driver.core().ProposeSourceFinished(a, 20 * kS));
  EXPECT_FALSE(driver.core().ProposeSourceFinished(a, 20 * kS)->has_value());
  driver.core().NoteAttached(a, false, 20 * kS);
  driver.Tick(30 * kS);
  EXPECT_EQ(driver.core().tick(), 27u);
  driver.End(0, 30 * kS);
  driver.Tick(30 * kS);
  EXPECT_EQ(driver.core().tick(), 30u);
  EXPECT_EQ(driver.core().NextDeadlineUs(), std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(driver.core().ReportDue(30 * kS));
}

TEST(TicksTest, NoTickAfterTheEnd) {
  Driver driver(v1::SESSION_KIND_TEAM, 3, 20 * kS + 500 * kMs);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  driver.core().NoteComplete(a, 100 * kS);
  driver.Tick(60 * kS);
  EXPECT_EQ(driver.core().tick(), 20u);
  EXPECT_EQ(driver.core().state(), v1::SESSION_STATE_ENDING);
  EXPECT_EQ(driver.core().Info(60 * kS).ended_session_us(), 20 * kS + 500 * kMs);
  EXPECT_FALSE(driver.core().ReportDue(35 * kS));
  EXPECT_EQ(driver.core().ReportDueAtUs(), 35 * kS + 500 * kMs);  // grace
}

TEST(TicksTest, AnEndCanBePlannedAndMoved) {
  Driver driver(v1::SESSION_KIND_TEAM);
  driver.End(40 * kS, 10 * kS);
  EXPECT_EQ(driver.core().state(), v1::SESSION_STATE_OPEN);
  EXPECT_EQ(driver.core().Info(10 * kS).planned_end_session_us(), 40 * kS);
  driver.End(30 * kS, 11 * kS);
  driver.Tick(30 * kS);
  EXPECT_EQ(driver.core().state(), v1::SESSION_STATE_ENDING);
  EXPECT_EQ(driver.core().Info(30 * kS).ended_session_us(), 30 * kS);
  v1::EndSessionRequest early;
  early.set_request_id("end-early");
  EXPECT_EQ(driver.core().ProposeEnd(early, 31 * kS).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(TicksTest, SomebodyAppearsWithTheFirstBeatAndGoesAMinuteAfterTheLast) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  std::vector<HeartBeat> beats = OneHeart(10 * kS);
  while (beats.back().time_us > 20 * kS) beats.pop_back();
  for (int64_t now_us = kS; now_us <= 100 * kS; now_us += kS) {
    SendThrough(driver, a, beats, now_us, now_us);
    driver.Tick(now_us);
    const int64_t end_us =
        driver.last_frame() == nullptr ? 0 : driver.last_frame()->end_session_us();
    const bool there = end_us >= beats.front().time_us && end_us <= beats.back().time_us + 60 * kS;
    if (end_us > 0) {
      ASSERT_EQ(driver.last_frame()->people_size(), there ? 1 : 0) << end_us;
    }
  }
  EXPECT_EQ(driver.core().tick(), 97u);
}

TEST(TicksTest, LateBeatsAreCountedAndChangeNoPublishedTick) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  const std::vector<HeartBeat> beats = OneHeart();
  driver.core().NoteComplete(a, 30 * kS);
  driver.Tick(30 * kS);
  const auto published = driver.frames();
  SendThrough(driver, a, beats, 10 * kS, 31 * kS);
  size_t late = 0;
  for (const HeartBeat& beat : beats) late += beat.time_us <= 10 * kS;
  EXPECT_EQ(driver.core().late_beats(), late);
  driver.Replay();
  EXPECT_EQ(driver.frames(), published);
  EXPECT_EQ(driver.core()
                .EnvelopeFor(*driver.last_frame(), false, {v1::ROLE_FACILITATOR, 0}, 0)
                .late_beats(),
            0u);  // a team
}

TEST(TicksTest, DriftIsNoticed) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  driver.core().NoteAttached(a, true, 0);
  SendThrough(driver, a, OneHeart(), 20 * kS, 20 * kS);
  driver.Tick(20 * kS);
  SessionCore fresh;
  absl::Status status;
  for (v1::JournalRecord record : driver.records()) {
    if (record.tick_closed().tick() == 5) {
      record.mutable_tick_closed()->set_frame_digest(record.tick_closed().frame_digest() ^ 1);
    }
    status = fresh.Apply(record).status();
    if (!status.ok()) break;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("tick 5"), std::string::npos);
}

TEST(TicksTest, AProposedTickComesFirst) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  const auto join = driver.core().ProposeLeave(a, "leave-a-1", 20 * kS);
  const auto tick = driver.core().ProposeTimed(20 * kS);
  ASSERT_TRUE(tick.has_value() && tick->has_tick_closed());
  EXPECT_EQ(driver.core().Apply(*join).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(driver.core().ProposeTimed(20 * kS)->SerializeAsString(), tick->SerializeAsString());
  driver.Do(*tick);
  EXPECT_EQ(driver.core().tick(), 1u);
}

TEST(TicksTest, SharedPacingTakesTheChanceLevelAway) {
  auto staged = testing::Stage(v1::SESSION_KIND_COUPLES, 2, 200, AllGrants(), {"a", "a"});
  Driver& driver = staged.driver;
  const auto chance_absent = [&] {
    return driver.last_frame()->pairs(0).r_mean_windowed().chance_absent();
  };
  ASSERT_TRUE(driver.last_frame()->pairs(0).r_mean_windowed().has_chance());
  v1::StartPracticeRequest request;
  request.set_request_id("practice-1");
  request.set_kind(v1::PRACTICE_KIND_SHARED_STIMULUS);
  request.set_planned_us(10 * kS);
  driver.Do(driver.core().ProposeStartPractice(request, 200 * kS));
  staged.hearts[0] = Heart({1, 1, 0.8, 0, 420 * kS});
  staged.hearts[1] = Heart({2, 1, 0.83, 0, 420 * kS});
  testing::PlaySeconds(staged, 200, 205);
  EXPECT_EQ(driver.last_frame()->practice(), 1u);
  EXPECT_EQ(chance_absent(), v1::ABSENCE_COMMON_CAUSE);
  testing::PlaySeconds(staged, 205, 230);
  EXPECT_EQ(driver.last_frame()->practice(), 0u);        // stopped by itself
  EXPECT_EQ(chance_absent(), v1::ABSENCE_COMMON_CAUSE);  // its windows still hold it
  testing::PlaySeconds(staged, 230, 420);
  EXPECT_TRUE(driver.last_frame()->pairs(0).r_mean_windowed().has_chance());
}

}  // namespace
}  // namespace attune::session
