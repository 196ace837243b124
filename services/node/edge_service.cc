#include "services/node/edge_service.h"

#include <memory>

#include "services/node/edge_stream.h"

namespace attune::node {

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* EdgeServiceImpl::Stream(
    grpc::CallbackServerContext* context) {
  const auto stream = std::make_shared<EdgeStream>(services_, context);
  stream->Begin();
  return stream.get();
}

}  // namespace attune::node
