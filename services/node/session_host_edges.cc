// Edges: who is taken in, what they send, what they are told.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/messages/observations.h"
#include "services/node/durability.h"
#include "services/node/epoch_ticket.h"
#include "services/node/session_host.h"

namespace attune::node {
namespace {

constexpr size_t kBootIdBytes = 16;
constexpr size_t kMaxAgentBytes = 64;
constexpr uint32_t kRetryMs = 1000;

v1::Refusal MakeRefusal(v1::RefusalReason reason, const std::string& message,
                        uint32_t retry_after_ms = 0) {
  v1::Refusal refusal;
  refusal.set_reason(reason);
  refusal.set_message(message);
  refusal.set_retry_after_ms(retry_after_ms);
  return refusal;
}

}  // namespace

std::optional<v1::Refusal> SessionHost::AdmissionRefusal(const EdgeAttach& attach) const {
  const uint32_t participant = attach.claims.participant;
  if (core_.IsRevoked(attach.claims.token_id)) {
    return MakeRefusal(v1::REFUSAL_REASON_TOKEN_INVALID, "the token was revoked: join again");
  }
  if (core_.IsErased(participant)) {
    return MakeRefusal(v1::REFUSAL_REASON_ERASED, "this person was erased; nothing more is taken");
  }
  if (attach.hello.boot_id().size() != kBootIdBytes) {
    return MakeRefusal(v1::REFUSAL_REASON_BAD_MESSAGE, "Hello.boot_id must be 16 bytes");
  }
  if (attach.hello.agent().size() > kMaxAgentBytes) {
    return MakeRefusal(v1::REFUSAL_REASON_BAD_MESSAGE, "Hello.agent is longer than 64 characters");
  }
  if (attach.hello.next_seq() == 0) {
    return MakeRefusal(v1::REFUSAL_REASON_BAD_MESSAGE, "Hello.next_seq counts from 1");
  }
  if (!core_.IsActive(participant)) {
    return MakeRefusal(v1::REFUSAL_REASON_LEFT, "this person left the session: join again");
  }
  if (!core_.Consents(participant, v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF)) {
    return MakeRefusal(v1::REFUSAL_REASON_NO_CONSENT,
                       "consent to measure is not granted: ask the person, then SetConsent");
  }
  if (core_.Cursor(participant, attach.hello.boot_id()) >= attach.hello.next_seq()) {
    return MakeRefusal(v1::REFUSAL_REASON_SEQUENCE,
                       "sequence numbers went back: numbers from next_seq on are taken already; "
                       "begin a new spool with a new boot_id");
  }
  return std::nullopt;
}

uint64_t SessionHost::DurableSeq(uint32_t participant, const std::string& boot_id) {
  // Whoever sent something since this host exists has an entry; without one, all is durable.
  return durable_.try_emplace({participant, boot_id}, core_.Cursor(participant, boot_id))
      .first->second;
}

void SessionHost::Attach(EdgeAttach attach) {
  const uint32_t participant = attach.claims.participant;
  const auto answer = [&attach](v1::EdgeDown message) {
    message.set_handle(attach.handle);
    attach.sink->Send(std::move(message));
  };
  v1::EdgeDown message;
  if (!StillOwner() || quiet_) {
    message.mutable_reconnect()->set_delay_ms(kRetryMs);
    answer(std::move(message));
    attach.sink->Release(attach.handle);
    return;
  }
  if (core_.state() == v1::SESSION_STATE_CLOSED || core_.IsErased(participant)) {
    Edge gone;
    gone.attach = attach;
    SendClosed(gone, core_.IsErased(participant) || core_.DeleteRawAfterReport());
    if (!core_.IsErased(participant)) {
      attach.sink->Release(attach.handle);
      return;
    }
  }
  if (std::optional<v1::Refusal> refusal = AdmissionRefusal(attach)) {
    parts_.metrics.edge_refusals.Increment();
    *message.mutable_refusal() = *std::move(refusal);
    answer(std::move(message));
    attach.sink->Release(attach.handle);
    return;
  }
  if (const auto old = edge_of_.find(participant); old != edge_of_.end()) {
    Refuse(old->second, v1::REFUSAL_REASON_REPLACED, "the same person connected again elsewhere");
  }
  Edge edge;
  edge.participant = participant;
  const std::string& boot_id = attach.hello.boot_id();
  const uint64_t cursor = core_.Cursor(participant, boot_id);
  const uint32_t credit = Credit();
  edge.promised_seq = cursor + credit;
  edge.starved = credit == 0;
  v1::Welcome& welcome = *message.mutable_welcome();
  *welcome.mutable_session() = core_.Info(NowUs());
  welcome.set_participant(participant);
  welcome.set_epoch(lease_.epoch);
  *welcome.mutable_epoch_ticket() = ticket_;
  welcome.set_resume_seq(cursor + 1);
  welcome.set_durable_seq(DurableSeq(participant, boot_id));
  welcome.set_credit(credit);
  welcome.set_durability(DurabilityOf(parts_.journal.tier()));
  for (const v1::Consent& consent : core_.ConsentsOf(participant)) {
    *welcome.add_consents() = consent;
  }
  answer(std::move(message));
  const uint64_t id = attach.id;
  edge.attach = std::move(attach);
  edges_.emplace(id, std::move(edge));
  edge_of_[participant] = id;
  parts_.metrics.uplinks.Increment();
  core_.NoteAttached(participant, true, NowUs());
  if (edges_.at(id).attach.hello.follow()) SendPast(id);
  MarkDirty();
}

void SessionHost::OnEdge(uint64_t id, v1::EdgeUp message, std::shared_ptr<void> ticket) {
  if (dropped_ || quiet_) return;
  // Behind what waits already, so that nobody's messages are overtaken by their own.
  if (Overloaded() || !parked_.empty()) {
    parked_.push_back({id, std::move(message), std::move(ticket)});
    if (const auto edge = edges_.find(id); edge != edges_.end() && !edge->second.starved) {
      edge->second.starved = true;
      acks_due_.insert(id);
    }
    return;
  }
  if (const auto edge = edges_.find(id); edge != edges_.end()) Handle(edge->second, message);
}

void SessionHost::Unpark() {
  while (!parked_.empty() && !Overloaded() && !dropped_) {
    const Parked parked = std::move(parked_.front());
    parked_.pop_front();
    const auto edge = edges_.find(parked.id);
    if (edge != edges_.end()) Handle(edge->second, parked.message);
  }
  if (!parked_.empty() || Overloaded()) return;
  for (auto& [id, edge] : edges_) {
    if (edge.starved) {
      edge.starved = false;
      acks_due_.insert(id);
    }
  }
}

void SessionHost::Handle(Edge& edge, const v1::EdgeUp& message) {
  const uint64_t id = edge.attach.id;
  const std::string& boot_id = edge.attach.hello.boot_id();
  switch (message.what_case()) {
    case v1::EdgeUp::kObservations:
      OnObservations(edge, message.observations());
      return;
    case v1::EdgeUp::kGap:
      AfterInput(edge, core_.ProposeGap(edge.participant, boot_id, message.gap(), NowUs()));
      return;
    case v1::EdgeUp::kProgress:
      core_.NoteComplete(edge.participant, message.progress().complete_through_session_us());
      MarkDirty();
      return;
    case v1::EdgeUp::kBye:
      if (message.bye().finished()) {
        // Stays attached: it is told when the session has closed.
        AfterInput(edge, core_.ProposeSourceFinished(edge.participant, NowUs()));
      } else {
        edge.attach.sink->Release(edge.attach.handle);
        Forget(id);
      }
      return;
    default:
      Refuse(id, v1::REFUSAL_REASON_BAD_MESSAGE, "an empty message");
  }
}

void SessionHost::OnObservations(Edge& edge, const v1::Observations& observations) {
  const int count = messages::CountOf(observations);
  const uint64_t first = observations.first_seq();
  if (count > 0 && first > std::numeric_limits<uint64_t>::max() - static_cast<uint64_t>(count)) {
    Refuse(edge.attach.id, v1::REFUSAL_REASON_SEQUENCE, "first_seq is out of range");
    return;
  }
  const uint64_t last = first + static_cast<uint64_t>(count) - 1;
  if (count > 0 && last > edge.promised_seq) {
    Refuse(edge.attach.id, v1::REFUSAL_REASON_BAD_MESSAGE,
           absl::StrCat("observation ", last, " is beyond the credit, which ends at ",
                        edge.promised_seq, ": wait for an Ack"));
    return;
  }
  const uint64_t id = edge.attach.id;
  const uint32_t participant = edge.participant;
  AfterInput(edge, core_.ProposeObservations(participant, edge.attach.hello.boot_id(), observations,
                                             NowUs()));
  // `edge` may be gone.
  if (edges_.contains(id) && observations.complete_through_session_us() > 0) {
    core_.NoteComplete(participant, observations.complete_through_session_us());
  }
}

void SessionHost::AfterInput(Edge& edge,
                             const absl::StatusOr<std::optional<v1::JournalRecord>>& proposed) {
  const uint64_t id = edge.attach.id;
  if (!proposed.ok()) {
    RefuseStatus(id, proposed.status());
    return;
  }
  if (proposed->has_value()) {
    Commit(**proposed);
  } else {
    acks_due_.insert(id);  // known already: say so again
  }
  MarkDirty();
}

void SessionHost::RefuseStatus(uint64_t id, const absl::Status& status) {
  const auto edge = edges_.find(id);
  if (edge == edges_.end()) return;
  const uint32_t participant = edge->second.participant;
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kOutOfRange:
      Refuse(id, v1::REFUSAL_REASON_SEQUENCE, message);
      return;
    case absl::StatusCode::kPermissionDenied:
      Refuse(id, v1::REFUSAL_REASON_NO_CONSENT, message);
      return;
    case absl::StatusCode::kResourceExhausted:
      Refuse(id, v1::REFUSAL_REASON_OVERLOADED, message, kRetryMs);
      return;
    case absl::StatusCode::kFailedPrecondition:
      Refuse(id,
             core_.IsErased(participant)    ? v1::REFUSAL_REASON_ERASED
             : !core_.IsActive(participant) ? v1::REFUSAL_REASON_LEFT
                                            : v1::REFUSAL_REASON_SESSION_CLOSED,
             message);
      return;
    default:
      Refuse(id, v1::REFUSAL_REASON_BAD_MESSAGE, message);
  }
}

