// LiveService: live views and the recent past.
#ifndef ATTUNE_SERVICES_NODE_LIVE_SERVICE_H_
#define ATTUNE_SERVICES_NODE_LIVE_SERVICE_H_

#include "attune/v1/live.grpc.pb.h"
#include "services/node/raw_methods.h"
#include "services/node/services.h"

namespace attune::node {

using RawLiveService =
    RawMethods<v1::LiveService::Service, v1::LiveService::WithRawCallbackMethod_Watch,
               v1::LiveService::WithRawCallbackMethod_History>;

class LiveServiceImpl final : public RawLiveService {
 public:
  explicit LiveServiceImpl(const Services& services) : services_(services) {}
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request) override;
  ATTUNE_UNARY(LiveService, History);

 private:
  const Services services_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_LIVE_SERVICE_H_
