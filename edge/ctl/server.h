// The server that a command talks to: address, token, calls that are repeated when it cannot be
// reached for a moment.
#ifndef ATTUNE_EDGE_CTL_SERVER_H_
#define ATTUNE_EDGE_CTL_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "attune/v1/session.pb.h"
#include "edge/ctl/args.h"
#include "edge/ctl/command.h"

namespace attune::edge {

class Server {
 public:
  // `role` says whose token the command needs; ROLE_UNSPECIFIED: none. Operator tokens are made
  // from
  // --keys when there is one. INVALID_ARGUMENT when there is no token, with the ways to give one.
  static absl::StatusOr<Server> Connect(const Args& args, Environment& environment, v1::Role role);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& token() const { return token_; }
  const std::string& address() const { return address_; }
  int64_t timeout_us() const { return timeout_us_; }

  // One unary call. UNAVAILABLE and timeouts are retried with the same request, hence the same
  // request_id, until --timeout-s is over. A refusal comes back in words with the next step, as
  // FAILED_PRECONDITION; UNAVAILABLE only when the server was not reached.
  template <typename Stub, typename Request, typename Response>
  absl::Status Call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    return Retry(
        [&](grpc::ClientContext* context) { return (stub.*method)(context, request, response); });
  }

  // What a refusal or an unreachable server means, in words; see Call.
  absl::Status InWords(const absl::Status& status) const;

 private:
  Server(Environment& environment, std::string address, std::string token, v1::Role role,
         int64_t timeout_us, std::shared_ptr<grpc::Channel> channel);
  absl::Status Retry(const std::function<grpc::Status(grpc::ClientContext*)>& attempt);

  Environment* environment_;
  std::string address_;
  std::string token_;
  v1::Role role_;
  int64_t timeout_us_;
  std::shared_ptr<grpc::Channel> channel_;
};

// 32 hexadecimal digits: one per invocation.
std::string NewRequestId(RandomSource& random);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_SERVER_H_
