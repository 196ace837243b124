// Events as a node would send them, for tests of the live view.
#ifndef ATTUNE_EDGE_CTL_FIXTURE_FOR_TEST_H_
#define ATTUNE_EDGE_CTL_FIXTURE_FOR_TEST_H_

#include <cstdint>
#include <string>

#include "attune/v1/live.pb.h"

namespace attune::edge {

inline v1::Number Value(double value, int64_t window_us, double coverage) {
  v1::Number number;
  number.set_value(value);
  number.set_window_us(window_us);
  number.set_coverage(coverage);
  number.set_chance_absent(v1::ABSENCE_NOT_APPLICABLE);
  return number;
}

inline v1::Number Absent(v1::Absence absence, int64_t window_us = 0, double coverage = 0) {
  v1::Number number;
  number.set_absent(absence);
  number.set_window_us(window_us);
  number.set_coverage(coverage);
  return number;
}

inline v1::Number WithChance(double value, double low, double high, bool above) {
  v1::Number number = Value(value, 180'000'000, 0.92);
  number.mutable_chance()->set_low(low);
  number.mutable_chance()->set_high(high);
  number.mutable_chance()->set_p(above ? 0.004 : 0.4);
  number.mutable_chance()->set_shifts(250);
  number.mutable_chance()->set_above(above);
  return number;
}

inline void AddPresence(google::protobuf::RepeatedPtrField<v1::Presence>* people, uint32_t id,
                        const std::string& alias, v1::LinkState link, int64_t data_age_us) {
  v1::Presence* presence = people->Add();
  presence->set_participant(id);
  presence->set_alias(alias);
  presence->set_link(link);
  presence->set_data_age_us(data_age_us);
}

inline v1::WatchEvent SnapshotEvent(v1::SessionKind kind = v1::SESSION_KIND_COUPLES,
                                    uint64_t epoch = 1) {
  v1::WatchEvent event;
  v1::Snapshot* snapshot = event.mutable_snapshot();
  v1::SessionInfo* session = snapshot->mutable_session();
  session->set_session_id("session-0123456789");
  session->set_kind(kind);
  session->set_title("Workshop, first evening");
  session->set_state(v1::SESSION_STATE_OPEN);
  session->set_now_session_us(754'000'000);
  session->set_tick_ms(1000);
  session->set_k_min(5);
  session->set_clock_rate(1);
  snapshot->set_epoch(epoch);
  snapshot->mutable_epoch_ticket()->set_session_id("session-0123456789");
  snapshot->mutable_epoch_ticket()->set_epoch(epoch);
  snapshot->mutable_epoch_ticket()->set_nonce("nonce-of-epoch-" + std::to_string(epoch));
  snapshot->set_role(v1::ROLE_FACILITATOR);
  AddPresence(snapshot->mutable_people(), 1, "Ana", v1::LINK_STATE_LIVE, 800'000);
  AddPresence(snapshot->mutable_people(), 2, "Ben", v1::LINK_STATE_LIVE, 1'200'000);
  AddPresence(snapshot->mutable_people(), 3, "Chiara", v1::LINK_STATE_STALE, 6'000'000);
  AddPresence(snapshot->mutable_people(), 4, "山田太郎", v1::LINK_STATE_LIVE, 400'000);
  return event;
}

inline void AddPerson(v1::Frame* frame, uint32_t id, const v1::Number& hr,
                      const v1::Number& rmssd) {
  v1::PersonFrame* person = frame->add_people();
  person->set_participant(id);
  *person->mutable_hr_bpm() = hr;
  *person->mutable_rmssd_ms() = rmssd;
  *person->mutable_artefact_share() = Value(0.01, 60'000'000, 0.99);
}

// Two couples: 1 + 2 above chance with a lag, 3 + 4 not shared; the group not released.
inline v1::WatchEvent FrameEvent(uint64_t tick, uint64_t epoch = 1) {
  v1::WatchEvent event;
  v1::FrameEnvelope* envelope = event.mutable_frame();
  *envelope->mutable_people() = SnapshotEvent().snapshot().people();
  envelope->set_epoch(epoch);
  v1::Frame* frame = envelope->mutable_frame();
  frame->set_tick(tick);
  frame->set_end_session_us(static_cast<int64_t>(tick) * 1'000'000);
  AddPerson(frame, 1, Value(64.2, 15'000'000, 0.98), Value(42.4, 60'000'000, 0.97));
  AddPerson(frame, 2, Value(71.8, 15'000'000, 1), Absent(v1::ABSENCE_ARTEFACTS, 60'000'000, 0.5));
  AddPerson(frame, 3, Value(58.3, 15'000'000, 1), Value(31.9, 60'000'000, 0.9));
  v1::PairFrame* first = frame->add_pairs();
  first->set_dyad(1);
  first->set_a(1);
  first->set_b(2);
  *first->mutable_r_mean_windowed() = WithChance(0.34, -0.12, 0.18, true);
  *first->mutable_lag_ms() = Value(500, 60'000'000, 0.9);
  v1::PairFrame* second = frame->add_pairs();
  second->set_dyad(2);
  second->set_a(3);
  second->set_b(4);
  *second->mutable_r_mean_windowed() = Absent(v1::ABSENCE_NO_CONSENT);
  *second->mutable_lag_ms() = Absent(v1::ABSENCE_NO_CONSENT);
  *frame->mutable_group()->mutable_order_parameter() = Absent(v1::ABSENCE_TOO_FEW_PEOPLE);
  *frame->mutable_group()->mutable_r_mean_pairwise() = Absent(v1::ABSENCE_TOO_FEW_PEOPLE);
  return event;
}

inline v1::WatchEvent EntryEvent(uint64_t cursor, const std::string& label) {
  v1::WatchEvent event;
  event.mutable_entry()->set_cursor(cursor);
  event.mutable_entry()->set_at_session_us(60'000'000);
  event.mutable_entry()->mutable_annotation()->set_label(label);
  return event;
}

inline v1::WatchEvent ClosedEvent(v1::SessionState state = v1::SESSION_STATE_CLOSED) {
  v1::WatchEvent event;
  event.mutable_closed()->set_state(state);
  event.mutable_closed()->set_report_revision(1);
  return event;
}

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_FIXTURE_FOR_TEST_H_
