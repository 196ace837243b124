#include "services/node/watch_stream.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>

#include "services/node/elsewhere.h"
#include "services/node/epoch_ticket.h"
#include "services/node/hop.h"
#include "services/node/malformed.h"
#include "services/node/status_map.h"

namespace attune::node {
namespace {

// More than the log entries that a session keeps, so that every cursor can be served.
constexpr size_t kMaxEvents = 8192;
constexpr int64_t kCloseUs = 2'000'000;
constexpr char kMethod[] = "/attune.v1.LiveService/Watch";

grpc::Status DoesNotRead() {
  return {grpc::StatusCode::RESOURCE_EXHAUSTED,
          "the view does not read: resume with the last cursor"};
}

}  // namespace

WatchStream::WatchStream(const Services& services, grpc::CallbackServerContext* context)
    : services_(services), context_(context), id_(services.streams.NextId()) {}

void WatchStream::Begin(const grpc::ByteBuffer& request) {
  self_ = shared_from_this();
  const bool room = services_.streams.Add(self_);
  const absl::StatusOr<Claims> claims = services_.admission.Authenticate(
      *context_, {kRoleParticipant, kRoleFacilitator, kRoleObserver});
  if (!room || !claims.ok()) {
    MutexLock lock(mu_);
    FinishWith(ToGrpc(room ? claims.status()
                           : absl::ResourceExhaustedError("this node has too many streams")));
    return;
  }
  services_.registry.Find(claims->session_id, [self = self_, claims = *claims, request](
                                                  const absl::StatusOr<Registry::Host>& host) {
    self->OnFound(claims, request, host);
  });
}

void WatchStream::OnFound(const Claims& claims, const grpc::ByteBuffer& bytes,
                          const absl::StatusOr<Registry::Host>& host) {
  if (const auto elsewhere = IsElsewhere(host.status())) {
    PassOn(elsewhere->address, bytes);
    return;
  }
  v1::WatchRequest request;
  grpc::ByteBuffer copy(bytes);
  if (!grpc::SerializationTraits<v1::WatchRequest>::Deserialize(&copy, &request).ok()) {
    MutexLock lock(mu_);
    FinishWith({grpc::StatusCode::INVALID_ARGUMENT, kMalformed});
    return;
  }
  absl::Status refused = host.status();
  if (host.ok()) {
    const v1::EpochTicket& ticket = request.epoch_ticket();
    switch (JudgeTicket(ticket, services_.parts.options.keys.ticket, claims.session_id,
                        (*host)->epoch(), (*host)->nonce())) {
      case TicketVerdict::kFine:
        break;
      case TicketVerdict::kForged:
        refused = absl::InvalidArgumentError("the epoch ticket is not one of this cluster's");
        break;
      case TicketVerdict::kNewer:
        services_.registry.Reopen(claims.session_id, ticket.epoch());
        refused = absl::UnavailableError("the session is being taken over; try again");
        break;
      case TicketVerdict::kConflict:
        refused = absl::FailedPreconditionError("another owner has had this epoch");
        break;
    }
  }
  MutexLock lock(mu_);
  if (!refused.ok()) {
    FinishWith(ToGrpc(refused));
    return;
  }
  if (finishing_) return;
  host_ = *host;
  WatchAttach attach{id_, shared_from_this(), claims, request};
  const bool posted = host_->TryPost(
      [attach = std::move(attach)](SessionHost& at_home) { at_home.AttachWatch(attach); });
  if (!posted) {
    host_ = nullptr;
    FinishWith({grpc::StatusCode::RESOURCE_EXHAUSTED, "the node is busy; try again in a moment"});
  }
}

void WatchStream::Send(v1::WatchEvent event) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) return;
  if (events_.size() >= kMaxEvents) {
    events_.clear();
    frame_.reset();
    services_.parts.metrics.watchers_overflowed.Increment();
    CloseWith(DoesNotRead());
    return;
  }
  events_.push_back(std::move(event));
  MaybeWrite();
}

void WatchStream::OfferFrame(v1::FrameEnvelope frame) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) return;
  frame_ = std::move(frame);
  MaybeWrite();
}

void WatchStream::ReplaceFrame(v1::FrameEnvelope frame) {
  MutexLock lock(mu_);
  if (frame_.has_value()) frame_ = std::move(frame);
}

void WatchStream::Finish(absl::Status status) {
  MutexLock lock(mu_);
  CloseWith(ToGrpc(status));
}

// ---- Passing on.

