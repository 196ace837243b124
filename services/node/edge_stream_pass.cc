// People on an edge's stream whose session another node owns: redirected or passed on.
#include <utility>
#include <vector>

#include "services/node/edge_stream.h"
#include "services/node/epoch_ticket.h"
#include "services/node/hop.h"

namespace attune::node {
namespace {

constexpr char kMethod[] = "/attune.v1.EdgeService/Stream";

}  // namespace

void EdgeStream::OnElsewhere(uint32_t number, const std::string& session, const Elsewhere& where,
                             grpc::ByteBuffer hello) {
  if (cannot_follow_ || IsForwarded(*context_)) {
    const absl::Status refused = PassOn(number, where.address, std::move(hello));
    if (refused.ok()) return;
    RefuseHandle(number, v1::REFUSAL_REASON_OVERLOADED, std::string(refused.message()),
                 kOwnerRetryMs);
  } else {
    services_.parts.metrics.redirects.Increment();
    v1::EdgeDown message;
    message.set_handle(number);
    message.mutable_redirect()->set_address(where.address);
    // Only an owner knows its nonce: this says how high ownership has got, and no more.
    *message.mutable_redirect()->mutable_epoch_ticket() =
        SignTicket(session, where.epoch, "", services_.parts.options.keys.ticket);
    Send(std::move(message));
    Release(number);
  }
  MutexLock lock(mu_);
  --resolving_;
  MaybeRead();
}

absl::Status EdgeStream::PassOn(uint32_t number, const std::string& owner, grpc::ByteBuffer hello) {
  MutexLock lock(mu_);
  if (finishing_ || closing_.has_value()) {
    --resolving_;
    return absl::OkStatus();
  }
  if (!onward_.contains(owner)) {
    auto passage = services_.forwarder.Stream(*context_, kMethod, owner, shared_from_this());
    if (!passage.ok()) return passage.status();
    onward_[owner].passage = *std::move(passage);
    if (read_closed_) onward_[owner].passage->HalfClose();
  }
  handles_[number] = {Binding::kPassedOn, 0, nullptr, owner};
  PassMessage(owner, std::move(hello));
  // In one step with the above: the owner may end the stream before this returns.
  --resolving_;
  MaybeRead();
  return absl::OkStatus();
}

void EdgeStream::PassMessage(const std::string& owner, grpc::ByteBuffer message) {
  const auto onward = onward_.find(owner);
  if (onward == onward_.end()) return;  // over; the edge is about to be told
  // Nothing more is read until this has left.
  if (onward->second.passage->Write(std::move(message))) ++passing_on_;
}

bool EdgeStream::TakePassedBack() {
  for (auto& [owner, onward] : onward_) {
    if (!onward.back.has_value()) continue;
    out_.Swap(&*onward.back);
    onward.back.reset();
    writing_from_ = onward.passage;
    return true;
  }
  return false;
}

void EdgeStream::OnPassedOn(Passage&) {
  MutexLock lock(mu_);
  --passing_on_;
  MaybeRead();
}

void EdgeStream::OnPassedBack(Passage& passage, grpc::ByteBuffer message) {
  MutexLock lock(mu_);
  if (finishing_) return;
  if (passage.TakeInitial() && !written_) CarryBackInitial(passage.context(), *context_);
  for (auto& [owner, onward] : onward_) {
    if (onward.passage.get() == &passage) onward.back = std::move(message);
  }
  MaybeWrite();
}

// The stream ends as its only owner ended it; next to others, its people alone have to come again.
void EdgeStream::OnPassageOver(Passage& passage, const grpc::Status& status) {
  std::vector<uint32_t> gone;
  {
    MutexLock lock(mu_);
    for (auto onward = onward_.begin(); onward != onward_.end(); ++onward) {
      if (onward->second.passage.get() != &passage) continue;
      for (const auto& [number, handle] : handles_) {
        if (handle.binding == Binding::kPassedOn && handle.owner == onward->first) {
          gone.push_back(number);
        }
      }
      onward_.erase(onward);
      break;
    }
    if (onward_.empty() && (read_closed_ || (bound_ == 0 && resolving_ == 0))) {
      if (!finishing_ && !closing_.has_value()) CarryBackTrailing(passage.context(), *context_);
      CloseWith(status);
      return;
    }
  }
  for (const uint32_t number : gone) {
    RefuseHandle(number, v1::REFUSAL_REASON_OVERLOADED,
                 "the node of this session went away: come again", kOwnerRetryMs);
  }
}

}  // namespace attune::node
