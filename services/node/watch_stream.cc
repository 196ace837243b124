#include "services/node/watch_stream.h"

#include <utility>

#include "services/node/epoch_ticket.h"
#include "services/node/status_map.h"

namespace attune::node {
namespace {

// More than the log entries that a session keeps, so that every cursor can be served.
constexpr size_t kMaxEvents = 8192;
constexpr int64_t kCloseUs = 2'000'000;

}  // namespace

WatchStream::WatchStream(const Services& services, grpc::CallbackServerContext* context)
    : services_(services), context_(context), id_(services.streams.NextId()) {}

void WatchStream::Begin(const v1::WatchRequest& request) {
  self_ = shared_from_this();
  const bool room = services_.streams.Add(self_);
  const absl::StatusOr<Claims> claims = services_.admission.Authenticate(
      *context_, {kRoleParticipant, kRoleFacilitator, kRoleObserver});
  if (!room || !claims.ok()) {
    MutexLock lock(mu_);
    FinishWith(room ? claims.status()
                    : absl::ResourceExhaustedError("this node has too many streams"));
    return;
  }
  services_.registry.Find(claims->session_id, [self = self_, claims = *claims, request](
                                                  const absl::StatusOr<Registry::Host>& host) {
    self->OnFound(claims, request, host);
  });
}

void WatchStream::OnFound(const Claims& claims, const v1::WatchRequest& request,
                          const absl::StatusOr<Registry::Host>& host) {
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
    FinishWith(refused);
    return;
  }
  if (finishing_) return;
  host_ = *host;
  WatchAttach attach{id_, shared_from_this(), claims, request};
  const bool posted = host_->TryPost(
      [attach = std::move(attach)](SessionHost& at_home) { at_home.AttachWatch(attach); });
  if (!posted) {
    host_ = nullptr;
    FinishWith(absl::ResourceExhaustedError("the node is busy; try again in a moment"));
  }
}

void WatchStream::Send(v1::WatchEvent event) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) return;
  if (events_.size() >= kMaxEvents) {
    events_.clear();
    frame_.reset();
    services_.parts.metrics.watchers_overflowed.Increment();
    CloseWith(absl::ResourceExhaustedError("the view does not read: resume with the last cursor"));
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
  CloseWith(status);
}

void WatchStream::MaybeWrite() {
  if (writing_ || finishing_) return;
  // Under a lease that is over nothing is shown but that it is over.
  if (host_ != nullptr && !host_->InForce()) {
    frame_.reset();
    std::erase_if(events_, [](const v1::WatchEvent& event) { return !event.has_closed(); });
  }
  if (!events_.empty()) {
    out_ = std::move(events_.front());
    events_.pop_front();
  } else if (frame_.has_value()) {
    out_.Clear();
    *out_.mutable_frame() = *std::exchange(frame_, std::nullopt);
  } else {
    if (closing_.has_value()) FinishWith(*closing_);
    return;
  }
  writing_ = true;
  write_since_us_ = services_.parts.clock.SteadyMicros();
  StartWrite(&out_);
}

void WatchStream::OnWriteDone(bool ok) {
  MutexLock lock(mu_);
  writing_ = false;
  if (!ok) {
    FinishWith(closing_.value_or(absl::UnavailableError("the stream broke")));
    return;
  }
  MaybeWrite();
}

void WatchStream::CloseWith(const absl::Status& status) {
  if (finishing_ || closing_.has_value()) return;
  closing_ = status;
  closing_since_us_ = services_.parts.clock.SteadyMicros();
  MaybeWrite();
}

void WatchStream::FinishWith(const absl::Status& status) {
  if (finishing_) return;
  finishing_ = true;
  events_.clear();
  frame_.reset();
  grpc::ServerWriteReactor<v1::WatchEvent>::Finish(ToGrpc(status));
}

void WatchStream::Close() {
  MutexLock lock(mu_);
  CloseWith(absl::UnavailableError("the node is stopping: connect again"));
}

void WatchStream::Check(int64_t now) {
  MutexLock lock(mu_);
  if (finishing_) return;
  const bool blocked = writing_ && now - write_since_us_ > kBlockedWriterUs;
  const bool closing_too_long = closing_.has_value() && now - closing_since_us_ > kCloseUs;
  if (!blocked && !closing_too_long) return;
  if (blocked && !closing_.has_value()) {
    services_.parts.metrics.watchers_overflowed.Increment();
    closing_ = absl::ResourceExhaustedError("the view does not read: resume with the last cursor");
    closing_since_us_ = now;
  }
  context_->TryCancel();  // the write fails, and that finishes
}

void WatchStream::OnCancel() {
  MutexLock lock(mu_);
  FinishWith(absl::CancelledError("cancelled"));
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
