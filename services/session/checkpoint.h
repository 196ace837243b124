// The state as bytes: one shared section that tells of nobody, and one section per person.
//
// A restored core goes on bit-identically: same frames, same report, same proposals. Not saved:
// frames kept for History (a reader is told from which tick on there are some) and links.
#ifndef ATTUNE_SERVICES_SESSION_CHECKPOINT_H_
#define ATTUNE_SERVICES_SESSION_CHECKPOINT_H_

#include "absl/status/status.h"
#include "services/session/session_core.h"
#include "services/session/state.h"

namespace attune::session {

inline constexpr uint32_t kCheckpointVersion = 2;

// Not while a proposed tick waits to be applied: it is part of no record yet.
SessionCore::Checkpoint SaveCheckpoint(const State& state);

// `state` must be fresh. DATA_LOSS: damaged, or sections that do not belong together.
// FAILED_PRECONDITION: made by another version.
absl::Status RestoreCheckpoint(const SessionCore::Checkpoint& checkpoint, State& state);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_CHECKPOINT_H_
