// What a node stands on: files when it is alone, Redis when it is one of many.
#ifndef ATTUNE_SERVICES_ATTUNED_BACKING_H_
#define ATTUNE_SERVICES_ATTUNED_BACKING_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/attuned/flags.h"
#include "services/base/clock.h"
#include "services/base/log.h"
#include "services/base/random.h"
#include "services/journal/journal.h"
#include "services/journal/keystore.h"
#include "services/node/metrics.h"
#include "services/placement/codes.h"
#include "services/placement/directory.h"
#include "services/placement/nodes.h"
#include "services/redis/client.h"

namespace attune {

struct Backing {
  // First, so that they outlive what uses them. Absent: alone. The journal has a connection of its
  // own: its tier redis-wait holds up what comes behind.
  std::unique_ptr<redis::Client> client;
  std::unique_ptr<redis::Client> journal_client;
  std::unique_ptr<journal::KeyStore> keystore;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<placement::Directory> directory;
  std::unique_ptr<placement::NodeList> nodes;   // absent: alone
  std::unique_ptr<placement::JoinCodes> codes;  // absent: alone
};

// What it is given must outlive the backing; `settings.options` has its keys. With --cluster it
// waits some seconds for Redis; the errors say what to do.
absl::StatusOr<Backing> OpenBacking(const Settings& settings, const Clock& clock,
                                    SystemRandom& random, const Logger& log,
                                    node::Metrics& metrics);

}  // namespace attune

#endif  // ATTUNE_SERVICES_ATTUNED_BACKING_H_
