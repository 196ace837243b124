// What a node says of itself to the others, and what a session needs of the node that is to have
// it.
#ifndef ATTUNE_SERVICES_PLACEMENT_NODE_RECORD_H_
#define ATTUNE_SERVICES_PLACEMENT_NODE_RECORD_H_

#include <cstdint>
#include <string>

namespace attune::placement {

enum class NodeState {
  kStarting,  // takes no sessions yet
  kServing,
  kDraining,  // gives its sessions away and takes no new ones
};

// No identities and no values: counts only.
struct NodeRecord {
  std::string node_id;      // stable name, 1..64 of [A-Za-z0-9._-]
  std::string incarnation;  // node_id#random: of one process, never the same twice
  std::string address;      // where clients and other nodes reach it, "host:port"
  std::string http_address;
  NodeState state = NodeState::kStarting;
  int64_t load = 0;      // participants in its sessions now
  int64_t capacity = 0;  // participants it takes
  int64_t sessions = 0;  // open here
  std::string engine_version;
  std::string build;
  int64_t beat_age_us = 0;  // since it last proved to be alive, by the store's clock; set by List
};

// What a session needs.
struct Needs {
  int64_t people = 1;             // that are in it, or expected
  std::string engine_version{};   // the node's must be the same; empty: any
  std::string not_incarnation{};  // not this node (the one that gives it away); empty: any
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_NODE_RECORD_H_
