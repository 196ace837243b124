#include "services/node/node_service.h"

namespace attune::node {

grpc::ServerUnaryReactor* NodeServiceImpl::GetNodeStatus(grpc::CallbackServerContext* context,
                                                         const v1::GetNodeStatusRequest*,
                                                         v1::GetNodeStatusResponse* response) {
  const auto claims = services_.admission.Authenticate(*context, {kRoleOperator});
  if (claims.ok()) *response->mutable_status() = status_();
  return FinishNow(context, claims.status());
}

}  // namespace attune::node
