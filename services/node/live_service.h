// LiveService: live views and the recent past.
#ifndef ATTUNE_SERVICES_NODE_LIVE_SERVICE_H_
#define ATTUNE_SERVICES_NODE_LIVE_SERVICE_H_

#include "attune/v1/live.grpc.pb.h"
#include "services/node/services.h"

namespace attune::node {

class LiveServiceImpl final : public v1::LiveService::CallbackService {
 public:
  explicit LiveServiceImpl(const Services& services) : services_(services) {}
  grpc::ServerWriteReactor<v1::WatchEvent>* Watch(grpc::CallbackServerContext* context,
                                                  const v1::WatchRequest* request) override;
  grpc::ServerUnaryReactor* History(grpc::CallbackServerContext* context,
                                    const v1::HistoryRequest* request,
                                    v1::HistoryResponse* response) override;

 private:
  const Services services_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_LIVE_SERVICE_H_
