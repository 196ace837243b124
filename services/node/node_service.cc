#include "services/node/node_service.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/node/durability.h"
#include "services/node/hop.h"
#include "services/node/status_map.h"

namespace attune::node {
namespace {

constexpr int kMaxAdopted = 1000;
constexpr int kPassOnMs = 5'000;
constexpr size_t kRequestIdLeast = 8;
constexpr size_t kRequestIdMost = 64;

v1::NodeInfo InfoOf(const placement::NodeRecord& record) {
  v1::NodeInfo info;
  info.set_node_id(record.node_id);
  info.set_incarnation(record.incarnation);
  info.set_address(record.address);
  info.set_state(StateOf(record.state));
  info.set_participants(static_cast<uint32_t>(record.load));
  info.set_capacity(static_cast<uint32_t>(record.capacity));
  info.set_sessions(static_cast<uint32_t>(record.sessions));
  info.set_engine_version(record.engine_version);
  info.set_build(record.build);
  info.set_age_us(record.beat_age_us);
  return info;
}

absl::Status CheckRequestId(const std::string& id) {
  if (id.size() >= kRequestIdLeast && id.size() <= kRequestIdMost) return absl::OkStatus();
  return absl::InvalidArgumentError("request_id must have 8..64 characters");
}

}  // namespace

grpc::ServerUnaryReactor* NodeServiceImpl::GetNodeStatus(grpc::CallbackServerContext* context,
                                                         const v1::GetNodeStatusRequest*,
                                                         v1::GetNodeStatusResponse* response) {
  const auto claims = services_.admission.Authenticate(*context, {kRoleOperator});
  if (claims.ok()) *response->mutable_status() = status_();
  return FinishNow(context, claims.status());
}

grpc::ServerUnaryReactor* NodeServiceImpl::ListNodes(grpc::CallbackServerContext* context,
                                                     const v1::ListNodesRequest*,
                                                     v1::ListNodesResponse* response) {
  const auto claims = services_.admission.Authenticate(*context, {kRoleOperator});
  if (!claims.ok()) return FinishNow(context, claims.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool posted = services_.parts.opener.TryPost([services = services_, response, reactor] {
    const auto nodes = services.parts.nodes.List();
    if (nodes.ok()) {
      for (const placement::NodeRecord& node : *nodes) *response->add_nodes() = InfoOf(node);
    }
    reactor->Finish(ToGrpc(nodes.status()));
  });
  if (!posted) reactor->Finish(ToGrpc(absl::ResourceExhaustedError("the node is busy; try again")));
  return reactor;
}

grpc::ServerUnaryReactor* NodeServiceImpl::DrainNode(grpc::CallbackServerContext* context,
                                                     const v1::DrainNodeRequest* request,
                                                     v1::DrainNodeResponse* response) {
  const auto claims = services_.admission.Authenticate(*context, {kRoleOperator});
  absl::Status refused = claims.status();
  if (refused.ok()) refused = CheckRequestId(request->request_id());
  if (!refused.ok()) return FinishNow(context, refused);
  const Options& options = services_.parts.options;
  if (request->node_id().empty() || request->node_id() == options.node_id) {
    response->set_sessions(status_().sessions_open());
    drain_();
    return FinishNow(context, absl::OkStatus());
  }
  if (IsForwarded(*context)) {
    return FinishNow(context, absl::NotFoundError("the node of that name has just changed"));
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool posted = asking_.TryPost([this, request, response, reactor] {
    reactor->Finish(ToGrpc(PassOnDrain(*request, response)));
  });
  if (!posted) reactor->Finish(ToGrpc(absl::ResourceExhaustedError("the node is busy; try again")));
  return reactor;
}

absl::Status NodeServiceImpl::PassOnDrain(const v1::DrainNodeRequest& request,
                                          v1::DrainNodeResponse* response) {
  const auto nodes = services_.parts.nodes.List();
  if (!nodes.ok()) return nodes.status();
  std::string address;
  for (const placement::NodeRecord& node : *nodes) {
    if (node.node_id == request.node_id()) address = node.address;
  }
  if (address.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no node ", request.node_id(), " is in the list: see attunectl node list"));
  }
  const auto channel = services_.forwarder.peers().To(address);
  if (!channel.ok()) return channel.status();
  const auto token = services_.admission.Issue(kRoleOperator, "", 0);
  if (!token.ok()) return token.status();
  grpc::ClientContext onward;
  onward.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(kPassOnMs));
  onward.AddMetadata("authorization", absl::StrCat("Bearer ", token->token));
  onward.AddMetadata(kForwardedKey, "1");
  return FromGrpc(v1::NodeService::NewStub(*channel)->DrainNode(&onward, request, response));
}

grpc::ServerUnaryReactor* NodeServiceImpl::Adopt(grpc::CallbackServerContext* context,
                                                 const v1::AdoptRequest* request,
                                                 v1::AdoptResponse* response) {
  const auto claims = services_.admission.Authenticate(*context, {kRoleOperator});
  absl::Status refused = claims.status();
  if (refused.ok()) refused = CheckRequestId(request->request_id());
  if (refused.ok() && request->session_ids_size() > kMaxAdopted) {
    refused = absl::InvalidArgumentError(absl::StrCat("at most ", kMaxAdopted, " at once"));
  }
  if (!refused.ok()) return FinishNow(context, refused);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const std::vector<std::string> sessions(request->session_ids().begin(),
                                          request->session_ids().end());
  services_.registry.Adopt(sessions, [response, reactor](uint32_t adopted) {
    response->set_adopted(adopted);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace attune::node
