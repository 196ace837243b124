// Release of group and pair values over time: gates, changes of contributors, withdrawals.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "services/session/session_core.h"
#include "services/session/testing/driver.h"

namespace attune::session {
namespace {

using testing::AllGrants;
using testing::Driver;
using testing::Heart;
using testing::kS;
using testing::PlaySeconds;
using testing::Stage;
using testing::Staged;

const Viewer kLead = {v1::ROLE_FACILITATOR, 0};

void Prolong(Staged& staged, int seconds) {
  for (size_t i = 0; i < staged.hearts.size(); ++i) {
    testing::HeartSpec spec;
    spec.seed = i + 1;
    spec.wave_seed = i / 2 + 1;
    spec.mean_rr_s = 0.8 + 0.03 * static_cast<double>(i % 5);
    spec.to_us = seconds * kS;
    staged.hearts[i] = Heart(spec);
  }
}

// The group of the newest tick, as shown.
v1::GroupFrame Shown(const Staged& staged, const Viewer& viewer) {
  return staged.driver.core().ProjectFrame(*staged.driver.last_frame(), viewer).group();
}
bool Released(const Staged& staged, const Viewer& viewer) {
  const v1::GroupFrame group = Shown(staged, viewer);
  return group.r_mean_pairwise().outcome_case() == v1::Number::kValue && group.people() > 0;
}

TEST(TeamReleaseTest, NothingBeforeAWholeWindowThenRoundedThenNothingAfterAChange) {
  Staged staged = Stage(v1::SESSION_KIND_TEAM, 4, 330, AllGrants());
  // First contributors at the earliest after 80 % of 180 s; until then too few, then not settled.
  const v1::HistoryResponse history = staged.driver.core().HistoryFor({}, kLead);
  int64_t first_value_us = 0;
  for (const v1::Frame& frame : history.frames()) {
    EXPECT_EQ(frame.people_size(), 0);
    EXPECT_EQ(frame.pairs_size(), 0);
    if (frame.group().people() > 0 && first_value_us == 0) first_value_us = frame.end_session_us();
  }
  EXPECT_GE(first_value_us, 300 * kS);
  ASSERT_TRUE(Released(staged, kLead));
  const v1::GroupFrame group = Shown(staged, kLead);
  EXPECT_EQ(group.people(), 4u);
  const double steps = group.r_mean_pairwise().value() * 20;
  EXPECT_EQ(steps, std::nearbyint(steps));
  EXPECT_EQ(group.r_mean_pairwise().chance().shifts(), 0u);
  EXPECT_NE(staged.driver.last_frame()->group().r_mean_pairwise().value() * 20,
            std::nearbyint(staged.driver.last_frame()->group().r_mean_pairwise().value() * 20));
  // A contributor does not count himself: 3 others are enough for k = 3; an observer sees 4.
  EXPECT_TRUE(Released(staged, {v1::ROLE_PARTICIPANT, 1}));
  EXPECT_TRUE(Released(staged, {v1::ROLE_OBSERVER, 0}));
  EXPECT_FALSE(Released(staged, {v1::ROLE_OPERATOR, 0}));

  Prolong(staged, 530);
  staged.driver.Do(staged.driver.core().ProposeLeave(4, "leave-4-1", 330 * kS));
  PlaySeconds(staged, 330, 335);
  EXPECT_EQ(Shown(staged, kLead).r_mean_pairwise().absent(), v1::ABSENCE_NOT_ENOUGH_DATA);
  EXPECT_EQ(Shown(staged, kLead).people(), 0u);
  PlaySeconds(staged, 335, 508);
  EXPECT_FALSE(Released(staged, kLead));
  PlaySeconds(staged, 508, 530);
  EXPECT_TRUE(Released(staged, kLead));
  EXPECT_EQ(Shown(staged, kLead).people(), 3u);
  // Two others only.
  EXPECT_EQ(Shown(staged, {v1::ROLE_PARTICIPANT, 1}).r_mean_pairwise().absent(),
            v1::ABSENCE_TOO_FEW_PEOPLE);
}

TEST(TeamReleaseTest, AWithdrawalTakesEarlierValuesBackToo) {
  Staged staged = Stage(v1::SESSION_KIND_TEAM, 4, 340, AllGrants());
  const auto count = [&] {
    int released = 0;
    const v1::HistoryResponse history = staged.driver.core().HistoryFor({}, kLead);
    for (const v1::Frame& frame : history.frames()) released += frame.group().people() > 0;
    return released;
  };
  EXPECT_GT(count(), 5);
  staged.driver.Consent(2, v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION, false, 341 * kS);
  EXPECT_EQ(count(), 0);
}

TEST(TeamReleaseTest, OwnValuesOnlyToOneself) {
  Staged staged = Stage(v1::SESSION_KIND_TEAM, 3, 40, AllGrants());
  for (uint32_t viewer = 1; viewer <= 3; ++viewer) {
    const v1::FrameEnvelope envelope = staged.driver.core().EnvelopeFor(
        *staged.driver.last_frame(), false, {v1::ROLE_PARTICIPANT, viewer}, 40 * kS);
    ASSERT_EQ(envelope.frame().people_size(), 1);
    EXPECT_EQ(envelope.frame().people(0).participant(), viewer);
    EXPECT_EQ(envelope.people_size(), 3);
    for (const v1::Presence& presence : envelope.people()) {
      EXPECT_EQ(presence.data_age_us() >= 0, presence.participant() == viewer);
    }
  }
}

TEST(TeamReleaseTest, TheReportKeepsTheGate) {
  Staged staged = Stage(v1::SESSION_KIND_TEAM, 4, 360, AllGrants());
  Driver& driver = staged.driver;
  driver.End(0, 360 * kS);
  driver.Tick(400 * kS);
  const v1::Report report = driver.Report();
  const v1::Report lead = driver.core().ProjectReport(report, kLead);
  EXPECT_EQ(lead.people_size(), 0);
  EXPECT_EQ(lead.pairs_size(), 0);
  ASSERT_EQ(lead.group().phases_size(), 1);
  const v1::GroupPhase& phase = lead.group().phases(0);
  ASSERT_EQ(phase.r_mean_pairwise().outcome_case(), v1::Number::kValue);
  EXPECT_EQ(phase.people(), 4u);
  EXPECT_LE(phase.ticks(), 61u);  // 300 s .. 360 s: only those of settled windows
  const double steps = phase.r_mean_pairwise().value() * 20;
  EXPECT_EQ(steps, std::nearbyint(steps));
  const v1::Report own = driver.core().ProjectReport(report, {v1::ROLE_PARTICIPANT, 2});
  ASSERT_EQ(own.people_size(), 1);
  EXPECT_EQ(own.people(0).participant(), 2u);
  EXPECT_TRUE(driver.core().DeleteRawAfterReport());
  driver.Do(driver.core().ProposeReportStored(report, 401 * kS));
  // Beats are gone: what a later revision could only make up, it says it does not know.
  driver.Do(driver.core().ProposeErase(1, "erase-one", 402 * kS));
  const v1::Report second = driver.Report();
  EXPECT_NE(second.group().phases(0).r_mean_pairwise().outcome_case(), v1::Number::kValue);
  EXPECT_EQ(second.people(0).phases(0).hr_bpm().absent(), v1::ABSENCE_NOT_ENOUGH_DATA);
  EXPECT_EQ(second.people(0).quality().beats(), 0u);
}

TEST(CouplesReleaseTest, EitherWithdrawsAndNoFrameHoldsThePairAnyMore) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 4, 160, AllGrants(), {"a", "a", "b", "b"});
  Driver& driver = staged.driver;
  const Viewer one = {v1::ROLE_PARTICIPANT, 1};
  const Viewer two = {v1::ROLE_PARTICIPANT, 2};
  const auto values = [&](const Viewer& viewer, uint32_t a) {
    int count = 0;
    const v1::HistoryResponse history = driver.core().HistoryFor({}, viewer);
    for (const v1::Frame& frame : history.frames()) {
      for (const v1::PairFrame& pair : frame.pairs()) {
        count += pair.a() == a && pair.r_zero_lag().outcome_case() == v1::Number::kValue;
      }
    }
    return count;
  };
  EXPECT_GT(values(one, 1), 50);
  EXPECT_EQ(values(one, 3), 0);
  EXPECT_GT(values(kLead, 1), 50);
  const auto dark = [&] {
    const v1::Frame shown = driver.core().ProjectFrame(*driver.last_frame(), two);
    return shown.pairs_size() == 1 &&
           shown.pairs(0).r_mean_windowed().absent() == v1::ABSENCE_NO_CONSENT;
  };

