// Raw beats: who may have whose, against the rules written down a second time, page by page.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/session/consent.h"
#include "services/session/plan.h"
#include "services/session/project.h"
#include "services/session/testing/driver.h"
#include "services/session/ticks.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::Heart;
using testing::HeartBeat;
using testing::kS;
using testing::Stage;
using testing::Staged;

constexpr uint32_t kPeople = 4;
constexpr uint32_t kLeft = 4;
constexpr Viewer kFacilitator = {v1::ROLE_FACILITATOR, 0};

const std::vector<std::pair<v1::Purpose, v1::Audience>> kDecisions = {
    {v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF},
    {v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION},
    {v1::PURPOSE_PAIR, v1::AUDIENCE_PARTNER},
    {v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR},
    {v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR},
    {v1::PURPOSE_REPORT, v1::AUDIENCE_SELF}};
constexpr unsigned kMayMeasure = 1, kMayPartner = 4, kMayPairLead = 8, kMayLead = 16,
                   kMayReport = 32, kMayAll = 63;

// Everybody has beats, and 4 has left; 1 and 2 are a pair.
State MakeState(v1::SessionKind kind, const unsigned (&decisions)[kPeople + 1]) {
  State state{Limits{}};
  Book& book = state.book;
  book.created.set_kind(kind);
  book.created.set_k_min(3);
  book.created.set_tick_ms(1000);
  book.created.set_clock_rate(1);
  book.ended = true;
  book.ended_us = 60 * kS;
  for (uint32_t p = 1; p <= kPeople; ++p) {
    Person& person = book.people[p];
    person.number = p;
    person.alias = "alias-" + std::to_string(p);
    person.left = p == kLeft;
    person.left_us = p == kLeft ? 30 * kS : 0;
    for (size_t i = 0; i < kDecisions.size(); ++i) {
      GrantState grant;
      grant.consent.set_purpose(kDecisions[i].first);
      grant.consent.set_audience(kDecisions[i].second);
      grant.consent.set_granted((decisions[p] >> i & 1) != 0);
      grant.consent.set_text_version("words-" + std::to_string(p));
      person.grants.push_back(grant);
    }
    for (int64_t beat = 1; beat <= 3; ++beat) {
      person.beats.push_back({beat * kS, 1000, 50'000, 1024, false});
    }
  }
  if (kind != v1::SESSION_KIND_TEAM) book.dyads = {{1, 1, 2, false}};
  v1::Annotation note;
  note.set_annotation(1);
  note.set_label("note-about-2");
  note.set_participant(2);
  book.annotations[1] = {note, false};
  state.grants = std::make_shared<const Grants>(GrantsOf(book));
  return state;
}

// All pages as one.
absl::StatusOr<v1::GetExportResponse> Whole(const State& state, const Viewer& viewer) {
  v1::GetExportResponse whole;
  v1::GetExportRequest request;
  do {
    const auto page = ProjectExport(state, request, viewer);
    if (!page.ok()) return page.status();
    whole.MergeFrom(*page);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return whole;
}

// ---- The rules again.

bool MayHave(v1::SessionKind kind, const Viewer& viewer, uint32_t p, unsigned decisions) {
  const bool takes_part =
      viewer.role == v1::ROLE_PARTICIPANT || viewer.role == v1::ROLE_FACILITATOR;
  if (takes_part && viewer.participant == p) return true;
  constexpr unsigned kNeeded = kMayMeasure | kMayLead | kMayReport;
  return kind == v1::SESSION_KIND_LAB && viewer.role == v1::ROLE_FACILITATOR &&
         (decisions & kNeeded) == kNeeded;
}

// Pair 1-2: as in reports, and only with the beats of both.
bool MayPair(const Viewer& viewer, unsigned both, const std::set<uint32_t>& may) {
  if (!may.contains(1) || !may.contains(2) || (both & kMayMeasure) == 0 ||
      (both & kMayReport) == 0) {
    return false;
  }
  const bool partner = viewer.participant == 1 || viewer.participant == 2;
  return (viewer.role == v1::ROLE_FACILITATOR && (both & kMayPairLead) != 0) ||
         (partner && (both & kMayPartner) != 0);
}

class ExportTest : public ::testing::TestWithParam<v1::SessionKind> {};

TEST_P(ExportTest, NobodyGetsBeatsThatAreNotForThem) {
  const std::vector<Viewer> viewers = {
      {v1::ROLE_PARTICIPANT, 1}, {v1::ROLE_PARTICIPANT, 2},  {v1::ROLE_PARTICIPANT, kLeft},
      {v1::ROLE_PARTICIPANT, 0}, {v1::ROLE_PARTICIPANT, 99}, kFacilitator,
      {v1::ROLE_FACILITATOR, 1}, {v1::ROLE_OBSERVER, 0},     {v1::ROLE_OBSERVER, 1},
      {v1::ROLE_OPERATOR, 1},    {v1::ROLE_UNSPECIFIED, 1}};
  for (unsigned first = 0; first <= kMayAll; ++first) {
    for (const unsigned second :
         {0u, kMayAll, kMayAll - kMayPairLead, kMayAll - kMayReport, first, kMayAll - first}) {
      const unsigned decisions[kPeople + 1] = {0, first, second, kMayAll, first};
      const State state = MakeState(GetParam(), decisions);
      for (const Viewer& viewer : viewers) {
        SCOPED_TRACE(v1::Role_Name(viewer.role) + " " + std::to_string(viewer.participant) + ", " +
                     std::to_string(first) + " " + std::to_string(second));
        std::set<uint32_t> may;
        for (uint32_t p = 1; p <= kPeople; ++p) {
          if (MayHave(GetParam(), viewer, p, decisions[p])) may.insert(p);
        }
        const auto whole = Whole(state, viewer);
        ASSERT_EQ(whole.ok(), !may.empty()) << whole.status();
        if (!whole.ok()) continue;
        std::set<uint32_t> heads;
        for (const v1::ExportPerson& person : whole->head().people()) {
          const uint32_t p = person.participant();
          heads.insert(p);
          ASSERT_EQ(person.beats(), 3u);
          for (const v1::ExportConsent& consent : person.consents()) {
            ASSERT_EQ(consent.consent().text_version(), "words-" + std::to_string(p));
            // Whether partners share with one another is for them alone.
            ASSERT_TRUE(viewer.participant == p || consent.consent().purpose() != v1::PURPOSE_PAIR);
          }
        }
        ASSERT_EQ(heads, may);
        std::set<uint32_t> with_beats;
        for (const v1::ExportBeats& beats : whole->beats()) with_beats.insert(beats.participant());
        ASSERT_EQ(with_beats, may);
        ASSERT_EQ(whole->head().left_out(), kPeople - may.size());
        ASSERT_EQ(whole->head().pairs_size(), MayPair(viewer, first & second, may) ? 1 : 0);
        const bool note = viewer.role == v1::ROLE_FACILITATOR || viewer.participant == 2;
        ASSERT_EQ(whole->head().annotations_size(), note ? 1 : 0);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ExportTest,
                         ::testing::Values(v1::SESSION_KIND_TEAM, v1::SESSION_KIND_COUPLES,
                                           v1::SESSION_KIND_LAB),
                         [](const auto& info) {
                           return v1::SessionKind_Name(info.param).substr(13);
                         });

// What was sent before somebody agreed stays theirs, but for what the first shared values look back
// on.
TEST(ExportSinceTest, NothingFromLongBeforeItWasAgreedTo) {
  Staged staged =
      Stage(v1::SESSION_KIND_LAB, 1, 400,
            {{v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF}, {v1::PURPOSE_REPORT, v1::AUDIENCE_SELF}});
  Driver& driver = staged.driver;
  EXPECT_EQ(driver.core().ExportFor({}, kFacilitator).status().code(),
            absl::StatusCode::kPermissionDenied);
  driver.Consent(1, v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR, true, 400 * kS);
  const auto page = driver.core().ExportFor({}, kFacilitator);
  ASSERT_TRUE(page.ok()) << page.status();
  const int64_t least_us = 400 * kS - synchrony::ReachUs(EngineParams());
  EXPECT_GE(page->beats(0).time_session_us(0), least_us);
  EXPECT_LT(page->beats(0).time_session_us(0), least_us + 2 * kS);
  const auto own = driver.core().ExportFor({}, {v1::ROLE_PARTICIPANT, 1});
  ASSERT_TRUE(own.ok());
  EXPECT_LT(own->beats(0).time_session_us(0), 2 * kS);
  driver.Consent(1, v1::PURPOSE_REPORT, v1::AUDIENCE_SELF, false, 401 * kS);
  EXPECT_FALSE(driver.core().ExportFor({}, kFacilitator).ok());
}

TEST(ExportStateTest, AnOpenSessionGoesUpToItsLastTick) {
  Staged staged = Stage(v1::SESSION_KIND_LAB, 1, 60, AllGrants());
  const auto page = staged.driver.core().ExportFor({}, kFacilitator);
  ASSERT_TRUE(page.ok());
  const v1::ExportHead& head = page->head();
  EXPECT_EQ(head.state(), v1::SESSION_STATE_OPEN);
  EXPECT_EQ(head.length_us(), static_cast<int64_t>(staged.driver.core().tick()) * kS);
  EXPECT_EQ(head.revision(), 0u);
  EXPECT_LE(*page->beats(0).time_session_us().rbegin(),
            head.length_us() + EngineParams().horizon_us);
  ASSERT_EQ(head.phases_size(), 1);
  EXPECT_EQ(head.phases(0).to_session_us(), head.length_us());
}

TEST(ExportStateTest, TeamBeatsGoWithTheReport) {
  Staged staged = Stage(v1::SESSION_KIND_TEAM, 2, 30, AllGrants());
  Driver& driver = staged.driver;
  const Viewer own = {v1::ROLE_PARTICIPANT, 2};
  EXPECT_TRUE(driver.core().ExportFor({}, own).ok());
  driver.End(0, 30 * kS);
  driver.Tick(60 * kS);
  EXPECT_TRUE(driver.core().ExportFor({}, own).ok());
  driver.Do(driver.core().ProposeReportStored(driver.Report(), 60 * kS));
  const absl::Status gone = driver.core().ExportFor({}, own).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(gone.message().find("deleted"), std::string::npos);
}

TEST(ExportStateTest, TheErasedAreGone) {
  Staged staged = Stage(v1::SESSION_KIND_LAB, 2, 20, AllGrants());
  Driver& driver = staged.driver;
  driver.Do(driver.core().ProposeErase(2, driver.NextRequestId(), 20 * kS));
  EXPECT_EQ(driver.core().ExportFor({}, {v1::ROLE_PARTICIPANT, 2}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  const auto page = driver.core().ExportFor({}, kFacilitator);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->head().people_size(), 1);
  EXPECT_EQ(page->head().people(0).participant(), 1u);
  EXPECT_EQ(page->head().left_out(), 0u);
}

// Two people with more than a page each, some beats at one time.
State Large() {
  const unsigned decisions[kPeople + 1] = {0, kMayAll, kMayAll, 0, 0};
  State state = MakeState(v1::SESSION_KIND_LAB, decisions);
  for (uint32_t p = 1; p <= 2; ++p) {
    Person& person = state.book.people[p];
    person.beats.clear();
    for (int i = 0; i < kExportPageBeats + 10; ++i) {
      const int64_t at_us = i >= kExportPageBeats - 2 && i <= kExportPageBeats + 1
                                ? (kExportPageBeats - 2) * int64_t{1000}
                                : i * int64_t{1000};
      person.beats.push_back({at_us, 0, 0, static_cast<uint16_t>(i % 1000 + 1), i % 7 == 0});
    }
  }
  return state;
}

TEST(ExportPagesTest, TogetherTheyHoldEveryBeatOnce) {
  const State state = Large();
  std::map<uint32_t, std::vector<StoredBeat>> beats;
  v1::GetExportRequest request;
  int pages = 0;
  do {
    const auto page = ProjectExport(state, request, kFacilitator);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->has_head(), pages == 0);
    EXPECT_LT(page->ByteSizeLong(), 1'000'000u);
    ++pages;
    for (const v1::ExportBeats& part : page->beats()) {
      int gap = 0;
      for (int i = 0; i < part.time_session_us_size(); ++i) {
        const bool is_gap =
            gap < part.gap_before_size() && part.gap_before(gap) == static_cast<uint32_t>(i);
        gap += is_gap;
        beats[part.participant()].push_back({part.time_session_us(i), part.jitter_us(i),
                                             part.offset_bound_us(i),
                                             static_cast<uint16_t>(part.rr_1024(i)), is_gap});
      }
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(beats[1], state.book.Find(1)->beats);
  EXPECT_EQ(beats[2], state.book.Find(2)->beats);
}

TEST(ExportPagesTest, ATokenIsTheOneThatWasGiven) {
  State state = Large();
  v1::GetExportRequest request;
  for (const std::string token : {"x", "1", "1.2", "1.2.3.4", "-1.2.3", "1.2.x", "01.2.3", " 1.2.3",
                                  "1.2.99999999999999999999"}) {
    request.set_page_token(token);
    EXPECT_EQ(ProjectExport(state, request, kFacilitator).status().code(),
              absl::StatusCode::kInvalidArgument)
        << token;
  }
  const auto first = ProjectExport(state, {}, kFacilitator);
  ASSERT_TRUE(first.ok());
  request.set_page_token(first->next_page_token());
  // Another's token opens nothing.
  EXPECT_EQ(ProjectExport(state, request, {v1::ROLE_PARTICIPANT, 3}).status().code(),
            absl::StatusCode::kAborted);
  // Who withdraws between two pages is on no further page.
  state.book.people[1].grants[4].consent.set_granted(false);
  state.grants = std::make_shared<const Grants>(GrantsOf(state.book));
  EXPECT_EQ(ProjectExport(state, request, kFacilitator).status().code(),
            absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace attune::session
