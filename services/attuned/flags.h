// The command line of attuned.
#ifndef ATTUNE_SERVICES_ATTUNED_FLAGS_H_
#define ATTUNE_SERVICES_ATTUNED_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/log.h"
#include "services/journal/journal.h"
#include "services/node/options.h"
#include "services/redis/client.h"

namespace attune {

struct Settings {
  node::Options options;       // without keys
  std::string http_address;    // empty: none
  std::string journal_path;    // alone
  redis::ClientOptions redis;  // one of many (options.cluster)
  int redis_replicas = 1;      // of the tier redis-wait
  std::string keys_path;
  journal::Tier tier = journal::Tier::kProcess;
  Severity log_level = Severity::kInfo;
};

// Handles --help and --version itself (exits). INVALID_ARGUMENT says which flag and what to do.
// "--clock-rate" and "--clock_rate" are the same.
absl::StatusOr<Settings> ParseFlags(std::vector<std::string> arguments);

// Whether only this machine can reach "HOST:PORT".
bool IsLoopback(const std::string& address);

}  // namespace attune

#endif  // ATTUNE_SERVICES_ATTUNED_FLAGS_H_
