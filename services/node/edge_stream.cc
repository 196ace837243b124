#include "services/node/edge_stream.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/node/call_log.h"
#include "services/node/elsewhere.h"
#include "services/node/epoch_ticket.h"
#include "services/node/hop.h"

namespace attune::node {
namespace {

constexpr size_t kMaxInFlight = 64;  // messages of one stream that wait for workers
constexpr size_t kMaxInFlightBytes = 256 * 1024;
constexpr size_t kMaxQueued = 4096;      // messages to an edge that does not read
constexpr int64_t kCloseUs = 2'000'000;  // closing does not wait longer for a slow reader
constexpr uint32_t kRetryMs = 1000;
constexpr uint32_t kLostRetryMs = 5000;

bool Serialize(const v1::EdgeDown& message, grpc::ByteBuffer& out) {
  bool own = false;
  grpc::ByteBuffer bytes;
  if (!grpc::SerializationTraits<v1::EdgeDown>::Serialize(message, &bytes, &own).ok()) return false;
  out.Swap(&bytes);
  return true;
}

}  // namespace

EdgeStream::EdgeStream(const Services& services, grpc::CallbackServerContext* context)
    : services_(services),
      context_(context),
      cannot_follow_(CannotFollow(*context)),
      began_steady_us_(services.parts.clock.SteadyMicros()) {}

void EdgeStream::Begin() {
  self_ = shared_from_this();
  const bool room = services_.streams.Add(self_);
  MutexLock lock(mu_);
  unbound_since_us_ = services_.parts.clock.SteadyMicros();
  if (!room) {
    FinishWith({grpc::StatusCode::RESOURCE_EXHAUSTED, "this node has too many streams"});
    return;
  }
  MaybeRead();
}

// ---- Reading.

void EdgeStream::MaybeRead() {
  if (finishing_ || closing_.has_value() || read_closed_ || reading_ || dispatching_ ||
      resolving_ > 0 || passing_on_ > 0 || in_flight_ >= kMaxInFlight ||
      in_flight_bytes_ >= kMaxInFlightBytes) {
    return;
  }
  reading_ = true;
  StartRead(&in_);
}

void EdgeStream::OnReadDone(bool ok) {
  const int64_t now = services_.parts.clock.SteadyMicros();
  v1::EdgeUp message;
  grpc::ByteBuffer raw;  // to be passed on as it came
  size_t bytes = 0;
  {
    MutexLock lock(mu_);
    reading_ = false;
    if (!ok) {
      read_closed_ = true;
      for (auto& [owner, onward] : onward_) onward.passage->HalfClose();
      if (onward_.empty()) CloseWith(grpc::Status::OK);
      return;
    }
    if (finishing_) return;
    bytes = in_.Length();
    grpc::ByteBuffer buffer;
    buffer.Swap(&in_);
    if (cannot_follow_) raw = buffer;
    if (!grpc::SerializationTraits<v1::EdgeUp>::Deserialize(&buffer, &message).ok()) {
      CloseWith({grpc::StatusCode::INVALID_ARGUMENT, "a message is not an attune.v1.EdgeUp"});
      return;
    }
    dispatching_ = true;
  }
  Dispatch(std::move(message), std::move(raw), bytes, now);
  MutexLock lock(mu_);
  dispatching_ = false;
  MaybeRead();
}

void EdgeStream::Dispatch(v1::EdgeUp message, grpc::ByteBuffer raw, size_t bytes,
                          int64_t received_steady_us) {
  const uint32_t number = message.handle();
  if (number == 0 || number > kMaxHandlesPerStream) {
    RefuseHandle(number, v1::REFUSAL_REASON_BAD_MESSAGE,
                 absl::StrCat("a handle is a number 1..", kMaxHandlesPerStream));
    return;
  }
  if (message.has_hello()) {
    OnHello(number, message.hello(), std::move(raw));
    return;
  }
  Handle handle;
  std::shared_ptr<void> ticket;
  {
    MutexLock lock(mu_);
    const auto found = handles_.find(number);
    if (found != handles_.end()) {
      // What was under way when the session let go of the person needs no answer of its own.
      if (found->second.binding == Binding::kReleased) return;
      if (found->second.binding == Binding::kPassedOn) {
        PassMessage(found->second.owner, std::move(raw));
        return;
      }
      handle = found->second;
      ++in_flight_;
      in_flight_bytes_ += bytes;
      ticket = std::shared_ptr<void>(
          nullptr, [self = shared_from_this(), bytes](void*) { self->OnHandled(bytes); });
    } else {
      handles_[number].binding = Binding::kReleased;
    }
  }
  if (handle.host == nullptr) {
    RefuseHandle(number, v1::REFUSAL_REASON_BAD_MESSAGE, "say Hello first on this handle");
    return;
  }
  if (message.has_probe()) {
    AnswerProbe(number, *handle.host, message.probe(), received_steady_us);
  } else if (message.has_token()) {
    OnToken(handle, number, message.token());
  } else {
    // Bounded by kMaxInFlight per stream, so never refused.
    handle.host->Post([id = handle.id, message = std::move(message),
                       ticket = std::move(ticket)](SessionHost& host) mutable {
      host.OnEdge(id, std::move(message), std::move(ticket));
    });
  }
}

void EdgeStream::OnHandled(size_t bytes) {
  MutexLock lock(mu_);
  --in_flight_;
  in_flight_bytes_ -= bytes;
  MaybeRead();
}

void EdgeStream::OnHello(uint32_t number, const v1::Hello& hello, grpc::ByteBuffer raw) {
  const absl::StatusOr<Claims> claims = services_.admission.Verify(hello.token());
  if (!claims.ok()) {
    RefuseHandle(number,
                 IsTokenExpired(claims.status()) ? v1::REFUSAL_REASON_TOKEN_EXPIRED
                                                 : v1::REFUSAL_REASON_TOKEN_INVALID,
                 std::string(claims.status().message()));
    return;
  }
  if (claims->role != kRoleParticipant) {
    RefuseHandle(number, v1::REFUSAL_REASON_TOKEN_INVALID,
                 "only a participant's token may send: join as a participant");
    return;
  }
  const uint64_t id = services_.streams.NextId();
  Handle old;
  {
    MutexLock lock(mu_);
    Handle& handle = handles_[number];
    old = handle;
    if (old.binding == Binding::kBound) --bound_;
    handle = {Binding::kResolving, id, nullptr, ""};
    acks_.erase(number);
    frames_.erase(number);
    ++resolving_;
  }
  if (old.binding == Binding::kBound && old.host != nullptr) {
    old.host->Post([id = old.id](SessionHost& host) { host.Detach(id); });
  }
  services_.registry.Find(claims->session_id,
                          [self = shared_from_this(), number, id, claims = *claims, hello,
                           raw = std::move(raw)](const absl::StatusOr<Registry::Host>& host) {
                            if (const auto elsewhere = IsElsewhere(host.status())) {
                              self->OnElsewhere(number, claims.session_id, *elsewhere, raw);
                            } else {
                              self->OnFound(number, id, claims, hello, host);
                            }
                          });
}

void EdgeStream::OnFound(uint32_t number, uint64_t id, const Claims& claims, const v1::Hello& hello,
                         const absl::StatusOr<Registry::Host>& host) {
  absl::Status refused = host.status();
  v1::RefusalReason reason = absl::IsNotFound(refused) ? v1::REFUSAL_REASON_UNKNOWN_SESSION
                                                       : v1::REFUSAL_REASON_OVERLOADED;
  uint32_t retry_after_ms = absl::IsNotFound(refused) ? 0 : kRetryMs;
  if (host.ok()) {
    const v1::EpochTicket& ticket = hello.epoch_ticket();
    switch (JudgeTicket(ticket, services_.parts.options.keys.ticket, claims.session_id,
                        (*host)->epoch(), (*host)->nonce())) {
      case TicketVerdict::kFine:
        break;
      case TicketVerdict::kForged:
        refused = absl::InvalidArgumentError("the epoch ticket is not one of this cluster's");
        reason = v1::REFUSAL_REASON_BAD_MESSAGE;
        break;
      case TicketVerdict::kNewer:
        services_.registry.Reopen(claims.session_id, ticket.epoch());
        refused = absl::UnavailableError("the session is being taken over; try again");
        reason = v1::REFUSAL_REASON_STALE_OWNER;
        retry_after_ms = kRetryMs;
        break;
      case TicketVerdict::kConflict:
        refused = absl::FailedPreconditionError("another owner has had this epoch");
        reason = v1::REFUSAL_REASON_STALE_OWNER;
        break;
    }
  }
  if (!refused.ok()) {
    if (absl::IsNotFound(refused) &&
        services_.registry.NoteLost(claims.session_id, hello.epoch_ticket())) {
      retry_after_ms = kLostRetryMs;
      refused = absl::NotFoundError(
          "the cluster has lost this session's journal and its node: it goes on if either comes "
          "back");
    }
    RefuseHandle(number, reason, std::string(refused.message()), retry_after_ms);
    MutexLock lock(mu_);
    --resolving_;
    MaybeRead();
    return;
  }
  EdgeAttach attach{id, shared_from_this(), number, claims, hello};
  MutexLock lock(mu_);
  --resolving_;
  if (finishing_) return;
  handles_[number] = {Binding::kBound, id, *host, ""};
  ++bound_;
  // Under the lock, so that nothing of this handle overtakes it.
  (*host)->Post([attach = std::move(attach)](SessionHost& at_home) { at_home.Attach(attach); });
  MaybeRead();
}

void EdgeStream::OnToken(const Handle& handle, uint32_t number, const v1::TokenRefresh& refresh) {
  const absl::StatusOr<Claims> claims = services_.admission.Verify(refresh.token());
  if (claims.ok() && claims->role == kRoleParticipant && claims->session_id == handle.host->id()) {
    handle.host->Post(
        [id = handle.id, claims = *claims](SessionHost& host) { host.RefreshToken(id, claims); });
    return;
  }
  RefuseHandle(
      number, v1::REFUSAL_REASON_TOKEN_INVALID,
      claims.ok() ? "the new token is for something else" : std::string(claims.status().message()));
  handle.host->Post([id = handle.id](SessionHost& host) { host.Detach(id); });
}

void EdgeStream::AnswerProbe(uint32_t number, const SessionHost& host, const v1::Probe& probe,
                             int64_t received_steady_us) {
  v1::EdgeDown message;
  message.set_handle(number);
  v1::ProbeReply& reply = *message.mutable_probe_reply();
  reply.set_id(probe.id());
  reply.set_t0_edge_us(probe.t0_edge_us());
  reply.set_t1_session_us(host.clock().At(received_steady_us));
  reply.set_t2_session_us(host.clock().NowUs());
  Send(std::move(message));
}

void EdgeStream::RefuseHandle(uint32_t number, v1::RefusalReason reason, const std::string& words,
                              uint32_t retry_after_ms) {
  services_.parts.metrics.edge_refusals.Increment();
  v1::EdgeDown message;
  message.set_handle(number);
  message.mutable_refusal()->set_reason(reason);
  message.mutable_refusal()->set_message(words);
  message.mutable_refusal()->set_retry_after_ms(retry_after_ms);
  Send(std::move(message));
  Release(number);
}

// ---- Writing.

void EdgeStream::Send(v1::EdgeDown message) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) return;
  if (queue_.size() >= kMaxQueued) {
    queue_.clear();
    CloseWith({grpc::StatusCode::RESOURCE_EXHAUSTED, "the edge does not read"});
    return;
  }
  // Where to go instead may be said by anybody.
  const bool free = message.has_reconnect() || message.has_redirect() || message.has_refusal();
  const uint32_t handle = message.handle();
  queue_.push_back({std::move(message), free ? nullptr : HostOf(handle)});
  MaybeWrite();
}

