#include "edge/client/fake_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace attune::edge {

FakeSession::FakeSession(std::function<int64_t()> session_now_us)
    : session_now_us_(std::move(session_now_us)) {}

std::vector<v1::EdgeDown> FakeSession::OnMessage(uint64_t stream, const v1::EdgeUp& up) {
  if (up.ByteSizeLong() > 64 * 1024) Broken("message over 64 KiB");
  if (up.has_hello()) return OnHello(stream, up);
  auto& handles = links_[stream];
  const auto found = handles.find(up.handle());
  if (found == handles.end()) {
    // A person who was just refused may still have things under way.
    return {};
  }
  Link& link = found->second;
  Person& person = people[link.participant];
  if (keep_messages) person.messages.push_back(up);
  if (const auto refusal = RefusalOf(person, up); lossy && refusal) {
    handles.erase(found);
    v1::EdgeDown down;
    down.set_handle(up.handle());
    *down.mutable_refusal() = *refusal;
    return {down};
  }
  switch (up.what_case()) {
    case v1::EdgeUp::kObservations:
      OnObservations(person, link, up.observations());
      break;
    case v1::EdgeUp::kGap:
      OnGap(person, up.gap());
      break;
    case v1::EdgeUp::kProgress:
      Complete(person, up.progress().complete_through_session_us());
      return {};
    case v1::EdgeUp::kProbe: {
      v1::EdgeDown down;
      down.set_handle(up.handle());
      down.mutable_probe_reply()->set_id(up.probe().id());
      down.mutable_probe_reply()->set_t0_edge_us(up.probe().t0_edge_us());
      down.mutable_probe_reply()->set_t1_session_us(session_now_us_());
      down.mutable_probe_reply()->set_t2_session_us(session_now_us_());
      return {down};
    }
    case v1::EdgeUp::kBye:
      person.finished = up.bye().finished();
      if (!person.finished) {
        handles.erase(found);  // forgotten at once, as the real one does
        return {};
      }
      break;
    default:
      return {};
  }
  if (hold_acks) return {};
  return {AckOf(up.handle(), link)};
}

std::optional<v1::Refusal> FakeSession::RefusalOf(const Person& person,
                                                  const v1::EdgeUp& up) const {
  v1::Refusal refusal;
  const uint64_t first_seq = up.has_observations() ? up.observations().first_seq()
                             : up.has_gap()        ? up.gap().first_seq()
                                                   : 0;
  if (first_seq > person.received_seq + 1) {
    refusal.set_reason(v1::REFUSAL_REASON_SEQUENCE);
  } else if (up.has_observations() && up.observations().beats().rr_1024_size() !=
                                          up.observations().beats().time_session_us_size()) {
    refusal.set_reason(v1::REFUSAL_REASON_BAD_MESSAGE);
  } else {
    return std::nullopt;
  }
  return refusal;
}

std::vector<v1::EdgeDown> FakeSession::OnHello(uint64_t stream, const v1::EdgeUp& up) {
  const v1::Hello& hello = up.hello();
  v1::EdgeDown down;
  down.set_handle(up.handle());
  if (redirect) {
    *down.mutable_redirect() = *redirect;
    return {down};
  }
  if (const auto refusal = refusals.find(hello.token()); refusal != refusals.end()) {
    *down.mutable_refusal() = refusal->second;
    return {down};
  }
  uint32_t participant = 0;
  if (hello.token().size() < 2 || hello.token()[0] != 'p' ||
      !absl::SimpleAtoi(hello.token().substr(1), &participant)) {
    down.mutable_refusal()->set_reason(v1::REFUSAL_REASON_TOKEN_INVALID);
    return {down};
  }
  if (hello.epoch_ticket().epoch() > epoch) {
    down.mutable_refusal()->set_reason(v1::REFUSAL_REASON_STALE_OWNER);
    return {down};
  }
  if (hello.boot_id().size() != 16) Broken("boot_id is not 16 bytes");
  if (hello.next_seq() < 1 || hello.oldest_retained_seq() > hello.next_seq()) {
    Broken("numbers in Hello");
  }
  Person& person = people[participant];
  if (person.boot_id != hello.boot_id()) {
    if (!person.boot_id.empty()) Broken("a second boot id");
    person.boot_id = hello.boot_id();
  }
  if (person.received_seq >= hello.next_seq()) {
    down.mutable_refusal()->set_reason(v1::REFUSAL_REASON_SEQUENCE);
    return {down};
  }
  ++person.hellos;
  Link& link = links_[stream][up.handle()];
  link.participant = participant;
  link.credit_through = person.received_seq + credit;
  v1::Welcome* welcome = down.mutable_welcome();
  v1::SessionInfo* session = welcome->mutable_session();
  session->set_session_id(session_id);
  session->set_kind(v1::SESSION_KIND_TEAM);
  session->set_state(v1::SESSION_STATE_OPEN);
  session->set_now_session_us(session_now_us_());
  session->set_tick_ms(1000);
  session->set_clock_rate(clock_rate);
  welcome->set_participant(participant);
  welcome->set_epoch(epoch);
  welcome->mutable_epoch_ticket()->set_session_id(session_id);
  welcome->mutable_epoch_ticket()->set_epoch(epoch);
  welcome->mutable_epoch_ticket()->set_nonce(nonce);
  welcome->mutable_epoch_ticket()->set_mac("mac");
  welcome->set_resume_seq(person.received_seq + 1);
  welcome->set_durable_seq(durable ? person.received_seq : 0);
  welcome->set_credit(credit);
  welcome->set_durability(v1::DURABILITY_TIER_PROCESS);
  return {down};
}

