// The node list in Redis.
//
//   attune:node:NODE_ID    hash of NodeRecord, `born_ms` and `beat_ms`; gone kNodeTtlUs after the
//                          last beat
//   attune:nodes           sorted set: node id -> when its entry goes (ms, Redis's clock)
//   attune:ping:NODE_ID    what this node last wrote to itself; gone kNodeTtlUs later
//   attune:gone            sorted set: incarnations that have withdrawn -> until when (ms) this is
//                          remembered
//
// A beat writes a random word to Redis, reads it back with a command of its own, and only when it
// came back refreshes the registration (lua/beat.lua), so a node whose way to Redis is dead in
// either direction drops out of the list by itself (LiveKit's self-ping). There is no other bus
// between nodes, so nothing more needs proof.
//
// Ages are Redis's own. An incarnation is dead when it has withdrawn, or when a process that was
// born later (Redis's clock at its first beat) has its node_id. One that was only away (frozen, cut
// off) comes back as it was: what it owned has ended on its own clock long before.
//
// For Pick each beat draws at most kNodesSeen nodes at random, so that a thousand nodes that look
// at each other every 2 s do not cost Redis a million reads; two choices among a random 64 are two
// choices among all.
#ifndef ATTUNE_SERVICES_PLACEMENT_REDIS_NODES_H_
#define ATTUNE_SERVICES_PLACEMENT_REDIS_NODES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/placement/choice.h"
#include "services/placement/nodes.h"
#include "services/redis/client.h"

namespace attune::placement {

inline constexpr int64_t kNodeTtlUs = 15'000'000;
inline constexpr size_t kNodesSeen = 64;

// The scripts that the client must load (ClientOptions::scripts).
std::vector<redis::Script> NodesScripts();

struct RedisNodesOptions {
  int64_t ttl_us = kNodeTtlUs;
  size_t nodes_seen = kNodesSeen;
};

// Calls that block must not be made on the client's thread. Beat from one thread at a time.
class RedisNodes final : public NodeList {
 public:
  // All must outlive it; `random` must be thread-safe.
  RedisNodes(redis::Client& client, const Clock& clock, RandomSource& random,
             RedisNodesOptions options = {});

  absl::Status Announce(NodeRecord record) override;
  absl::Status Beat() override;
  absl::Status Withdraw() override;
  absl::StatusOr<std::vector<NodeRecord>> List() override;
  absl::StatusOr<NodeRecord> Pick(const Needs& needs) override;

 private:
  absl::StatusOr<std::vector<NodeRecord>> Read(size_t most);
  absl::Status Ping(const std::string& node_id);
  absl::Status Register(const NodeRecord& record);
  // Of oneself one knows more than the store.
  void KnowMyself() ATTUNE_REQUIRES(mu_);

  const RedisNodesOptions options_;
  redis::Client& client_;
  const Clock& clock_;
  RandomSource& random_;
  Mutex mu_;
  NodeRecord record_ ATTUNE_GUARDED_BY(mu_);
  int64_t born_ms_ ATTUNE_GUARDED_BY(mu_) = 0;  // 0: not known to Redis yet
  bool dead_ ATTUNE_GUARDED_BY(mu_) = false;
  std::vector<NodeRecord> seen_ ATTUNE_GUARDED_BY(mu_);
  int64_t seen_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  RecentPlacements recent_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_REDIS_NODES_H_
