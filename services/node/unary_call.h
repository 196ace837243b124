// One unary call as it came: in bytes. It is parsed by the node that answers it; a node that passes
// it on leaves the bytes alone.
//
//   begun --Parse, Answer(status)--> finished --OnDone--> gone
//     \---- PassOn's answer: Finish(status) as it came ---^
#ifndef ATTUNE_SERVICES_NODE_UNARY_CALL_H_
#define ATTUNE_SERVICES_NODE_UNARY_CALL_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "absl/status/status.h"
#include "services/base/mutex.h"

namespace attune::node {

// Deletes itself once it is over. Ends by exactly one Answer or one Finish.
class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  // `method` as on the wire, "/package.Service/Method"; outlives the call, as gRPC's do the rest.
  UnaryCall(grpc::CallbackServerContext* context, const char* method,
            const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
      : context_(*context), method_(method), request_bytes_(*request), response_bytes_(*response) {}

  grpc::CallbackServerContext& context() { return context_; }
  const char* method() const { return method_; }
  const grpc::ByteBuffer& request_bytes() const { return request_bytes_; }
  grpc::ByteBuffer& response_bytes() { return response_bytes_; }

  // Before the request is looked at; again does no harm. False: it is no such message, and the
  // call has been answered.
  bool Parse();
  // With the response if `status` is OK.
  void Answer(const absl::Status& status);

  // The other half of a call that is passed on: cancelled with this one, and kept as long. False:
  // this call has been cancelled already.
  bool Couple(std::unique_ptr<grpc::ClientContext> onward);

 protected:
  virtual google::protobuf::MessageLite& request_message() = 0;
  virtual google::protobuf::MessageLite& response_message() = 0;

 private:
  void OnCancel() override;
  void OnDone() override { delete this; }

  grpc::CallbackServerContext& context_;
  const char* const method_;
  const grpc::ByteBuffer& request_bytes_;
  grpc::ByteBuffer& response_bytes_;
  bool parsed_ = false;
  Mutex mu_;
  bool cancelled_ ATTUNE_GUARDED_BY(mu_) = false;
  std::unique_ptr<grpc::ClientContext> onward_ ATTUNE_GUARDED_BY(mu_);
};

template <class Request, class Response>
class Unary final : public UnaryCall {
 public:
  using UnaryCall::UnaryCall;
  const Request& request() const { return request_; }
  Response& response() { return response_; }

 private:
  google::protobuf::MessageLite& request_message() override { return request_; }
  google::protobuf::MessageLite& response_message() override { return response_; }

  Request request_;
  Response response_;
};

// In a service: takes `Method` as bytes and hands it to `void Method(Call&)`, to be written.
#define ATTUNE_UNARY(Service, Method)                                                           \
  grpc::ServerUnaryReactor* Method(grpc::CallbackServerContext* context,                        \
                                   const grpc::ByteBuffer* request, grpc::ByteBuffer* response) \
      override {                                                                                \
    auto* call = new ::attune::node::Unary<v1::Method##Request, v1::Method##Response>(          \
        context, "/attune.v1." #Service "/" #Method, request, response);                        \
    Method(*call);                                                                              \
    return call;                                                                                \
  }                                                                                             \
  void Method(::attune::node::Unary<v1::Method##Request, v1::Method##Response>& call)

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_UNARY_CALL_H_
