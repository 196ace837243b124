#include "services/node/viewer.h"

namespace attune::node {

v1::Role RoleOf(const Claims& claims) {
  if (claims.role == kRoleParticipant) return v1::ROLE_PARTICIPANT;
  if (claims.role == kRoleFacilitator) return v1::ROLE_FACILITATOR;
  if (claims.role == kRoleObserver) return v1::ROLE_OBSERVER;
  if (claims.role == kRoleOperator) return v1::ROLE_OPERATOR;
  return v1::ROLE_UNSPECIFIED;
}

absl::StatusOr<session::Viewer> ViewerOf(const Claims& claims) {
  const v1::Role role = RoleOf(claims);
  if (role == v1::ROLE_OPERATOR || role == v1::ROLE_UNSPECIFIED) {
    return absl::PermissionDeniedError("this token's role sees no values");
  }
  return session::Viewer{role, claims.participant};
}

}  // namespace attune::node
