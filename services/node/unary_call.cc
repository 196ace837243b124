#include "services/node/unary_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>

#include "services/node/malformed.h"
#include "services/node/status_map.h"

namespace attune::node {

bool UnaryCall::Parse() {
  if (parsed_) return true;
  grpc::Slice slice;
  if (!request_bytes_.TrySingleSlice(&slice).ok() &&
      !request_bytes_.DumpToSingleSlice(&slice).ok()) {
    Finish({grpc::StatusCode::INTERNAL, "the request could not be read"});
    return false;
  }
  parsed_ = request_message().ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  if (parsed_) return true;
  Finish({grpc::StatusCode::INVALID_ARGUMENT, kMalformed});
  return false;
}

void UnaryCall::Answer(const absl::Status& status) {
  bool own = false;
  if (status.ok() &&
      !grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::MessageLite>(
           response_message(), &response_bytes_, &own)
           .ok()) {
    Finish({grpc::StatusCode::INTERNAL, "the answer could not be written"});
    return;
  }
  Finish(ToGrpc(status));
}

bool UnaryCall::Couple(std::unique_ptr<grpc::ClientContext> onward) {
  MutexLock lock(mu_);
  if (cancelled_) return false;
  onward_ = std::move(onward);
  return true;
}

void UnaryCall::OnCancel() {
  MutexLock lock(mu_);
  cancelled_ = true;
  if (onward_ != nullptr) onward_->TryCancel();
}

}  // namespace attune::node