void SessionHost::Refuse(uint64_t id, v1::RefusalReason reason, const std::string& message,
                         uint32_t retry_after_ms) {
  const auto edge = edges_.find(id);
  if (edge == edges_.end()) return;
  parts_.metrics.edge_refusals.Increment();
  v1::EdgeDown down;
  down.set_handle(edge->second.attach.handle);
  *down.mutable_refusal() = MakeRefusal(reason, message, retry_after_ms);
  edge->second.attach.sink->Send(std::move(down));
  edge->second.attach.sink->Release(edge->second.attach.handle);
  Forget(id);
}

void SessionHost::Forget(uint64_t id) {
  const auto edge = edges_.find(id);
  if (edge == edges_.end()) return;
  const uint32_t participant = edge->second.participant;
  edges_.erase(edge);
  acks_due_.erase(id);
  if (const auto of = edge_of_.find(participant); of != edge_of_.end() && of->second == id) {
    edge_of_.erase(of);
  }
  parts_.metrics.uplinks.Decrement();
  core_.NoteAttached(participant, false, NowUs());
  MarkDirty();
}

void SessionHost::Detach(uint64_t id) { Forget(id); }

void SessionHost::RefreshToken(uint64_t id, const Claims& claims) {
  const auto edge = edges_.find(id);
  if (edge == edges_.end()) return;
  if (claims.participant != edge->second.participant || core_.IsRevoked(claims.token_id)) {
    Refuse(id, v1::REFUSAL_REASON_TOKEN_INVALID, "the new token is not for this person");
    return;
  }
  edge->second.attach.claims = claims;
}

void SessionHost::SendAcks() {
  const uint32_t credit = Credit();
  for (const uint64_t id : std::exchange(acks_due_, {})) {
    const auto found = edges_.find(id);
    if (found == edges_.end()) continue;
    Edge& edge = found->second;
    const uint64_t durable = DurableSeq(edge.participant, edge.attach.hello.boot_id());
    v1::Ack ack;
    ack.set_received_seq(durable);
    ack.set_durable_seq(durable);
    ack.set_credit(edge.starved ? 0 : credit);
    ack.set_epoch(lease_.epoch);
    edge.promised_seq = std::max(edge.promised_seq, durable + ack.credit());
    if (ack.credit() == 0) edge.starved = true;
    edge.attach.sink->SendAck(edge.attach.handle, ack);
  }
}

void SessionHost::SendClosed(const Edge& edge, bool delete_raw) {
  v1::EdgeDown message;
  message.set_handle(edge.attach.handle);
  message.mutable_closed()->set_delete_raw(delete_raw);
  message.mutable_closed()->set_report_revision(core_.report_revision());
  edge.attach.sink->Send(std::move(message));
}

}  // namespace attune::node
