#include "services/node/live_service.h"

#include <memory>

#include "services/node/viewer.h"
#include "services/node/watch_stream.h"

namespace attune::node {

grpc::ServerWriteReactor<v1::WatchEvent>* LiveServiceImpl::Watch(
    grpc::CallbackServerContext* context, const v1::WatchRequest* request) {
  const auto stream = std::make_shared<WatchStream>(services_, context);
  stream->Begin(*request);
  return stream.get();
}

grpc::ServerUnaryReactor* LiveServiceImpl::History(grpc::CallbackServerContext* context,
                                                   const v1::HistoryRequest* request,
                                                   v1::HistoryResponse* response) {
  return InSession(services_, context, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
                   [request, response](SessionHost& host, const Claims& claims, Finish finish) {
                     const auto viewer = ViewerOf(claims);
                     if (!viewer.ok()) {
                       finish(viewer.status());
                       return;
                     }
                     host.Read([&] { *response = host.core().HistoryFor(*request, *viewer); },
                               std::move(finish));
                   });
}

}  // namespace attune::node
