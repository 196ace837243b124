#include "services/placement/redis_run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"
#include "services/base/strands.h"

namespace attune::placement {

absl::StatusOr<redis::Reply> Checked(const std::string& what, absl::StatusOr<redis::Reply> reply) {
  if (!reply.ok()) return absl::UnavailableError(reply.status().message());
  if (reply->error()) {
    return absl::UnavailableError(absl::StrCat("Redis, ", what, ": ", reply->text));
  }
  return reply;
}

absl::StatusOr<redis::Reply> RunScript(redis::Client& client, const redis::Script& script,
                                       std::vector<std::string> keys,
                                       std::vector<std::string> arguments) {
  return Checked(script.name, client.RunAndWait(script, std::move(keys), std::move(arguments)));
}

absl::StatusOr<redis::Reply> RunCommand(redis::Client& client, std::vector<std::string> arguments) {
  const std::string what = arguments[0];
  return Checked(what, client.CallAndWait(std::move(arguments)));
}

std::vector<absl::StatusOr<redis::Reply>> RunAll(const Clock& clock, redis::Client& client,
                                                 const redis::Script& script,
                                                 std::vector<Call> calls) {
  Mutex mu;
  Latch all(clock);
  size_t waiting = calls.size();
  std::vector<absl::StatusOr<redis::Reply>> replies(calls.size(), absl::UnavailableError(""));
  if (calls.empty()) return replies;
  for (size_t i = 0; i < calls.size(); ++i) {
    client.Run(script, std::move(calls[i].keys), std::move(calls[i].arguments),
               [&, i](absl::StatusOr<redis::Reply> reply) {
                 reply = Checked(script.name, std::move(reply));
                 bool last = false;
                 {
                   MutexLock lock(mu);
                   replies[i] = std::move(reply);
                   last = --waiting == 0;
                 }
                 if (last) all.Open();
               });
  }
  all.Wait();
  return replies;
}

absl::Status Unreadable(const std::string& what) {
  return absl::UnavailableError(absl::StrCat("Redis answers ", what, " with something else"));
}

}  // namespace attune::placement
