// What all proposals share: numbering, idempotence, and the checks of words.
#ifndef ATTUNE_SERVICES_SESSION_PROPOSE_H_
#define ATTUNE_SERVICES_SESSION_PROPOSE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "services/session/state.h"

namespace attune::session {

// The next record, numbered and timed (time never decreases).
v1::JournalRecord NextRecord(const State& state, std::string_view request_id, int64_t now_us);

// ALREADY_EXISTS when this call was answered before, INVALID_ARGUMENT when another one had its
// request_id. First of all checks, so that a repeated call gets its first answer whatever has
// happened since: `record` needs no more than what was asked for (request.h).
absl::Status CheckRequest(const State& state, const v1::JournalRecord& record);
absl::Status CheckRequestId(std::string_view request_id);

// FAILED_PRECONDITION unless the session is open.
absl::Status CheckOpen(const State& state);
// NOT_FOUND, or FAILED_PRECONDITION when left or erased.
absl::Status CheckActive(const State& state, uint32_t participant);

// `least`..`most` characters (code points) of valid UTF-8 without control characters.
absl::Status CheckWords(std::string_view what, std::string_view words, size_t least, size_t most);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_PROPOSE_H_
