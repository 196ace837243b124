// Which nodes there are, and which of them should have a session.
//
//   nodes.Announce(record);  // whenever something changed; costs nothing
//   nodes.Beat();            // from the node's keeper, about every 2 s: says it to the others
//   nodes.Pick({.people = 8});  // any thread, at once
#ifndef ATTUNE_SERVICES_PLACEMENT_NODES_H_
#define ATTUNE_SERVICES_PLACEMENT_NODES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/placement/node_record.h"

namespace attune::placement {

inline constexpr int64_t kBeatEveryUs = 2'000'000;

// "node_id#" and 16 random hexadecimal digits.
std::string NewIncarnation(const std::string& node_id, RandomSource& random);

// INVALID_ARGUMENT says what is wrong with it.
absl::Status CheckNodeRecord(const NodeRecord& record);

// Thread-safe.
class NodeList {
 public:
  virtual ~NodeList() = default;

  // What this node says of itself from the next Beat on. Never waits.
  // INVALID_ARGUMENT: CheckNodeRecord, or another node_id or incarnation than before.
  virtual absl::Status Announce(NodeRecord record) = 0;

  // Says it, after having proved that the store is reached in both directions, and learns about the
  // others. Blocks. Nothing is said before the first Announce (FAILED_PRECONDITION).
  //   UNAVAILABLE  the store cannot be reached: try again. After kNodeTtlUs without a beat this
  //                node is gone from the list, and back with the next one.
  //   ABORTED      this incarnation is dead: it has withdrawn, or a newer process of the same
  //                node_id is there. It must stop; it never comes back.
  virtual absl::Status Beat() = 0;

  // Leaves the list for good. Blocks. Later beats are ABORTED. UNAVAILABLE: others see it until its
  // last beat is kNodeTtlUs old.
  virtual absl::Status Withdraw() = 0;

  // All nodes, in order of their ids, as the store has them now; this node among them once it has
  // beaten. Blocks. UNAVAILABLE.
  virtual absl::StatusOr<std::vector<NodeRecord>> List() = 0;

  // The node that should have a session: two-choice (choice.h) among the nodes as of the last Beat,
  // which may be this one. Counts as placed there. Never waits.
  //   RESOURCE_EXHAUSTED  there are nodes that serve, but none that has room or the engine asked
  //   UNAVAILABLE         no node that serves is known (or none was heard of for kNodeTtlUs)
  virtual absl::StatusOr<NodeRecord> Pick(const Needs& needs) = 0;
};

// A process alone: the only node of its list.
class LocalNodes final : public NodeList {
 public:
  absl::Status Announce(NodeRecord record) override;
  absl::Status Beat() override;
  absl::Status Withdraw() override;
  absl::StatusOr<std::vector<NodeRecord>> List() override;
  absl::StatusOr<NodeRecord> Pick(const Needs& needs) override;

 private:
  Mutex mu_;
  NodeRecord record_ ATTUNE_GUARDED_BY(mu_);
  bool withdrawn_ ATTUNE_GUARDED_BY(mu_) = false;
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_NODES_H_
