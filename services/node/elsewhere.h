// How a node says that another one owns a session: a status that carries where to go.
#ifndef ATTUNE_SERVICES_NODE_ELSEWHERE_H_
#define ATTUNE_SERVICES_NODE_ELSEWHERE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace attune::node {

struct Elsewhere {
  std::string address;  // of the owner, host:port
  uint64_t epoch = 0;   // of its lease, as the directory knows it
};

// FAILED_PRECONDITION with `where` as a payload; `where.address` is not empty.
absl::Status ElsewhereStatus(const Elsewhere& where);

// Absent: `status` says something else.
std::optional<Elsewhere> IsElsewhere(const absl::Status& status);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_ELSEWHERE_H_
