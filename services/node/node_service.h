// NodeService: what an operator may ask a node.
#ifndef ATTUNE_SERVICES_NODE_NODE_SERVICE_H_
#define ATTUNE_SERVICES_NODE_NODE_SERVICE_H_

#include <functional>

#include "attune/v1/node.grpc.pb.h"
#include "services/node/services.h"

namespace attune::node {

class NodeServiceImpl final : public v1::NodeService::CallbackService {
 public:
  NodeServiceImpl(const Services& services, std::function<v1::NodeStatus()> status)
      : services_(services), status_(std::move(status)) {}
  grpc::ServerUnaryReactor* GetNodeStatus(grpc::CallbackServerContext* context,
                                          const v1::GetNodeStatusRequest* request,
                                          v1::GetNodeStatusResponse* response) override;

 private:
  const Services services_;
  const std::function<v1::NodeStatus()> status_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_NODE_SERVICE_H_
