// Calls: their rules, their limits, and that a repeated one changes nothing.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "services/session/session_core.h"
#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::ConsentTo;
using testing::Driver;
using testing::kS;

constexpr auto kBad = absl::StatusCode::kInvalidArgument;
constexpr auto kFull = absl::StatusCode::kResourceExhausted;
constexpr auto kNotNow = absl::StatusCode::kFailedPrecondition;

v1::CreateSessionRequest CreateRequest(v1::SessionKind kind) {
  v1::CreateSessionRequest request;
  request.set_request_id("create-01");
  request.set_kind(kind);
  return request;
}

v1::JoinSessionRequest JoinRequest(Driver& driver, const std::string& dyad_key = "") {
  v1::JoinSessionRequest request;
  request.set_request_id(driver.NextRequestId());
  request.set_alias("Ann");
  request.set_dyad_key(dyad_key);
  return request;
}

const std::string kSubject(16, 's');

TEST(CreateTest, RulesAndDefaults) {
  const auto code = [](const v1::CreateSessionRequest& request) {
    return SessionCore::ProposeCreate(request, {}).status().code();
  };
  v1::CreateSessionRequest request = CreateRequest(v1::SESSION_KIND_TEAM);
  const auto record = SessionCore::ProposeCreate(request, {});
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->created().k_min(), 5u);
  EXPECT_EQ(record->created().tick_ms(), 1000u);
  request.set_k_min(2);
  EXPECT_EQ(code(request), kBad);
  request.set_k_min(3);
  EXPECT_EQ(code(request), absl::StatusCode::kOk);
  request.set_tick_ms(100);
  EXPECT_EQ(code(request), kBad);
  request.set_tick_ms(250);
  request.set_planned_end_session_us(9 * kS);
  EXPECT_EQ(code(request), kBad);
  request.set_planned_end_session_us(0);
  request.set_request_id("short");
  EXPECT_EQ(code(request), kBad);
  EXPECT_EQ(code(CreateRequest(v1::SESSION_KIND_UNSPECIFIED)), kBad);
  EXPECT_EQ(code(CreateRequest(v1::SESSION_KIND_LAB)), absl::StatusCode::kPermissionDenied);
}

TEST(CreateTest, OtherNumbersAreRefused) {
  v1::JournalRecord record = *SessionCore::ProposeCreate(CreateRequest(v1::SESSION_KIND_TEAM), {});
  record.mutable_created()->set_params_hash(1);
  const absl::Status status = SessionCore().Apply(record).status();
  EXPECT_EQ(status.code(), kNotNow);
  EXPECT_NE(status.message().find("this is engine"), std::string::npos);
  record.mutable_created()->set_engine_version("0");
  EXPECT_EQ(SessionCore().Apply(record).status().code(), kNotNow);
}

TEST(CreateTest, RecordsComeInOrder) {
  Driver driver(v1::SESSION_KIND_TEAM);
  v1::JournalRecord record = driver.records().back();
  EXPECT_EQ(driver.core().Apply(record).status().code(), kNotNow);
  record.set_number(record.number() + 2);
  EXPECT_EQ(driver.core().Apply(record).status().code(), kNotNow);
  EXPECT_EQ(SessionCore().Apply(driver.records()[1]).status().code(), kNotNow);
}

TEST(JoinTest, WordsAndRoles) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const auto code = [&](const v1::JoinSessionRequest& request) {
    return driver.core().ProposeJoin(request, kSubject, 0).status().code();
  };
  v1::JoinSessionRequest request = JoinRequest(driver);
  EXPECT_EQ(code(request), absl::StatusCode::kOk);
  request.set_alias("");
  EXPECT_EQ(code(request), kBad);
  request.set_alias(std::string(41, 'a'));
  EXPECT_EQ(code(request), kBad);
  request.set_alias("a\nb");
  EXPECT_EQ(code(request), kBad);
  std::string forty;
  for (int i = 0; i < 40; ++i) forty += "\xc3\xbc";  // 40 characters, 80 bytes
  request.set_alias(forty);
  EXPECT_EQ(code(request), absl::StatusCode::kOk);
  request.set_role(v1::ROLE_OBSERVER);
  EXPECT_EQ(code(request), kBad);
  request.set_role(v1::ROLE_PARTICIPANT);
  request.set_dyad_key("us");
  EXPECT_EQ(code(request), kBad);  // no pairs in a team
  request.clear_dyad_key();
  *request.add_consents() = ConsentTo(v1::PURPOSE_MEASURE, v1::AUDIENCE_SESSION);
  EXPECT_EQ(code(request), kBad);  // not a decision that there is
}

