// EdgeService: heartbeats in. One EdgeStream per device; see edge.proto for what is said on it.
#ifndef ATTUNE_SERVICES_NODE_EDGE_SERVICE_H_
#define ATTUNE_SERVICES_NODE_EDGE_SERVICE_H_

#include <grpcpp/support/byte_buffer.h>

#include "attune/v1/edge.grpc.pb.h"
#include "services/node/services.h"

namespace attune::node {

// The stream's messages are taken as bytes and parsed here: gRPC would end a stream with a message
// that does not parse as if the peer had just stopped sending.
class EdgeServiceImpl final
    : public v1::EdgeService::WithRawCallbackMethod_Stream<v1::EdgeService::Service> {
 public:
  explicit EdgeServiceImpl(const Services& services) : services_(services) {}
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Stream(
      grpc::CallbackServerContext* context) override;

 private:
  const Services services_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_EDGE_SERVICE_H_
