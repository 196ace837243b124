#include "services/node/malformed.h"

#include <string_view>

namespace attune::node {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::ServerRpcInfo;

class SayWhatIsWrong final : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED &&
          status.error_message().empty()) {
        methods->ModifySendStatus({grpc::StatusCode::INVALID_ARGUMENT, kMalformed});
      }
    }
    methods->Proceed();
  }
};

}  // namespace

grpc::experimental::Interceptor* MalformedRequests::CreateServerInterceptor(ServerRpcInfo* info) {
  const bool ours = std::string_view(info->method()).starts_with("/attune.v1.");
  const bool parsed_by_grpc = info->type() == ServerRpcInfo::Type::UNARY ||
                              info->type() == ServerRpcInfo::Type::SERVER_STREAMING;
  return ours && parsed_by_grpc ? new SayWhatIsWrong : nullptr;
}

}  // namespace attune::node
