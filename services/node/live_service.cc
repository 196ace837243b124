#include "services/node/live_service.h"

#include <memory>

#include "services/node/viewer.h"
#include "services/node/watch_stream.h"

namespace attune::node {

grpc::ServerWriteReactor<grpc::ByteBuffer>* LiveServiceImpl::Watch(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  const auto stream = std::make_shared<WatchStream>(services_, context);
  stream->Begin(*request);
  return stream.get();
}

void LiveServiceImpl::History(Unary<v1::HistoryRequest, v1::HistoryResponse>& call) {
  InSession(services_, call, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
            [&call](SessionHost& host, const Claims& claims, Finish finish) {
              const auto viewer = ViewerOf(claims);
              if (!viewer.ok()) {
                finish(viewer.status());
                return;
              }
              host.Read([&] { call.response() = host.core().HistoryFor(call.request(), *viewer); },
                        std::move(finish));
            });
}

}  // namespace attune::node
