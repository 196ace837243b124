// What every gRPC service of a node stands on.
#ifndef ATTUNE_SERVICES_NODE_SERVICES_H_
#define ATTUNE_SERVICES_NODE_SERVICES_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <initializer_list>
#include <string_view>

#include "services/node/admission.h"
#include "services/node/forward.h"
#include "services/node/parts.h"
#include "services/node/registry.h"
#include "services/node/stream_set.h"
#include "services/node/unary_call.h"

namespace attune::node {

struct Services {
  Parts& parts;
  Registry& registry;
  Admission& admission;
  StreamSet& streams;
  Forwarder& forwarder;
};

using Finish = std::function<void(absl::Status)>;

// A call of somebody with one of `roles`, in the session of the token: `on_host` runs on the
// session's worker, with the request parsed, and calls `finish` once, at any time. Refusals are
// finished here, and calls for sessions that another node owns are passed on to it.
void InSession(const Services& services, UnaryCall& call,
               std::initializer_list<std::string_view> roles,
               std::function<void(SessionHost&, const Claims&, Finish finish)> on_host);

// Parses the call, or passes it on if `host` says that another node owns the session. Null: either
// way the call is no longer ours.
Registry::Host AtHome(const Services& services, UnaryCall& call,
                      const absl::StatusOr<Registry::Host>& host);

Finish FinishLater(UnaryCall& call);

// A unary call without a session.
grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                    const absl::Status& status);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_SERVICES_H_