void WatchStream::PassOn(const std::string& address, const grpc::ByteBuffer& request) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) return;
  auto passage = services_.forwarder.Stream(*context_, kMethod, address, shared_from_this());
  if (!passage.ok()) {
    FinishWith(ToGrpc(passage.status()));
    return;
  }
  passage_ = *std::move(passage);
  passage_->Write(request, /*last=*/true);
}

void WatchStream::OnPassedBack(Passage& passage, grpc::ByteBuffer message) {
  MutexLock lock(mu_);
  if (finishing_) return;
  if (passage.TakeInitial()) CarryBackInitial(passage.context(), *context_);
  passed_ = std::move(message);
  MaybeWrite();
}

void WatchStream::OnPassageOver(Passage& passage, const grpc::Status& status) {
  MutexLock lock(mu_);
  passage_ = nullptr;
  if (finishing_ || closing_.has_value()) return;
  CarryBackTrailing(passage.context(), *context_);
  CloseWith(status);
}

// ---- Writing and the end.

void WatchStream::MaybeWrite() {
  if (writing_ || finishing_) return;
  // Under a lease that is over nothing is shown but that it is over.
  if (host_ != nullptr && !host_->InForce()) {
    frame_.reset();
    std::erase_if(events_, [](const v1::WatchEvent& event) { return !event.has_closed(); });
  }
  v1::WatchEvent event;
  if (passed_.has_value()) {
    out_.Swap(&*passed_);
    passed_.reset();
  } else if (!events_.empty()) {
    event = std::move(events_.front());
    events_.pop_front();
  } else if (frame_.has_value()) {
    *event.mutable_frame() = *std::exchange(frame_, std::nullopt);
  } else {
    if (closing_.has_value()) FinishWith(*closing_);
    return;
  }
  if (event.event_case() != v1::WatchEvent::EVENT_NOT_SET) {
    bool own = false;
    grpc::ByteBuffer bytes;
    if (!grpc::SerializationTraits<v1::WatchEvent>::Serialize(event, &bytes, &own).ok()) {
      FinishWith({grpc::StatusCode::INTERNAL, "a message could not be written"});
      return;
    }
    out_.Swap(&bytes);
  }
  writing_ = true;
  write_since_us_ = services_.parts.clock.SteadyMicros();
  StartWrite(&out_);
}

void WatchStream::OnWriteDone(bool ok) {
  MutexLock lock(mu_);
  writing_ = false;
  if (!ok) {
    FinishWith(closing_.value_or(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream broke")));
    return;
  }
  if (passage_ != nullptr) passage_->More();
  MaybeWrite();
}

void WatchStream::CloseWith(const grpc::Status& status) {
  if (finishing_ || closing_.has_value()) return;
  closing_ = status;
  closing_since_us_ = services_.parts.clock.SteadyMicros();
  MaybeWrite();
}

void WatchStream::FinishWith(const grpc::Status& status) {
  if (finishing_) return;
  finishing_ = true;
  events_.clear();
  frame_.reset();
  passed_.reset();
  if (passage_ != nullptr) passage_->Cancel();
  grpc::ServerWriteReactor<grpc::ByteBuffer>::Finish(status);
}

void WatchStream::Close() {
  MutexLock lock(mu_);
  CloseWith({grpc::StatusCode::UNAVAILABLE, "the node is stopping: connect again"});
}

void WatchStream::Check(int64_t now) {
  MutexLock lock(mu_);
  if (finishing_) return;
  const bool blocked = writing_ && now - write_since_us_ > kBlockedWriterUs;
  const bool closing_too_long = closing_.has_value() && now - closing_since_us_ > kCloseUs;
  if (!blocked && !closing_too_long) return;
  if (blocked && !closing_.has_value()) {
    services_.parts.metrics.watchers_overflowed.Increment();
    closing_ = DoesNotRead();
    closing_since_us_ = now;
  }
  context_->TryCancel();  // the write fails, and that finishes
}

void WatchStream::OnCancel() {
  MutexLock lock(mu_);
  FinishWith(grpc::Status::CANCELLED);
}

void WatchStream::OnDone() {
  services_.streams.Remove(this);
  std::shared_ptr<SessionHost> host;
  {
    MutexLock lock(mu_);
    host = std::move(host_);
  }
  if (host != nullptr) host->Post([id = id_](SessionHost& at_home) { at_home.DetachWatch(id); });
  const std::shared_ptr<WatchStream> last = std::move(self_);
}

}  // namespace attune::node