void EdgeStream::SendAck(uint32_t handle, const v1::Ack& ack) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) return;
  acks_[handle] = {ack, HostOf(handle)};
  MaybeWrite();
}

void EdgeStream::OfferFrame(uint32_t handle, v1::FrameEnvelope frame) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) return;
  frames_[handle] = {std::move(frame), HostOf(handle)};
  MaybeWrite();
}

void EdgeStream::ReplaceFrame(uint32_t handle, v1::FrameEnvelope frame) {
  MutexLock lock(mu_);
  if (const auto found = frames_.find(handle); found != frames_.end()) {
    found->second.message = std::move(frame);
  }
}

std::shared_ptr<SessionHost> EdgeStream::HostOf(uint32_t handle) const {
  const auto found = handles_.find(handle);
  return found == handles_.end() ? nullptr : found->second.host;
}

void EdgeStream::Release(uint32_t number) {
  MutexLock lock(mu_);
  Handle& handle = handles_[number];
  if (handle.binding == Binding::kBound && --bound_ == 0) {
    unbound_since_us_ = services_.parts.clock.SteadyMicros();
  }
  handle = {Binding::kReleased, 0, nullptr, ""};
}

bool EdgeStream::NextToWrite(v1::EdgeDown& message) {
  while (!queue_.empty()) {
    Said<v1::EdgeDown> said = std::move(queue_.front());
    queue_.pop_front();
    if (!said.Holds()) continue;
    message = std::move(said.message);
    return true;
  }
  while (!acks_.empty()) {
    const auto [handle, said] = std::move(*acks_.begin());
    acks_.erase(acks_.begin());
    if (!said.Holds()) continue;
    message.set_handle(handle);
    *message.mutable_ack() = said.message;
    return true;
  }
  while (!frames_.empty()) {
    auto node = frames_.extract(frames_.begin());
    if (!node.mapped().Holds()) continue;
    message.set_handle(node.key());
    *message.mutable_frame() = std::move(node.mapped().message);
    return true;
  }
  return false;
}