  driver.Consent(2, v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR, false, 160 * kS);
  EXPECT_EQ(values(kLead, 1), 0);
  EXPECT_GT(values(kLead, 3), 50);
  EXPECT_GT(values(one, 1), 50);
  driver.Consent(1, v1::PURPOSE_PAIR, v1::AUDIENCE_PARTNER, false, 160 * kS);
  EXPECT_EQ(values(one, 1), 0);
  EXPECT_EQ(values(two, 1), 0);
  EXPECT_TRUE(dark());
  Prolong(staged, 180);
  PlaySeconds(staged, 160, 165);
  EXPECT_EQ(driver.last_frame()->pairs_size(), 1);  // not even computed
  EXPECT_TRUE(dark());

  // Given again it holds for what comes, and for what was made under consent then.
  driver.Consent(1, v1::PURPOSE_PAIR, v1::AUDIENCE_PARTNER, true, 165 * kS);
  EXPECT_TRUE(dark());
  PlaySeconds(staged, 165, 170);
  EXPECT_FALSE(dark());
  EXPECT_GT(values(one, 1), 50);
  EXPECT_EQ(values(kLead, 1), 0);
}

TEST(CouplesReleaseTest, TheReportCountsOnlyTicksUnderTheConsentThatStands) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 2, 200, AllGrants(), {"a", "a"});
  Driver& driver = staged.driver;
  driver.Consent(1, v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR, false, 200 * kS);
  driver.Consent(1, v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR, true, 200 * kS);
  Prolong(staged, 220);
  PlaySeconds(staged, 200, 220);
  driver.End(0, 220 * kS);
  driver.Tick(240 * kS);
  const v1::Report report = driver.Report();
  ASSERT_EQ(report.pairs_size(), 1);
  EXPECT_EQ(report.pairs(0).phases(0).ticks(), 21u);  // 200 s .. 220 s
  const v1::Report led = driver.core().ProjectReport(report, kLead);
  ASSERT_EQ(led.pairs_size(), 1);
  EXPECT_FALSE(led.pairs(0).alias_a().empty()) << "a reader needs names, not numbers";
  EXPECT_FALSE(led.pairs(0).alias_b().empty());
  driver.Consent(2, v1::PURPOSE_REPORT, v1::AUDIENCE_SELF, false, 241 * kS);
  EXPECT_EQ(driver.core().ProjectReport(report, kLead).pairs_size(), 0);
  EXPECT_EQ(driver.core().ProjectReport(report, {v1::ROLE_PARTICIPANT, 1}).pairs_size(), 0);
  EXPECT_EQ(driver.core().ProjectReport(report, {v1::ROLE_PARTICIPANT, 2}).people_size(), 1);
}

