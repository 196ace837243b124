// absl::Status <-> grpc::Status, here and nowhere else. Their code numbers are the same by design;
// messages are cut to what HTTP/2 headers bear.
#ifndef ATTUNE_SERVICES_NODE_STATUS_MAP_H_
#define ATTUNE_SERVICES_NODE_STATUS_MAP_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace attune::node {

grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_STATUS_MAP_H_
