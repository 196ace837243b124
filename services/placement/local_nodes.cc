#include <utility>

#include "services/base/status_macros.h"
#include "services/placement/choice.h"
#include "services/placement/nodes.h"

namespace attune::placement {

absl::Status LocalNodes::Announce(NodeRecord record) {
  ATTUNE_RETURN_IF_ERROR(CheckNodeRecord(record));
  MutexLock lock(mu_);
  if (!record_.incarnation.empty() && record.incarnation != record_.incarnation) {
    return absl::InvalidArgumentError("a process has one incarnation");
  }
  record_ = std::move(record);
  return absl::OkStatus();
}

absl::Status LocalNodes::Beat() {
  MutexLock lock(mu_);
  if (record_.incarnation.empty()) return absl::FailedPreconditionError("nothing to say yet");
  if (withdrawn_) return absl::AbortedError("this incarnation has withdrawn");
  return absl::OkStatus();
}

absl::Status LocalNodes::Withdraw() {
  MutexLock lock(mu_);
  withdrawn_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NodeRecord>> LocalNodes::List() {
  MutexLock lock(mu_);
  if (withdrawn_ || record_.incarnation.empty()) return std::vector<NodeRecord>();
  return std::vector<NodeRecord>{record_};
}

absl::StatusOr<NodeRecord> LocalNodes::Pick(const Needs& needs) {
  MutexLock lock(mu_);
  if (withdrawn_ || record_.state != NodeState::kServing ||
      record_.incarnation == needs.not_incarnation) {
    return absl::UnavailableError("no node that serves is known");
  }
  if (!MayHave(record_, needs, 0)) {
    return absl::ResourceExhaustedError("no node has room for the session");
  }
  return record_;
}

}  // namespace attune::placement
