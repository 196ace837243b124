#include "services/node/services.h"

#include <utility>

#include "services/node/elsewhere.h"
#include "services/node/status_map.h"

namespace attune::node {

Finish FinishLater(UnaryCall& call) {
  return [&call](const absl::Status& status) { call.Answer(status); };
}

grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                    const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

Registry::Host AtHome(const Services& services, UnaryCall& call,
                      const absl::StatusOr<Registry::Host>& host) {
  if (host.ok()) return call.Parse() ? *host : nullptr;
  if (const auto elsewhere = IsElsewhere(host.status())) {
    services.forwarder.Unary(call, elsewhere->address);
  } else {
    call.Answer(host.status());
  }
  return nullptr;
}

void InSession(const Services& services, UnaryCall& call,
               std::initializer_list<std::string_view> roles,
               std::function<void(SessionHost&, const Claims&, Finish finish)> on_host) {
  absl::StatusOr<Claims> claims = services.admission.Authenticate(call.context(), roles);
  if (!claims.ok()) {
    call.Answer(claims.status());
    return;
  }
  services.registry.Find(
      claims->session_id, [services, &call, claims = *claims, on_host = std::move(on_host)](
                              const absl::StatusOr<Registry::Host>& found) {
        const Registry::Host host = AtHome(services, call, found);
        if (host == nullptr) return;
        const Finish finish = FinishLater(call);
        const bool posted = host->TryPost([claims, finish, on_host](SessionHost& at_home) {
          if (at_home.core().IsRevoked(claims.token_id)) {
            finish(absl::UnauthenticatedError("the token was revoked: join again"));
            return;
          }
          on_host(at_home, claims, finish);
        });
        if (!posted) {
          finish(absl::ResourceExhaustedError("the node is busy; try again in a moment"));
        }
      });
}

}  // namespace attune::node
