#include "services/node/forward.h"

#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <utility>

#include "services/node/hop.h"
#include "services/node/status_map.h"

namespace attune::node {

bool Forwarder::IsVouchedFor(const grpc::ServerContextBase& context) const {
  return node::IsVouchedFor(context, options_.keys.ticket, clock_.UtcMicros());
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Forwarder::Way(grpc::ServerContextBase& context,
                                                              const std::string& address) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> way =
      IsForwarded(context)
          ? absl::UnavailableError("the session is changing its node: try again in a moment")
          : peers_.To(address);
  if (!way.ok()) {
    metrics_.forwarded_failed.Increment();
    context.AddTrailingMetadata(kRetryAfterKey, std::to_string(kOwnerRetryMs));
  }
  return way;
}

std::unique_ptr<grpc::ClientContext> Forwarder::Onward(const grpc::ServerContextBase& from) const {
  auto onward = std::make_unique<grpc::ClientContext>();
  CarryOn(from, options_.keys.ticket, clock_.UtcMicros(), *onward);
  return onward;
}

void Forwarder::Count(const grpc::Status& status) {
  metrics_.forwarded_open.Decrement();
  const bool lost = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  (lost ? metrics_.forwarded_failed : metrics_.forwarded_ok).Increment();
}

void Forwarder::Unary(UnaryCall& call, const std::string& address) {
  const auto way = Way(call.context(), address);
  if (!way.ok()) {
    call.Answer(way.status());
    return;
  }
  if (calls_.fetch_add(1) >= kMaxForwardedCalls) {
    calls_.fetch_sub(1);
    metrics_.forwarded_failed.Increment();
    call.Answer(absl::ResourceExhaustedError("this node passes too many calls on"));
    return;
  }
  std::unique_ptr<grpc::ClientContext> owned = Onward(call.context());
  const auto latest =
      std::chrono::system_clock::now() + std::chrono::microseconds(kForwardedCallUs);
  if (owned->deadline() > latest) owned->set_deadline(latest);
  grpc::ClientContext& onward = *owned;
  if (!call.Couple(std::move(owned))) {
    calls_.fetch_sub(1);
    call.Answer(absl::CancelledError("cancelled"));
    return;
  }
  metrics_.forwarded_open.Increment();
  grpc::GenericStub stub(*way);
  stub.UnaryCall(&onward, call.method(), {}, &call.request_bytes(), &call.response_bytes(),
                 [this, &call, &onward](const grpc::Status& status) {
                   CarryBackInitial(onward, call.context());
                   CarryBackTrailing(onward, call.context());
                   calls_.fetch_sub(1);
                   Count(status);
                   // An owner that answers without an answer is not one of ours.
                   const bool whole = !status.ok() || call.response_bytes().Valid();
                   call.Finish(whole ? status
                                     : grpc::Status(grpc::StatusCode::INTERNAL,
                                                    "the session's node gave no answer"));
                 });
}

absl::StatusOr<std::shared_ptr<Passage>> Forwarder::Stream(grpc::ServerContextBase& context,
                                                           const std::string& method,
                                                           const std::string& address,
                                                           std::shared_ptr<PassageBack> back) {
  auto way = Way(context, address);
  if (!way.ok()) return way.status();
  if (streams_.fetch_add(1) >= kMaxForwardedStreams) {
    streams_.fetch_sub(1);
    metrics_.forwarded_failed.Increment();
    return absl::ResourceExhaustedError("this node passes too many streams on");
  }
  metrics_.forwarded_open.Increment();
  return Passage::Open(*std::move(way), method, Onward(context), std::move(back),
                       [this](const grpc::Status& status) {
                         Count(status);
                         streams_.fetch_sub(1);
                       });
}

}  // namespace attune::node
