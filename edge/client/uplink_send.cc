// What goes up the stream, and when.
#include <algorithm>

#include "edge/client/uplink.h"

namespace attune::edge {

int64_t Uplink::TickPerson(int64_t now_us, uint32_t handle, Person& person) {
  PersonProgress& progress = person.progress;
  if (progress.state == PersonState::kPaused) {
    if (now_us < person.retry_us) return person.retry_us;
    progress.state = PersonState::kConnecting;
  }
  if (progress.state == PersonState::kConnecting) {
    const bool unanswered = person.hello_sent && now_us - person.greeted_us >= kAnswerUs;
    if ((!person.hello_sent || unanswered) && transport_.Ready()) Greet(now_us, handle, person);
    return person.hello_sent ? std::max(person.greeted_us + kAnswerUs, now_us + 1'000) : INT64_MAX;
  }
  if (progress.state != PersonState::kLive) return INT64_MAX;

  if (person.token_to_send && transport_.Ready()) {
    v1::EdgeUp up;
    up.set_handle(handle);
    up.mutable_token()->set_token(person.token);
    transport_.Send(up);
    person.token_to_send = false;
  }
  if (Unacknowledged(person) && now_us - person.ack_wait_us >= kAckUs) {
    progress.state = PersonState::kConnecting;
    progress.bye_sent = false;
    person.hello_sent = false;
    return now_us + 1'000;
  }
  const int64_t stalled_us = Unacknowledged(person) ? person.ack_wait_us + kAckUs : INT64_MAX;
  if (progress.bye_sent) {
    if (!person.finished || stopping_) return stalled_us;
    if (now_us - person.bye_us < kByeAgainUs) {
      return std::min(stalled_us, person.bye_us + kByeAgainUs);
    }
    progress.bye_sent = false;
  }

  const uint64_t next_seq = person.outbox->next_seq();
  if (next_seq > person.noticed_seq) {
    person.noticed_seq = next_seq;
    if (person.batch_since_us < 0 && !EverythingSent(person)) person.batch_since_us = now_us;
  }
  while (SendDue(now_us, handle, person)) {
  }
  if (EverythingSent(person)) {
    person.batch_since_us = -1;
    // After a Bye of somebody who will come back there may be no acknowledgement: wait for it.
    const bool leaving = stopping_ && progress.received_seq >= progress.highest_sent;
    if (person.finished || leaving) {
      if (!transport_.Ready()) return INT64_MAX;
      v1::EdgeUp up;
      up.set_handle(handle);
      up.mutable_bye()->set_finished(person.finished);
      transport_.Send(up);
      progress.bye_sent = true;
      person.bye_us = now_us;
      return std::min(stalled_us, now_us + kByeAgainUs);
    }
  }
  SendProgress(now_us, handle, person);
  int64_t next_us = std::min(stalled_us, person.spoke_us + RealUs(kProgressEveryUs));
  if (person.batch_since_us >= 0 && person.next_send <= person.credit_through) {
    next_us = std::min(next_us, person.batch_since_us + RealUs(kBatchDelayUs));
  }
  // In the past only when the transport or the credit must come first; both wake the owner.
  return std::max(next_us, now_us + 1'000);
}

void Uplink::Greet(int64_t now_us, uint32_t handle, Person& person) {
  v1::EdgeUp up;
  up.set_handle(handle);
  v1::Hello* hello = up.mutable_hello();
  hello->set_token(person.token);
  hello->set_boot_id(person.outbox->boot_id());
  hello->set_next_seq(person.outbox->next_seq() + (person.behind ? kFarAhead : 0));
  hello->set_oldest_retained_seq(person.outbox->oldest_retained_seq());
  if (!ticket_.mac().empty()) *hello->mutable_epoch_ticket() = ticket_;
  hello->set_sensor(person.sensor);
  hello->set_agent(options_.agent.substr(0, 64));
  hello->set_follow(person.follow);
  if (person.follow) hello->set_after_cursor(person.cursor);
  transport_.Send(up);
  if (!person.hello_sent) person.hello_us = now_us;
  person.hello_sent = true;
  person.greeted_us = now_us;
}

bool Uplink::EverythingSent(const Person& person) const {
  return person.next_send >= person.outbox->next_seq();
}

bool Uplink::Unacknowledged(const Person& person) const {
  return person.next_send > person.progress.received_seq + 1;
}

bool Uplink::SendDue(int64_t now_us, uint32_t handle, Person& person) {
  if (EverythingSent(person) || !transport_.Ready()) return false;
  if (!person.outbox->Get(person.next_send)) {
    SendGap(now_us, handle, person);
    return true;
  }
  if (person.next_send > person.credit_through) return false;
  const bool due = stopping_ || person.finished ||
                   person.outbox->next_seq() - person.next_send >= kBatchBeats ||
                   now_us - person.batch_since_us >= RealUs(kBatchDelayUs);
  if (!due) return false;
  SendBatch(now_us, handle, person);
  person.spoke_us = now_us;
  return true;
}

void Uplink::SendGap(int64_t now_us, uint32_t handle, Person& person) {
  if (!Unacknowledged(person)) person.ack_wait_us = now_us;
  const uint64_t first_seq = person.next_send;
  const uint64_t oldest_seq = person.outbox->oldest_retained_seq();
  uint64_t last_seq = first_seq;
  while (last_seq + 1 < person.outbox->next_seq() && !person.outbox->Get(last_seq + 1)) ++last_seq;
  v1::EdgeUp up;
  up.set_handle(handle);
  v1::Gap* gap = up.mutable_gap();
  gap->set_first_seq(first_seq);
  gap->set_last_seq(last_seq);
  gap->set_reason(first_seq < oldest_seq ? v1::GAP_REASON_EVICTED : v1::GAP_REASON_SPOOL_DAMAGED);
  if (first_seq > 1) {
    if (const auto before = person.outbox->Get(first_seq - 1)) {
      gap->set_from_session_us(before->time_session_us);
    }
  }
  if (const auto after = person.outbox->Get(last_seq + 1)) {
    gap->set_to_session_us(after->time_session_us);
  }
  transport_.Send(up);
  person.next_send = last_seq + 1;
  person.progress.highest_sent = std::max(person.progress.highest_sent, last_seq);
}

void Uplink::SendBatch(int64_t now_us, uint32_t handle, Person& person) {
  if (!Unacknowledged(person)) person.ack_wait_us = now_us;
  v1::EdgeUp up;
  up.set_handle(handle);
  v1::Observations* observations = up.mutable_observations();
  v1::Beats* beats = observations->mutable_beats();
  observations->set_first_seq(person.next_send);
  v1::Timing timing;
  int64_t last_us = 0;
  while (beats->rr_1024_size() < kBatchBeats && person.next_send <= person.credit_through) {
    const std::optional<StampedBeat> beat = person.outbox->Get(person.next_send);
    if (!beat) break;
    if (beats->rr_1024_size() == 0) {
      timing.set_jitter_us(beat->jitter_us);
      timing.set_offset_bound_us(beat->offset_bound_us);
    } else if (beat->jitter_us != timing.jitter_us() ||
               beat->offset_bound_us != timing.offset_bound_us()) {
      break;  // one message has one timing
    }
    if (beat->gap_before) beats->add_gap_before(static_cast<uint32_t>(beats->rr_1024_size()));
    beats->add_time_session_us(beat->time_session_us);
    beats->add_rr_1024(beat->rr_1024);
    last_us = beat->time_session_us;
    ++person.next_send;
  }
  if (!person.timing_told || person.timing_told->jitter_us() != timing.jitter_us() ||
      person.timing_told->offset_bound_us() != timing.offset_bound_us()) {
    *observations->mutable_timing() = timing;
    person.timing_told = timing;
  }
  int64_t complete_us = person.complete_us;
  if (!EverythingSent(person)) {
    const std::optional<StampedBeat> next = person.outbox->Get(person.next_send);
    complete_us = std::min(complete_us, (next ? next->time_session_us : last_us) - 1);
  }
  person.complete_told_us = std::max(person.complete_told_us, complete_us);
  if (person.complete_told_us > 0) {
    observations->set_complete_through_session_us(person.complete_told_us);
  }
  person.progress.highest_sent = std::max(person.progress.highest_sent, person.next_send - 1);
  transport_.Send(up);
}

void Uplink::SendProgress(int64_t now_us, uint32_t handle, Person& person) {
  if (now_us - person.spoke_us < RealUs(kProgressEveryUs) || !transport_.Ready()) return;
  int64_t complete_us = person.complete_us;
  if (!EverythingSent(person)) {
    const std::optional<StampedBeat> next = person.outbox->Get(person.next_send);
    if (!next) return;
    complete_us = std::min(complete_us, next->time_session_us - 1);
  }
  complete_us = std::max(complete_us, person.complete_told_us);
  person.spoke_us = now_us;
  if (complete_us <= 0) return;  // nothing can be promised yet
  person.complete_told_us = complete_us;
  v1::EdgeUp up;
  up.set_handle(handle);
  up.mutable_progress()->set_complete_through_session_us(complete_us);
  transport_.Send(up);
}

}  // namespace attune::edge