void EdgeStream::MaybeWrite() {
  if (writing_ || finishing_) return;
  v1::EdgeDown message;
  const bool passed_back = TakePassedBack();
  if (!passed_back && !NextToWrite(message)) {
    if (closing_.has_value()) FinishWith(*closing_);
    return;
  }
  if (!passed_back && !Serialize(message, out_)) {
    FinishWith({grpc::StatusCode::INTERNAL, "a message could not be written"});
    return;
  }
  writing_ = written_ = true;
  write_since_us_ = services_.parts.clock.SteadyMicros();
  StartWrite(&out_);
}

void EdgeStream::OnWriteDone(bool ok) {
  MutexLock lock(mu_);
  writing_ = false;
  if (!ok) {
    FinishWith({grpc::StatusCode::UNAVAILABLE, "the stream broke"});
    return;
  }
  if (const auto from = std::exchange(writing_from_, nullptr)) from->More();
  MaybeWrite();
}

// ---- The end.

void EdgeStream::CloseWith(grpc::Status status) {
  if (finishing_ || closing_.has_value()) return;
  closing_ = std::move(status);
  closing_since_us_ = services_.parts.clock.SteadyMicros();
  MaybeWrite();
}

void EdgeStream::FinishWith(grpc::Status status) {
  if (finishing_) return;
  finishing_ = true;
  const Logger& log = services_.parts.log;
  if (log.Writes(Severity::kDebug)) {
    LogCall(log, Severity::kDebug, "/attune.v1.EdgeService/Stream", status.error_code(),
            services_.parts.clock.SteadyMicros() - began_steady_us_, TraceIdOf(*context_));
  }
  queue_.clear();
  acks_.clear();
  frames_.clear();
  for (auto& [owner, onward] : onward_) onward.passage->Cancel();
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>::Finish(std::move(status));
}

