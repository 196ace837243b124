#include "services/messages/plan.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace attune::messages {
namespace {

v1::ExportHead Head() {
  v1::ExportHead head;
  head.set_kind(v1::SESSION_KIND_LAB);
  head.set_tick_ms(1000);
  head.set_length_us(60'000'000);
  head.add_phases()->set_to_session_us(20'000'000);
  v1::Phase& phase = *head.add_phases();
  phase.set_phase(1);
  phase.set_from_session_us(20'000'000);
  phase.set_to_session_us(60'000'000);
  for (const uint32_t number : {2u, 7u}) {
    v1::ExportPerson& person = *head.add_people();
    person.set_participant(number);
    person.set_open_from_us(-1);
  }
  head.mutable_people(1)->set_left_session_us(50'000'000);
  head.mutable_people(1)->set_group_from_us(10'000'000);
  v1::ExportPair& pair = *head.add_pairs();
  pair.set_a(2);
  pair.set_b(7);
  pair.set_from_session_us(5'000'000);
  head.add_measures(v1::MEASURE_SDNN_MS);
  head.add_measures(v1::MEASURE_SUSY_ES);
  return head;
}

TEST(PlanTest, AHeadIsAPlan) {
  v1::ExportHead head = Head();
  v1::Practice& practice = *head.add_practices();
  practice.set_kind(v1::PRACTICE_KIND_PACED_BREATHING);
  practice.mutable_pacer()->set_inhale_ms(4000);
  practice.mutable_pacer()->set_exhale_ms(5000);
  practice.mutable_pacer()->set_hold_ms(1000);
  practice.set_started_session_us(30'000'000);
  head.add_practices()->set_kind(v1::PRACTICE_KIND_LISTENING);
  v1::Practice& music = *head.add_practices();
  music.set_kind(v1::PRACTICE_KIND_SHARED_STIMULUS);
  music.set_stopped_session_us(8'000'000);
  const auto plan = PlanOf(head);
  ASSERT_TRUE(plan.ok()) << plan.status();
  synchrony::Plan expected;
  expected.length_us = 60'000'000;
  expected.people.resize(2);
  expected.people[0].person = 2;
  expected.people[1].person = 7;
  expected.people[1].until_us = 50'000'000;
  expected.people[1].group_from_us = 10'000'000;
  expected.pairs = {{2, 7, 5'000'000}};
  expected.phases = {{0, 0, 20'000'000}, {1, 20'000'000, 60'000'000}};
  expected.causes = {{30'000'000, synchrony::kNever, 0.1}, {0, 8'000'000, 0}};
  expected.measures = {synchrony::Measure::kSdnnMs, synchrony::Measure::kSusyEs};
  EXPECT_EQ(*plan, expected);
}

TEST(PlanTest, TheBaselineIsAPracticeOrAPhase) {
  v1::ExportHead head = Head();
  EXPECT_EQ(PlanOf(head)->baseline_to_us, 0);
  head.mutable_phases(1)->set_label(" BaseLine");
  EXPECT_EQ(PlanOf(head)->baseline_from_us, 20'000'000);
  EXPECT_EQ(PlanOf(head)->baseline_to_us, 60'000'000);
  v1::Practice& practice = *head.add_practices();
  practice.set_kind(v1::PRACTICE_KIND_BASELINE);
  practice.set_started_session_us(1'000'000);
  EXPECT_EQ(PlanOf(head)->baseline_from_us, 1'000'000);
  EXPECT_EQ(PlanOf(head)->baseline_to_us, 60'000'000);
  practice.set_stopped_session_us(9'000'000);
  EXPECT_EQ(PlanOf(head)->baseline_to_us, 9'000'000);
}

TEST(PlanTest, WhatNoSessionCanHaveBeenIsRefused) {
  const auto refused = [](const std::function<void(v1::ExportHead&)>& change,
                          const std::string& why) {
    v1::ExportHead head = Head();
    change(head);
    const auto plan = PlanOf(head);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << why;
    EXPECT_NE(plan.status().message().find(why), std::string::npos) << plan.status();
  };
  refused([](v1::ExportHead& h) { h.set_tick_ms(0); }, "tick_ms");
  refused([](v1::ExportHead& h) { h.set_length_us(-1); }, "length_us");
  refused([](v1::ExportHead& h) { h.set_length_us(INT64_MAX); }, "length_us");
  refused([](v1::ExportHead& h) { h.clear_phases(); }, "phases");
  refused([](v1::ExportHead& h) { h.mutable_phases(1)->set_from_session_us(1); }, "phase 1");
  refused([](v1::ExportHead& h) { h.mutable_phases(1)->set_to_session_us(30'000'000); }, "phases");
  refused([](v1::ExportHead& h) { h.mutable_people(1)->set_participant(2); }, "participant 2");
  refused([](v1::ExportHead& h) { h.mutable_people(1)->set_participant(UINT32_MAX); },
          "participant");
  refused([](v1::ExportHead& h) { h.mutable_people(0)->set_participant(0); }, "participant 0");
  refused([](v1::ExportHead& h) { h.mutable_pairs(0)->set_b(8); }, "pair 2 and 8");
  refused([](v1::ExportHead& h) { h.mutable_pairs(0)->set_a(7); }, "pair 7 and 7");
  refused([](v1::ExportHead& h) { h.add_measures(v1::MEASURE_SDNN_MS); }, "measure 11");
  refused([](v1::ExportHead& h) { h.add_measures(v1::MEASURE_OMEGA); }, "measure 230");
  refused([](v1::ExportHead& h) { h.add_measures(v1::Measure(99'999)); }, "measure 99999");
  refused(
      [](v1::ExportHead& h) {
        for (uint32_t i = 8; i < 1100; ++i) h.add_people()->set_participant(i);
      },
      "more than 1000 people");
}

TEST(PlanTest, BeatsGoToTheirPeopleInOrder) {
  auto plan = PlanOf(Head());
  ASSERT_TRUE(plan.ok());
  const auto add = [&](uint32_t participant, int64_t time_us, uint16_t rr_1024,
                       int32_t jitter_us = 0) {
    return AddBeat(participant, {{time_us, rr_1024, false}, {jitter_us, 0}}, *plan).ok();
  };
  EXPECT_TRUE(add(7, 1'000'000, 900));
  EXPECT_TRUE(add(2, 500'000, 800));
  EXPECT_TRUE(add(7, 1'000'000, 901));
  EXPECT_FALSE(add(7, 999'999, 900));
  EXPECT_FALSE(add(3, 2'000'000, 900));
  EXPECT_FALSE(add(7, -1, 900));
  EXPECT_FALSE(add(7, INT64_MAX, 900));
  EXPECT_FALSE(add(7, 2'000'000, 0));
  EXPECT_FALSE(add(7, 2'000'000, 900, -1));
  EXPECT_EQ(plan->people[0].beats.size(), 1u);
  EXPECT_EQ(plan->people[1].beats.size(), 2u);
}

}  // namespace
}  // namespace attune::messages
