// Hands all sessions of a node over to others, so that it can stop: nothing is lost, and a session
// pauses only while it moves itself.
//
// In waves. Each session of a wave stops taking input, writes what it has and a checkpoint; then
// the directory gives it to the node that two-choice placement names (from then on nobody else can
// take it), that node is asked to open it, and only when it has are the streams told to go there.
#ifndef ATTUNE_SERVICES_NODE_DRAIN_H_
#define ATTUNE_SERVICES_NODE_DRAIN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/node/parts.h"
#include "services/node/registry.h"

namespace attune::node {

struct DrainOptions {
  size_t wave = 48;                       // sessions that move together
  int64_t quiesce_within_us = 2'000'000;  // what takes longer is not moved in this wave
};

// Blocks; not thread-safe. What it is given must outlive it.
class Drain {
 public:
  // Asks the node at `address` to open these sessions, and waits for its answer.
  using Adopt =
      std::function<absl::Status(const std::string& address, std::vector<std::string> sessions)>;

  Drain(Parts& parts, Registry& registry, Adopt adopt, DrainOptions options = {});

  struct Result {
    size_t handed = 0;
    size_t left = 0;  // still here: no other node, or the directory does not answer
  };
  Result Run(int64_t deadline_steady_us);

 private:
  using Hosts = std::vector<Registry::Host>;
  // Of `wave`, those whose journal has all of them.
  Hosts Quiesce(const Hosts& wave);
  std::map<std::string, Hosts> HandOver(const Hosts& wave);  // by address
  size_t Move(const Hosts& wave);

  Parts& parts_;
  Registry& registry_;
  const Adopt adopt_;
  const DrainOptions options_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_DRAIN_H_