TEST(CouplesReleaseTest, WhatAPairWasStaysTheirsWhenOneLeaves) {
  Staged staged = Stage(v1::SESSION_KIND_COUPLES, 2, 160, AllGrants(), {"a", "a"});
  Driver& driver = staged.driver;
  driver.Do(driver.core().ProposeLeave(2, "leave-2-1", 160 * kS));
  Prolong(staged, 170);
  PlaySeconds(staged, 160, 170);
  EXPECT_EQ(driver.last_frame()->pairs_size(), 0);
  driver.End(0, 170 * kS);
  driver.Tick(200 * kS);
  const v1::Report report = driver.Report();
  for (const Viewer& viewer :
       {kLead, Viewer{v1::ROLE_PARTICIPANT, 1}, Viewer{v1::ROLE_PARTICIPANT, 2}}) {
    const v1::Report shown = driver.core().ProjectReport(report, viewer);
    ASSERT_EQ(shown.pairs_size(), 1) << viewer.participant;
    EXPECT_EQ(shown.pairs(0).dyad(), 1u);
    EXPECT_GT(shown.pairs(0).phases(0).ticks(), 30u);
  }
}

TEST(LabReleaseTest, TheFacilitatorSeesWhoAgreed) {
  testing::Granted shy = {{v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF},
                          {v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION}};
  Driver driver(v1::SESSION_KIND_LAB);
  Staged staged{std::move(driver), {}};
  for (uint32_t i = 1; i <= 3; ++i) {
    staged.driver.Join("P" + std::to_string(i), i == 3 ? shy : AllGrants(), 0);
    staged.driver.core().NoteAttached(i, true, 0);
    staged.hearts.push_back(Heart({i, 1, 0.8, 0, 30 * kS}));
  }
  PlaySeconds(staged, 0, 30);
  const v1::Frame shown = staged.driver.core().ProjectFrame(*staged.driver.last_frame(), kLead);
  EXPECT_EQ(shown.people_size(), 2);
  ASSERT_EQ(shown.pairs_size(), 1);
  EXPECT_EQ(shown.pairs(0).dyad(), 0u);
  staged.driver.Consent(1, v1::PURPOSE_PAIR, v1::AUDIENCE_FACILITATOR, false, 30 * kS);
  const v1::Frame after = staged.driver.core().ProjectFrame(*staged.driver.last_frame(), kLead);
  EXPECT_EQ(after.people_size(), 2);
  EXPECT_EQ(after.pairs_size(), 0);
}

}  // namespace
}  // namespace attune::session
