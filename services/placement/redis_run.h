// Scripts and commands as placement uses them: whatever goes wrong is UNAVAILABLE, because all of
// them may be repeated, so it does not matter whether one was executed.
#ifndef ATTUNE_SERVICES_PLACEMENT_REDIS_RUN_H_
#define ATTUNE_SERVICES_PLACEMENT_REDIS_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/redis/client.h"

namespace attune::placement {

// A reply that is an error is UNAVAILABLE too; `what` names what was asked.
absl::StatusOr<redis::Reply> Checked(const std::string& what, absl::StatusOr<redis::Reply> reply);

// These wait, and must not be called on the client's thread.
absl::StatusOr<redis::Reply> RunScript(redis::Client& client, const redis::Script& script,
                                       std::vector<std::string> keys,
                                       std::vector<std::string> arguments);
absl::StatusOr<redis::Reply> RunCommand(redis::Client& client, std::vector<std::string> arguments);

// What one run of a script is given.
struct Call {
  std::vector<std::string> keys, arguments;
};
// One script many times, in one round trip; an answer to each.
std::vector<absl::StatusOr<redis::Reply>> RunAll(const Clock& clock, redis::Client& client,
                                                 const redis::Script& script,
                                                 std::vector<Call> calls);

// UNAVAILABLE: Redis answered with something else than the script does.
absl::Status Unreadable(const std::string& what);

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_REDIS_RUN_H_