TEST(JoinTest, ARepeatedCallGetsItsFirstAnswer) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const v1::JoinSessionRequest request = JoinRequest(driver);
  driver.Do(driver.core().ProposeJoin(request, kSubject, 0));
  EXPECT_EQ(driver.core().ProposeJoin(request, kSubject, 0).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(driver.core().ResultOf(request.request_id()), 1u);
  EXPECT_EQ(driver.core().ResultOf("never-seen"), std::nullopt);
  driver.End(0, kS);
  EXPECT_EQ(driver.core().ProposeJoin(request, kSubject, kS).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(driver.core().ProposeJoin(JoinRequest(driver), kSubject, kS).status().code(), kNotNow);
}

// An id stands for one intention. Taken for another one, a withdrawal would be lost without a word,
// and a number from one call would be a participant's number in the next.
TEST(RequestTest, AnIdStandsForOneIntention) {
  Driver driver(v1::SESSION_KIND_COUPLES);
  const uint32_t a = driver.Join("A", {{v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF}}, 0);
  const uint32_t b = driver.Join("B", {{v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF}}, 0);
  v1::AnnotateRequest mark;
  mark.set_request_id("intention");
  mark.set_label("a mark");
  driver.Do(driver.core().ProposeAnnotate(mark, kS));
  v1::SetConsentRequest withdraw;
  withdraw.set_request_id("withdrawal");
  *withdraw.add_consents() = ConsentTo(v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF);
  withdraw.mutable_consents(0)->set_granted(false);
  driver.Do(driver.core().ProposeConsent(a, withdraw, kS));

  for (const bool restored : {false, true}) {
    if (restored) driver.SaveAndRestore();
    const auto annotate = [&] {
      return driver.core().ProposeAnnotate(mark, 2 * kS).status().code();
    };
    EXPECT_EQ(annotate(), absl::StatusCode::kAlreadyExists);
    mark.set_label("another mark");
    EXPECT_EQ(annotate(), kBad);
    mark.set_label("a mark");
    v1::JoinSessionRequest join = JoinRequest(driver);
    join.set_request_id("intention");
    EXPECT_EQ(driver.core().ProposeJoin(join, kSubject, 2 * kS).status().code(), kBad);
    EXPECT_EQ(driver.core().ProposeLeave(a, "intention", 2 * kS).status().code(), kBad);
    EXPECT_EQ(driver.core().ProposeConsent(a, withdraw, 2 * kS).status().code(),
              absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(driver.core().ProposeConsent(b, withdraw, 2 * kS).status().code(), kBad);
  }
  // What was asked by somebody goes with them.
  driver.Do(driver.core().ProposeErase(a, "erase-a-1", 3 * kS));
  EXPECT_EQ(driver.core().ResultOf("withdrawal"), std::nullopt);
  EXPECT_NE(driver.core().ResultOf("intention"), std::nullopt);
}

TEST(DyadTest, TwoFormAPairAThirdIsRefused) {
  Driver driver(v1::SESSION_KIND_COUPLES);
  const uint32_t a = driver.Join("A", AllGrants(), 0, "us");
  const uint32_t b = driver.Join("B", AllGrants(), 0, "us");
  const v1::Snapshot snapshot = driver.core().SnapshotFor({v1::ROLE_FACILITATOR, 0}, 0);
  ASSERT_EQ(snapshot.dyads_size(), 1);
  EXPECT_EQ(snapshot.dyads(0).a(), a);
  EXPECT_EQ(snapshot.dyads(0).b(), b);
  const absl::Status third =
      driver.core().ProposeJoin(JoinRequest(driver, "us"), kSubject, 0).status();
  EXPECT_EQ(third.code(), kNotNow);
  EXPECT_NE(third.message().find("another"), std::string::npos);
  // Who leaves frees the place; the other half finds a new partner under the same word.
  driver.Do(driver.core().ProposeLeave(a, "leave-a-1", kS));
  EXPECT_EQ(driver.core().SnapshotFor({v1::ROLE_FACILITATOR, 0}, 0).dyads_size(), 0);
  const uint32_t c = driver.Join("C", AllGrants(), kS, "us");
  ASSERT_EQ(driver.core().SnapshotFor({v1::ROLE_FACILITATOR, 0}, 0).dyads_size(), 1);
  EXPECT_EQ(driver.core().SnapshotFor({v1::ROLE_FACILITATOR, 0}, 0).dyads(0).b(), c);
}

TEST(DyadTest, ADissolvedPairDoesNotFormAgain) {
  Driver driver(v1::SESSION_KIND_COUPLES);
  driver.Join("A", AllGrants(), 0, "us");
  driver.Join("B", AllGrants(), 0, "us");
  v1::DissolveDyadRequest request;
  request.set_request_id("dissolve-1");
  request.set_dyad(1);
  const Effects effects = driver.Do(driver.core().ProposeDissolveDyad(request, kS));
  EXPECT_TRUE(effects.consent_changed);
  EXPECT_FALSE(driver.core().ProposeDyad(kS).has_value());
  request.set_request_id("dissolve-2");
  EXPECT_EQ(driver.core().ProposeDissolveDyad(request, kS).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(ConsentTest, StandsAsLastSaid) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", {{v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF}}, 0);
  const auto group = [&] {
    return driver.core().Consents(a, v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION);
  };
  EXPECT_TRUE(driver.core().Consents(a, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF));
  EXPECT_FALSE(group());
  driver.Consent(a, v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION, true, kS);
  EXPECT_TRUE(group());
  driver.Consent(a, v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION, false, 2 * kS);
  EXPECT_FALSE(group());
  EXPECT_EQ(driver.core().ConsentsOf(a).size(), 2u);
  // A withdrawal is taken even after leaving and after the end.
  driver.Do(driver.core().ProposeLeave(a, "leave-a-1", 3 * kS));
  driver.End(0, 4 * kS);
  driver.Consent(a, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF, false, 5 * kS);
  EXPECT_FALSE(driver.core().Consents(a, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF));
}

TEST(PracticeTest, OneAtATimeWithAPacerOnlyWhenPaced) {
  Driver driver(v1::SESSION_KIND_TEAM);
  v1::StartPracticeRequest request;
  request.set_request_id("practice-1");
  const auto code = [&] {
    return driver.core().ProposeStartPractice(request, 10 * kS).status().code();
  };
  EXPECT_EQ(code(), kBad);
  request.set_kind(v1::PRACTICE_KIND_PACED_BREATHING);
  EXPECT_EQ(code(), kBad);
  request.mutable_pacer()->set_inhale_ms(4000);
  request.mutable_pacer()->set_exhale_ms(500);
  EXPECT_EQ(code(), kBad);
  request.mutable_pacer()->set_exhale_ms(6000);
  EXPECT_EQ(code(), absl::StatusCode::kOk);
  request.set_kind(v1::PRACTICE_KIND_LISTENING);
  EXPECT_EQ(code(), kBad);
  request.clear_pacer();
  request.set_planned_us(-1);
  EXPECT_EQ(code(), kBad);
  request.set_planned_us(20 * kS);
  driver.Do(driver.core().ProposeStartPractice(request, 10 * kS));
  request.set_request_id("practice-2");
  EXPECT_EQ(code(), kNotNow);
  EXPECT_EQ(driver.core().SnapshotFor({v1::ROLE_OBSERVER, 0}, 0).practice().practice(), 1u);
  driver.Tick(29 * kS);
  EXPECT_EQ(driver.core().SnapshotFor({v1::ROLE_OBSERVER, 0}, 0).practice().practice(), 1u);
  driver.Tick(40 * kS);
  EXPECT_FALSE(driver.core().SnapshotFor({v1::ROLE_OBSERVER, 0}, 0).has_practice());
  EXPECT_EQ(driver.log().back().practice().stopped_session_us(), 30 * kS);  // as planned
}

TEST(AnnotateTest, MarksPhasesAndUndo) {
  Driver driver(v1::SESSION_KIND_COUPLES);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  v1::AnnotateRequest request;
  request.set_request_id("annotate-1");
  const auto code = [&] { return driver.core().ProposeAnnotate(request, 10 * kS).status().code(); };
  EXPECT_EQ(code(), kBad);
  request.set_label("a moment");
  request.set_at_session_us(11 * kS);
  EXPECT_EQ(code(), kBad);
  request.set_at_session_us(5 * kS);
  request.set_participant(a);
  EXPECT_EQ(code(), absl::StatusCode::kOk);
  request.set_begins_phase(true);
  EXPECT_EQ(code(), kBad);
  request.set_participant(0);
  driver.Do(driver.core().ProposeAnnotate(request, 10 * kS));
  EXPECT_EQ(driver.core().ResultOf("annotate-1"), 1u);
  driver.Tick(14 * kS);
  v1::Frame frame;
  ASSERT_TRUE(frame.ParseFromString(driver.frames().at(5)));
  EXPECT_EQ(frame.phase(), 0u);
  ASSERT_TRUE(frame.ParseFromString(driver.frames().at(6)));
  EXPECT_EQ(frame.phase(), 1u);
  v1::AnnotateRequest undo;
  undo.set_request_id("annotate-2");
  undo.set_undoes(1);
  driver.Do(driver.core().ProposeAnnotate(undo, 15 * kS));
  undo.set_request_id("annotate-3");
  EXPECT_EQ(driver.core().ProposeAnnotate(undo, 15 * kS).status().code(),
            absl::StatusCode::kNotFound);
  driver.Tick(16 * kS);
  EXPECT_EQ(driver.last_frame()->phase(), 0u);
}

TEST(AnnotateTest, NoMarksAboutOnePersonInATeam) {
  Driver driver(v1::SESSION_KIND_TEAM);
  driver.Join("A", AllGrants(), 0);
  v1::AnnotateRequest request;
  request.set_request_id("annotate-1");
  request.set_label("tired?");
  request.set_participant(1);
  EXPECT_EQ(driver.core().ProposeAnnotate(request, kS).status().code(), kBad);
}

TEST(MeasureTest, FiniteAnswersUntilTheReport) {
  Driver driver(v1::SESSION_KIND_TEAM);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  v1::SubmitMeasureRequest request;
  request.set_request_id("measure-1");
  request.set_scale("presence");
  request.set_value(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(driver.core().ProposeMeasure(a, request, kS).status().code(), kBad);
  request.set_value(4);
  driver.Do(driver.core().ProposeMeasure(a, request, kS));
  driver.End(0, 2 * kS);
  request.set_request_id("measure-2");
  driver.Do(driver.core().ProposeMeasure(a, request, 3 * kS));  // asked after the session
  EXPECT_EQ(driver.Report().people(0).measures_size(), 2);
}

TEST(OwnerTest, EpochsGrow) {
  Driver driver(v1::SESSION_KIND_TEAM);
  v1::OwnerTaken owner;
  owner.set_epoch(1);
  EXPECT_EQ(driver.core().ProposeOwnerTaken(owner, kS).status().code(), kNotNow);
  driver.Owner(kS);
  EXPECT_EQ(driver.core().epochs(), 2u);
}

// Every collection has its limit, and says so.
TEST(LimitsTest, EachIsKept) {
  Limits limits;
  limits.people = 2;
  limits.viewers = 1;
  limits.dyads = 0;
  limits.annotations = 1;
  limits.practices = 1;
  limits.measures_per_person = 1;
  limits.tokens_revoked = 1;
  limits.log_entries_kept = 5;
  limits.frames_kept = 3;
  limits.request_ids_kept = 4;
  Driver driver(v1::SESSION_KIND_COUPLES, 3, 0, limits);
  SessionCore& core = driver.core();
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  EXPECT_EQ(core.ProposeJoin(JoinRequest(driver, "us"), kSubject, 0).status().code(), kFull);
  driver.Join("B", AllGrants(), 0);
  EXPECT_EQ(core.ProposeJoin(JoinRequest(driver), kSubject, 0).status().code(), kFull);

  driver.Do(core.ProposeViewerJoined({v1::ROLE_FACILITATOR, 0}, 0));
  EXPECT_EQ(core.ProposeViewerJoined({v1::ROLE_OBSERVER, 0}, 0).status().code(), kFull);
  EXPECT_EQ(core.PresenceFor({v1::ROLE_PARTICIPANT, a}, 0).back().alias(), "facilitator");
  driver.Do(core.ProposeViewerLeft(1, 0));
  EXPECT_TRUE(core.ProposeViewerJoined({v1::ROLE_OBSERVER, 0}, 0).ok());
  EXPECT_EQ(core.ProposeViewerJoined({v1::ROLE_OPERATOR, 0}, 0).status().code(),
            absl::StatusCode::kPermissionDenied);

  v1::AnnotateRequest annotate;
  annotate.set_label("x");
  for (const auto code : {absl::StatusCode::kOk, kFull}) {
    annotate.set_request_id(driver.NextRequestId());
    const auto record = core.ProposeAnnotate(annotate, kS);
    EXPECT_EQ(record.status().code(), code);
    if (record.ok()) driver.Do(record);
  }
  v1::SubmitMeasureRequest measure;
  measure.set_scale("x");
  for (const auto code : {absl::StatusCode::kOk, kFull}) {
    measure.set_request_id(driver.NextRequestId());
    const auto record = core.ProposeMeasure(a, measure, kS);
    EXPECT_EQ(record.status().code(), code);
    if (record.ok()) driver.Do(record);
  }
  v1::RevokeTokenRequest revoke;
  for (const auto code : {absl::StatusCode::kOk, kFull}) {
    revoke.set_request_id(driver.NextRequestId());
    revoke.set_token_id("token-" + revoke.request_id());
    const auto record = core.ProposeRevoke(revoke, kS);
    EXPECT_EQ(record.status().code(), code);
    if (!record.ok()) continue;
    EXPECT_EQ(driver.Do(record).revoked_token_id, revoke.token_id());
    EXPECT_TRUE(core.IsRevoked(revoke.token_id()));
  }
  v1::StartPracticeRequest practice;
  practice.set_kind(v1::PRACTICE_KIND_GRATITUDE);
  practice.set_planned_us(kS);
  for (const auto code : {absl::StatusCode::kOk, kFull}) {
    practice.set_request_id(driver.NextRequestId());
    const auto record = core.ProposeStartPractice(practice, kS);
    EXPECT_EQ(record.status().code(), code);
    if (record.ok()) driver.Do(record);
    driver.Tick(3 * kS);
  }
  driver.Tick(30 * kS);
  EXPECT_EQ(core.LogAfter(0).size(), 5u);
  const v1::HistoryResponse history = core.HistoryFor({}, {v1::ROLE_FACILITATOR, 0});
  EXPECT_EQ(history.frames_size(), 3);
  EXPECT_EQ(history.oldest_kept(), core.tick() - 2);
  for (int i = 0; i < 4; ++i) {
    driver.Consent(a, v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION, i % 2 == 0, 30 * kS);
  }
  EXPECT_EQ(core.ResultOf(practice.request_id()), std::nullopt);  // pushed out
}

TEST(LogTest, CursorsGrowAndAliasesAreFilledInForWhoMaySee) {
  Driver driver(v1::SESSION_KIND_TEAM);
  driver.Join("Ann", AllGrants(), 0);
  const std::vector<v1::LogEntry> log = driver.core().LogAfter(0);
  ASSERT_GE(log.size(), 2u);
  for (size_t i = 1; i < log.size(); ++i) EXPECT_GT(log[i].cursor(), log[i - 1].cursor());
  EXPECT_EQ(driver.core().LogAfter(log.front().cursor()).size(), log.size() - 1);
  EXPECT_TRUE(log.back().joined().alias().empty());
  const auto shown = driver.core().ProjectEntry(log.back(), {v1::ROLE_FACILITATOR, 0});
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->joined().alias(), "Ann");
}

TEST(PresenceTest, LinksAsTheyLook) {
  Driver driver(v1::SESSION_KIND_COUPLES);
  const uint32_t a = driver.Join("A", AllGrants(), 0);
  const auto link = [&](int64_t now_us, bool own = false) {
    const Viewer viewer = own ? Viewer{v1::ROLE_PARTICIPANT, a} : Viewer{v1::ROLE_FACILITATOR, 0};
    return driver.core().PresenceFor(viewer, now_us).front().link();
  };
  EXPECT_EQ(link(kS), v1::LINK_STATE_WAITING);
  driver.core().NoteAttached(a, true, kS);
  EXPECT_EQ(link(kS), v1::LINK_STATE_WAITING);
  const std::vector<testing::HeartBeat> beats = {{2 * kS, 800}, {3 * kS, 1000}};
  driver.Send(a, beats, 0, 1, 2 * kS, 3 * kS);
  EXPECT_EQ(link(3 * kS), v1::LINK_STATE_LIVE);
  EXPECT_EQ(driver.core().PresenceFor({v1::ROLE_FACILITATOR, 0}, 3 * kS).front().data_age_us(), kS);
  EXPECT_EQ(link(7 * kS), v1::LINK_STATE_LIVE);
  EXPECT_EQ(link(7 * kS + 1), v1::LINK_STATE_STALE);
  driver.Consent(a, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF, false, 8 * kS);
  EXPECT_EQ(link(8 * kS, true), v1::LINK_STATE_PAUSED);
  EXPECT_EQ(link(8 * kS), v1::LINK_STATE_STALE);
  driver.Consent(a, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF, true, 8 * kS);
  driver.core().NoteAttached(a, false, 10 * kS);
  EXPECT_EQ(link(25 * kS - 1), v1::LINK_STATE_RECONNECTING);
  EXPECT_EQ(link(25 * kS), v1::LINK_STATE_LOST);
  driver.Do(**driver.core().ProposeSourceFinished(a, 26 * kS));
  EXPECT_EQ(link(26 * kS), v1::LINK_STATE_DONE);
  driver.Do(driver.core().ProposeLeave(a, "leave-a-1", 27 * kS));
  EXPECT_EQ(link(27 * kS), v1::LINK_STATE_LEFT);
}

}  // namespace
}  // namespace attune::session
