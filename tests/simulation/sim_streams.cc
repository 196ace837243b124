#include "tests/simulation/sim_streams.h"

#include <utility>

#include "services/node/elsewhere.h"
#include "services/node/epoch_ticket.h"

namespace attune::simulation {
namespace {

constexpr uint32_t kRetryMs = 1000;
constexpr uint32_t kLostRetryMs = 5000;
// Of one write into a stream.
constexpr int64_t kWriteLeastUs = 5, kWriteMostUs = 100;

}  // namespace

Claims ParticipantClaims(const std::string& session, uint32_t participant) {
  Claims claims;
  claims.key_id = "simulated";
  claims.session_id = session;
  claims.token_id = "token-" + std::to_string(participant);
  claims.role = std::string(participant == 0 ? kRoleFacilitator : kRoleParticipant);
  claims.participant = participant;
  claims.expires_utc_us = int64_t{1} << 60;
  return claims;
}

// ---- Edges

void SimEdgeStream::Up(const v1::EdgeUp& message) {
  if (gone_) return;
  inbox_.push_back(message);
  Read();
}

void SimEdgeStream::Read() {
  while (!resolving_ && !gone_ && !inbox_.empty()) {
    const v1::EdgeUp message = std::move(inbox_.front());
    inbox_.pop_front();
    if (message.has_hello()) {
      OnHello(message);
    } else if (host_ == nullptr) {
      continue;  // was under way when the session let go of the person
    } else if (message.has_probe()) {
      v1::EdgeDown down;
      down.set_handle(message.handle());
      v1::ProbeReply& reply = *down.mutable_probe_reply();
      reply.set_id(message.probe().id());
      reply.set_t0_edge_us(message.probe().t0_edge_us());
      reply.set_t1_session_us(host_->clock().NowUs());
      reply.set_t2_session_us(host_->clock().NowUs());
      Send(std::move(down));
    } else {
      host_->Post(
          [id = id_, message](node::SessionHost& host) { host.OnEdge(id, message, nullptr); });
    }
  }
}

void SimEdgeStream::OnHello(const v1::EdgeUp& up) {
  const uint64_t id = node_.next_id++;
  if (host_ != nullptr) {
    host_->Post([old = id_](node::SessionHost& host) { host.Detach(old); });
  }
  host_ = nullptr;
  ack_.reset();
  frame_.reset();
  resolving_ = true;
  node_.registry.Find(claims_.session_id,
                      [self = shared_from_this(), handle = up.handle(), id,
                       hello = up.hello()](const absl::StatusOr<node::Registry::Host>& host) {
                        self->OnFound(handle, id, hello, host);
                      });
}

void SimEdgeStream::OnFound(uint32_t handle, uint64_t id, const v1::Hello& hello,
                            const absl::StatusOr<node::Registry::Host>& host) {
  resolving_ = false;
  if (gone_) return;
  absl::Status refused = host.status();
  v1::RefusalReason reason = absl::IsNotFound(refused) ? v1::REFUSAL_REASON_UNKNOWN_SESSION
                                                       : v1::REFUSAL_REASON_OVERLOADED;
  uint32_t retry_after_ms = absl::IsNotFound(refused) ? 0 : kRetryMs;
  const std::string& key = node_.parts.options.keys.ticket;
  if (host.ok()) {
    switch (node::JudgeTicket(hello.epoch_ticket(), key, claims_.session_id, (*host)->epoch(),
                              (*host)->nonce())) {
      case node::TicketVerdict::kFine:
        break;
      case node::TicketVerdict::kForged:
        refused = absl::InvalidArgumentError("forged ticket");
        reason = v1::REFUSAL_REASON_BAD_MESSAGE;
        node_.history.Violation("a genuine ticket is taken for a forged one");
        break;
      case node::TicketVerdict::kNewer:
        node_.registry.Reopen(claims_.session_id, hello.epoch_ticket().epoch());
        refused = absl::UnavailableError("being taken over");
        reason = v1::REFUSAL_REASON_STALE_OWNER;
        retry_after_ms = kRetryMs;
        break;
      case node::TicketVerdict::kConflict:
        refused = absl::FailedPreconditionError("another owner has had this epoch");
        reason = v1::REFUSAL_REASON_STALE_OWNER;
        break;
    }
  }
  if (const auto elsewhere = node::IsElsewhere(refused)) {
    v1::EdgeDown message;
    message.set_handle(handle);
    message.mutable_redirect()->set_address(elsewhere->address);
    *message.mutable_redirect()->mutable_epoch_ticket() =
        node::SignTicket(claims_.session_id, elsewhere->epoch, "", key);
    Send(std::move(message));
    Read();
    return;
  }
  if (!refused.ok()) {
    if (absl::IsNotFound(refused) &&
        node_.registry.NoteLost(claims_.session_id, hello.epoch_ticket())) {
      retry_after_ms = kLostRetryMs;
    }
    Refuse(handle, reason, std::string(refused.message()), retry_after_ms);
    Read();
    return;
  }
  host_ = *host;
  id_ = id;
  boot_id_ = hello.boot_id();
  node::EdgeAttach attach{id, shared_from_this(), handle, claims_, hello};
  host_->Post([attach = std::move(attach)](node::SessionHost& home) { home.Attach(attach); });
  Read();
}

void SimEdgeStream::Refuse(uint32_t handle, v1::RefusalReason reason, const std::string& words,
                           uint32_t retry_after_ms) {
  v1::EdgeDown message;
  message.set_handle(handle);
  message.mutable_refusal()->set_reason(reason);
  message.mutable_refusal()->set_message(words);
  message.mutable_refusal()->set_retry_after_ms(retry_after_ms);
  Send(std::move(message));
}

void SimEdgeStream::Gone() {
  gone_ = true;
  inbox_.clear();
  queue_.clear();
  ack_.reset();
  frame_.reset();
  if (host_ != nullptr) {
    host_->Post([id = id_](node::SessionHost& host) { host.Detach(id); });
  }
  host_ = nullptr;
}

void SimEdgeStream::Send(v1::EdgeDown message) {
  if (gone_) return;
  queue_.push_back({std::move(message), host_});
  WriteSoon();
}

void SimEdgeStream::SendAck(uint32_t handle, const v1::Ack& ack) {
  if (gone_) return;
  v1::EdgeDown message;
  message.set_handle(handle);
  *message.mutable_ack() = ack;
  ack_ = {std::move(message), host_};
  WriteSoon();
}

void SimEdgeStream::OfferFrame(uint32_t handle, v1::FrameEnvelope frame) {
  if (gone_) return;
  v1::EdgeDown message;
  message.set_handle(handle);
  *message.mutable_frame() = std::move(frame);
  frame_ = {std::move(message), host_};
  WriteSoon();
}

void SimEdgeStream::ReplaceFrame(uint32_t handle, v1::FrameEnvelope frame) {
  if (frame_.has_value()) OfferFrame(handle, std::move(frame));
}

void SimEdgeStream::Release(uint32_t) { host_ = nullptr; }

void SimEdgeStream::WriteSoon() {
  if (writing_) return;
  writing_ = true;
  node_.scheduler.After(
      node_.scheduler.Between(kWriteLeastUs, kWriteMostUs),
      [self = shared_from_this()] {
        self->writing_ = false;
        self->Write();
      },
      node_.machine);
}

void SimEdgeStream::Write() {
  if (gone_) return;
  std::optional<Said<v1::EdgeDown>> said;
  while (!said.has_value()) {
    if (!queue_.empty()) {
      said = std::move(queue_.front());
      queue_.pop_front();
    } else if (ack_.has_value()) {
      said = std::exchange(ack_, std::nullopt);
    } else if (frame_.has_value()) {
      said = std::exchange(frame_, std::nullopt);
    } else {
      return;
    }
    if (!said->Holds()) said.reset();
  }
  const v1::EdgeDown& message = said->message;
  History& history = node_.history;
  if (message.has_ack()) {
    history.AckLeaves(claims_.session_id, claims_.participant, boot_id_, message.ack());
  } else if (message.has_frame()) {
    history.FrameLeaves(claims_.session_id, message.frame().epoch(), message.frame());
  } else if (message.has_welcome()) {
    history.OtherLeaves(claims_.session_id, message.welcome().epoch(), "a welcome");
  }
  down_(message);
  WriteSoon();
}

// ---- Watchers

void SimWatchStream::Begin(const v1::WatchRequest& request) {
  node_.registry.Find(claims_.session_id, [self = shared_from_this(), request](
                                              const absl::StatusOr<node::Registry::Host>& host) {
    if (self->gone_) return;
    StreamsOfNode& node = self->node_;
    absl::Status refused = host.status();
    if (host.ok()) {
      switch (node::JudgeTicket(request.epoch_ticket(), node.parts.options.keys.ticket,
                                self->claims_.session_id, (*host)->epoch(), (*host)->nonce())) {
        case node::TicketVerdict::kFine:
          break;
        case node::TicketVerdict::kNewer:
          node.registry.Reopen(self->claims_.session_id, request.epoch_ticket().epoch());
          refused = absl::UnavailableError("being taken over");
          break;
        default:
          refused = absl::FailedPreconditionError("another owner has had this epoch");
          break;
      }
    }
    if (!refused.ok()) {
      self->Finish(refused);
      return;
    }
    self->host_ = *host;
    self->id_ = node.next_id++;
    node::WatchAttach attach{self->id_, self, self->claims_, request};
    self->host_->Post(
        [attach = std::move(attach)](node::SessionHost& home) { home.AttachWatch(attach); });
  });
}

void SimWatchStream::Gone() {
  gone_ = true;
  events_.clear();
  frame_.reset();
  if (host_ != nullptr) {
    host_->Post([id = id_](node::SessionHost& host) { host.DetachWatch(id); });
  }
  host_ = nullptr;
}

void SimWatchStream::Send(v1::WatchEvent event) {
  if (gone_ || closing_.has_value()) return;
  events_.push_back(std::move(event));
  WriteSoon();
}

void SimWatchStream::OfferFrame(v1::FrameEnvelope frame) {
  if (gone_ || closing_.has_value()) return;
  frame_ = std::move(frame);
  WriteSoon();
}

void SimWatchStream::ReplaceFrame(v1::FrameEnvelope frame) {
  if (frame_.has_value()) frame_ = std::move(frame);
}

void SimWatchStream::Finish(absl::Status status) {
  if (gone_ || closing_.has_value()) return;
  closing_ = std::move(status);
  WriteSoon();
}

void SimWatchStream::WriteSoon() {
  if (writing_) return;
  writing_ = true;
  node_.scheduler.After(
      node_.scheduler.Between(kWriteLeastUs, kWriteMostUs),
      [self = shared_from_this()] {
        self->writing_ = false;
        self->Write();
      },
      node_.machine);
}

void SimWatchStream::Write() {
  if (gone_) return;
  if (host_ != nullptr && !host_->InForce()) {
    frame_.reset();
    std::erase_if(events_, [](const v1::WatchEvent& event) { return !event.has_closed(); });
  }
  v1::WatchEvent event;
  if (!events_.empty()) {
    event = std::move(events_.front());
    events_.pop_front();
  } else if (frame_.has_value()) {
    *event.mutable_frame() = *std::exchange(frame_, std::nullopt);
  } else if (closing_.has_value()) {
    const absl::Status why = *closing_;
    Gone();
    ended_(why);
    return;
  } else {
    return;
  }
  if (event.has_frame()) {
    node_.history.FrameLeaves(claims_.session_id, event.frame().epoch(), event.frame());
  } else if (event.has_snapshot() && event.snapshot().epoch() != 0) {
    node_.history.OtherLeaves(claims_.session_id, event.snapshot().epoch(), "a snapshot");
  }
  down_(event);
  WriteSoon();
}

}  // namespace attune::simulation
