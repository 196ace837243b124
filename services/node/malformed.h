// gRPC answers a request that it cannot parse with UNIMPLEMENTED and no words, as if there were no
// such call. This says what is wrong instead.
#ifndef ATTUNE_SERVICES_NODE_MALFORMED_H_
#define ATTUNE_SERVICES_NODE_MALFORMED_H_

#include <grpcpp/support/server_interceptor.h>

namespace attune::node {

// What every call says of such a request, whoever finds it.
inline constexpr char kMalformed[] =
    "not a valid request of this call (text must be UTF-8): use the messages of attune.v1";

// For the calls of our services, all of which are implemented. Edge streams parse for themselves.
class MalformedRequests final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_MALFORMED_H_
