// Taking a session over: ownership, fence, then its state from checkpoint and journal, or from an
// owner's memory back into the journal. Everything here blocks; it runs on the opener's thread.
#ifndef ATTUNE_SERVICES_NODE_RECOVERY_H_
#define ATTUNE_SERVICES_NODE_RECOVERY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/node/parts.h"
#include "services/node/session_host.h"
#include "services/placement/directory.h"
#include "services/session/session_core.h"

namespace attune::node {

struct Opened {
  session::SessionCore core;
  int64_t last_us = 0;  // session time of the last record
  placement::Lease lease;
  std::optional<v1::JournalRecord> opening;  // of a new session: applied, not yet appended
  std::vector<SessionHost::Erasure> erased;  // to be cleaned again
};

// An epoch above every one that journal, key store and `epoch_floor` know; the journal is fenced
// and the sealer open under it. ElsewhereStatus: owned by another node.
absl::StatusOr<placement::Lease> TakeOwnership(Parts& parts, const std::string& session,
                                               uint64_t epoch_floor);

// NOT_FOUND: the journal has no such session.
absl::Status IsKnown(Parts& parts, const std::string& session);

// From its journal, under a lease that TakeOwnership gave. NOT_FOUND: no such session. DATA_LOSS:
// its journal is damaged or its numbers have drifted.
absl::StatusOr<Opened> Recover(Parts& parts, const std::string& session,
                               const placement::Lease& lease);

// A new one; `opening` is its first record.
absl::StatusOr<Opened> OpenNew(Parts& parts, const std::string& session,
                               const v1::JournalRecord& opening, const placement::Lease& lease);

// The journal has lost what its owner still knows: it begins anew with this checkpoint, under a
// lease that TakeOwnership gave. UNAVAILABLE: the journal does not answer; try again.
absl::StatusOr<Opened> Reseed(Parts& parts, const std::string& session,
                              const placement::Lease& lease,
                              const session::SessionCore::Checkpoint& checkpoint);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_RECOVERY_H_
