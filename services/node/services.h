// What every gRPC service of a node stands on.
#ifndef ATTUNE_SERVICES_NODE_SERVICES_H_
#define ATTUNE_SERVICES_NODE_SERVICES_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <initializer_list>
#include <string_view>

#include "services/node/admission.h"
#include "services/node/parts.h"
#include "services/node/registry.h"
#include "services/node/stream_set.h"

namespace attune::node {

struct Services {
  Parts& parts;
  Registry& registry;
  Admission& admission;
  StreamSet& streams;
};

using Finish = std::function<void(absl::Status)>;

// A unary call of somebody with one of `roles`, in the session of the token: `on_host` runs on the
// session's worker and calls `finish` once, at any time. Refusals are finished here.
grpc::ServerUnaryReactor* InSession(
    const Services& services, grpc::CallbackServerContext* context,
    std::initializer_list<std::string_view> roles,
    std::function<void(SessionHost&, const Claims&, Finish finish)> on_host);

// A unary call without a session.
grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                    const absl::Status& status);
Finish FinishLater(grpc::ServerUnaryReactor* reactor);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_SERVICES_H_
