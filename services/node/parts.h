// What all sessions of a node share. Made by Node, outlives every session.
#ifndef ATTUNE_SERVICES_NODE_PARTS_H_
#define ATTUNE_SERVICES_NODE_PARTS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>

#include "services/base/clock.h"
#include "services/base/log.h"
#include "services/base/random.h"
#include "services/journal/journal.h"
#include "services/journal/keystore.h"
#include "services/journal/sealer.h"
#include "services/node/metrics.h"
#include "services/node/options.h"
#include "services/node/worker.h"
#include "services/placement/codes.h"
#include "services/placement/directory.h"
#include "services/placement/nodes.h"

namespace attune::node {

struct Parts {
  const Options& options;
  const Clock& clock;
  const Logger& log;
  RandomSource& random;  // thread-safe, fit for keys
  Metrics& metrics;
  journal::Journal& journal;
  journal::KeyStore& keystore;
  journal::Sealer& sealer;
  placement::Directory& directory;
  placement::NodeList& nodes;
  placement::JoinCodes& codes;
  // Where calls that block are made: opening sessions, making and destroying keys.
  Worker& opener;
  // Of the sessions' engines: each is gone through once a tick, and they are many.
  std::shared_ptr<std::pmr::memory_resource> engine_memory;
  std::atomic<int64_t> pending_bytes{0};
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_PARTS_H_