void EdgeStream::Close() {
  MutexLock lock(mu_);
  CloseWith({grpc::StatusCode::UNAVAILABLE, "the node is stopping: connect again"});
}

void EdgeStream::Check(int64_t now) {
  MutexLock lock(mu_);
  if (finishing_) return;
  if (!closing_.has_value() && bound_ == 0 && resolving_ == 0 && onward_.empty() &&
      now - unbound_since_us_ > kHelloTimeoutUs) {
    CloseWith({grpc::StatusCode::DEADLINE_EXCEEDED, "nobody on this stream: say Hello"});
    return;
  }
  const bool blocked = writing_ && now - write_since_us_ > kBlockedWriterUs;
  const bool closing_too_long = closing_.has_value() && now - closing_since_us_ > kCloseUs;
  if (blocked || closing_too_long) context_->TryCancel();  // the write fails, and that finishes
}

void EdgeStream::OnCancel() {
  MutexLock lock(mu_);
  FinishWith(grpc::Status::CANCELLED);
}

void EdgeStream::DetachAll() {
  std::vector<Handle> handles;
  {
    MutexLock lock(mu_);
    for (const auto& [number, handle] : handles_) {
      if (handle.binding == Binding::kBound) handles.push_back(handle);
    }
    handles_.clear();
    bound_ = 0;
  }
  for (const Handle& handle : handles) {
    handle.host->Post([id = handle.id](SessionHost& host) { host.Detach(id); });
  }
}

void EdgeStream::OnDone() {
  services_.streams.Remove(this);
  DetachAll();
  const std::shared_ptr<EdgeStream> last = std::move(self_);
}

}  // namespace attune::node
