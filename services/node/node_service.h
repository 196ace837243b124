// NodeService: what an operator may ask a node, and nodes one another.
#ifndef ATTUNE_SERVICES_NODE_NODE_SERVICE_H_
#define ATTUNE_SERVICES_NODE_NODE_SERVICE_H_

#include <functional>
#include <memory>

#include "attune/v1/node.grpc.pb.h"
#include "services/node/services.h"
#include "services/node/worker.h"

namespace attune::node {

inline constexpr size_t kMostAsking = 64;  // calls passed on to other nodes, waiting

class NodeServiceImpl final : public v1::NodeService::CallbackService {
 public:
  // `drain` begins and returns.
  NodeServiceImpl(const Services& services, std::function<v1::NodeStatus()> status,
                  std::function<void()> drain)
      : services_(services),
        status_(std::move(status)),
        drain_(std::move(drain)),
        asking_(services.parts.clock, kMostAsking) {}

  grpc::ServerUnaryReactor* GetNodeStatus(grpc::CallbackServerContext* context,
                                          const v1::GetNodeStatusRequest* request,
                                          v1::GetNodeStatusResponse* response) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;
  grpc::ServerUnaryReactor* DrainNode(grpc::CallbackServerContext* context,
                                      const v1::DrainNodeRequest* request,
                                      v1::DrainNodeResponse* response) override;
  grpc::ServerUnaryReactor* Adopt(grpc::CallbackServerContext* context,
                                  const v1::AdoptRequest* request,
                                  v1::AdoptResponse* response) override;

 private:
  absl::Status PassOnDrain(const v1::DrainNodeRequest& request, v1::DrainNodeResponse* response);

  const Services services_;
  const std::function<v1::NodeStatus()> status_;
  const std::function<void()> drain_;
  Worker asking_;  // waits for the answers of other nodes
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_NODE_SERVICE_H_
