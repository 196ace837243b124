// What floors below a node call their states, as clients are told.
#ifndef ATTUNE_SERVICES_NODE_DURABILITY_H_
#define ATTUNE_SERVICES_NODE_DURABILITY_H_

#include "attune/v1/node.pb.h"
#include "services/journal/journal.h"
#include "services/placement/node_record.h"

namespace attune::node {

// What an acknowledgement survives.
inline v1::DurabilityTier DurabilityOf(journal::Tier tier) {
  switch (tier) {
    case journal::Tier::kProcess:
      return v1::DURABILITY_TIER_PROCESS;
    case journal::Tier::kFsync:
      return v1::DURABILITY_TIER_FSYNC;
    case journal::Tier::kRedis:
      return v1::DURABILITY_TIER_REDIS;
    case journal::Tier::kRedisWait:
      return v1::DURABILITY_TIER_REDIS_WAIT;
  }
  return v1::DURABILITY_TIER_UNSPECIFIED;
}

inline v1::NodeState StateOf(placement::NodeState state) {
  switch (state) {
    case placement::NodeState::kStarting:
      return v1::NODE_STATE_STARTING;
    case placement::NodeState::kServing:
      return v1::NODE_STATE_SERVING;
    case placement::NodeState::kDraining:
      return v1::NODE_STATE_DRAINING;
  }
  return v1::NODE_STATE_UNSPECIFIED;
}

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_DURABILITY_H_