void FakeSession::OnObservations(Person& person, Link& link, const v1::Observations& observations) {
  const v1::Beats& beats = observations.beats();
  const int count = beats.rr_1024_size();
  if (count < 1 || count > 256 || beats.time_session_us_size() != count)
    return Broken("batch size");
  if (observations.first_seq() > person.received_seq + 1) {
    Broken(absl::StrCat("jump to ", observations.first_seq(), " after ", person.received_seq));
  }
  for (int i = 0; i < count; ++i) {
    const uint64_t seq = observations.first_seq() + static_cast<uint64_t>(i);
    Beat beat{beats.time_session_us(i), beats.rr_1024(i), false};
    beat.gap_before = std::count(beats.gap_before().begin(), beats.gap_before().end(), i) > 0;
    if (beat.rr_1024 < 1 || beat.rr_1024 > 65535) Broken(absl::StrCat("rr ", beat.rr_1024));
    if (seq > link.credit_through) Broken(absl::StrCat("credit exceeded by ", seq));
    const auto [known, fresh] = person.promised.try_emplace(seq, beat);
    if (!fresh && !(known->second == beat)) Broken(absl::StrCat("another stamp for ", seq));
    // A Progress does not know of beats that were lost on the way.
    if (!lossy && seq > person.complete_seq && beat.time_us <= person.complete_us) {
      Broken(absl::StrCat("beat ", seq, " at or before complete_through"));
    }
    repeated_beats += !fresh;
    if (seq <= person.received_seq) continue;
    if (!person.beats.empty() && beat.time_us < person.beats.rbegin()->second.time_us) {
      Broken(absl::StrCat("time goes back at ", seq));
    }
    person.beats.emplace(seq, beat);
    person.delays_us.push_back(session_now_us_() - beat.time_us);
    person.received_seq = seq;
  }
  if (observations.complete_through_session_us() != 0) {
    Complete(person, observations.complete_through_session_us());
  }
}

void FakeSession::OnGap(Person& person, const v1::Gap& gap) {
  if (gap.first_seq() > person.received_seq + 1 || gap.last_seq() < gap.first_seq()) {
    Broken("gap that does not follow");
  }
  for (uint64_t seq = gap.first_seq(); seq <= gap.last_seq(); ++seq) {
    if (seq > person.received_seq) person.missing.insert(seq);
  }
  person.received_seq = std::max(person.received_seq, gap.last_seq());
}

void FakeSession::Complete(Person& person, int64_t through_us) {
  if (through_us < person.complete_us) return;  // a re-send tells what it told
  person.complete_us = through_us;
  person.complete_seq = person.received_seq;
}

v1::EdgeDown FakeSession::AckOf(uint32_t handle, Link& link) {
  const Person& person = people[link.participant];
  v1::EdgeDown down;
  down.set_handle(handle);
  down.mutable_ack()->set_received_seq(person.received_seq);
  down.mutable_ack()->set_durable_seq(durable ? person.received_seq : 0);
  down.mutable_ack()->set_credit(credit);
  down.mutable_ack()->set_epoch(epoch);
  link.credit_through = person.received_seq + credit;
  return down;
}

void FakeSession::OnGone(uint64_t stream) { links_.erase(stream); }

void FakeSession::Restart(uint64_t lost) {
  ++epoch;
  nonce = std::string(16, static_cast<char>('a' + epoch % 26));
  for (auto& [participant, person] : people) {
    person.received_seq -= std::min(person.received_seq, lost);
    person.beats.erase(person.beats.upper_bound(person.received_seq), person.beats.end());
    person.missing.erase(person.missing.upper_bound(person.received_seq), person.missing.end());
    person.complete_us = INT64_MIN;  // completeness is not in the journal
  }
}

std::vector<v1::EdgeDown> FakeSession::Acks(uint64_t stream) {
  std::vector<v1::EdgeDown> acks;
  for (auto& [handle, link] : links_[stream]) acks.push_back(AckOf(handle, link));
  return acks;
}

std::vector<v1::EdgeDown> FakeSession::Close(uint64_t stream, bool delete_raw) {
  std::vector<v1::EdgeDown> all;
  for (const auto& [handle, link] : links_[stream]) {
    v1::EdgeDown down;
    down.set_handle(handle);
    down.mutable_closed()->set_report_revision(1);
    down.mutable_closed()->set_delete_raw(delete_raw);
    all.push_back(down);
  }
  return all;
}

}  // namespace attune::edge
