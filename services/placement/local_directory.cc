#include "services/placement/local_directory.h"

#include <algorithm>
#include <utility>

#include "services/base/status_macros.h"

namespace attune::placement {

absl::StatusOr<Lease> LocalDirectory::Acquire(const std::string& session, uint64_t epoch_floor) {
  if (session.empty()) return absl::InvalidArgumentError("a session id must not be empty");
  MutexLock lock(mu_);
  if (sessions_.size() >= max_sessions_ && !sessions_.contains(session)) {
    std::erase_if(sessions_, [](const auto& known) { return known.second.nonce.empty(); });
    if (sessions_.size() >= max_sessions_) {
      return absl::ResourceExhaustedError("this node owns as many sessions as it may");
    }
  }
  const auto known = sessions_.find(session);
  const uint64_t last = known == sessions_.end() ? 0 : known->second.epoch;
  const uint64_t floor = std::max(last, epoch_floor);
  if (floor >= kMaxEpoch) {
    return absl::InvalidArgumentError("the session has used up its epochs: start a new session");
  }
  State& state = sessions_[session];
  state.epoch = floor + 1;
  state.nonce = random_.Bytes(kLeaseNonceBytes);
  return LeaseOf(session, state);
}

absl::StatusOr<Lease> LocalDirectory::Renew(const Lease& lease) {
  MutexLock lock(mu_);
  ATTUNE_ASSIGN_OR_RETURN(const State* state, InForce(lease));
  return LeaseOf(lease.session, *state);
}

absl::Status LocalDirectory::Release(const Lease& lease) {
  MutexLock lock(mu_);
  ATTUNE_ASSIGN_OR_RETURN(State * state, InForce(lease));
  state->nonce.clear();
  return absl::OkStatus();
}

absl::Status LocalDirectory::HandOff(const Lease&, const std::string& incarnation,
                                     const std::string& address) {
  if (incarnation.empty() || address.empty()) {
    return absl::InvalidArgumentError("no node to hand the session to");
  }
  return absl::FailedPreconditionError("there is no other node");
}

absl::StatusOr<Lease> LocalDirectory::Owner(const std::string& session) {
  MutexLock lock(mu_);
  const auto known = sessions_.find(session);
  if (known == sessions_.end() || known->second.nonce.empty()) {
    return absl::NotFoundError("nobody owns the session");
  }
  return LeaseOf(session, known->second);
}

Lease LocalDirectory::LeaseOf(const std::string& session, const State& state) const {
  return {session, state.epoch, state.nonce, address_, true, kNeverExpires};
}

absl::StatusOr<LocalDirectory::State*> LocalDirectory::InForce(const Lease& lease) {
  const auto known = sessions_.find(lease.session);
  if (known == sessions_.end() || lease.nonce.empty() || known->second.epoch != lease.epoch ||
      known->second.nonce != lease.nonce) {
    return absl::FailedPreconditionError("the lease is no longer in force");
  }
  return &known->second;
}

}  // namespace attune::placement
