// Roles: as tokens spell them and as the session knows them.
#ifndef ATTUNE_SERVICES_NODE_VIEWER_H_
#define ATTUNE_SERVICES_NODE_VIEWER_H_

#include "absl/status/statusor.h"
#include "services/base/token.h"
#include "services/session/session_core.h"

namespace attune::node {

v1::Role RoleOf(const Claims& claims);
// PERMISSION_DENIED for operators: they see no values.
absl::StatusOr<session::Viewer> ViewerOf(const Claims& claims);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_VIEWER_H_
