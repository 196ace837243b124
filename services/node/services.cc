#include "services/node/services.h"

#include <utility>

#include "services/node/status_map.h"

namespace attune::node {

Finish FinishLater(grpc::ServerUnaryReactor* reactor) {
  return [reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status)); };
}

grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                    const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* InSession(
    const Services& services, grpc::CallbackServerContext* context,
    std::initializer_list<std::string_view> roles,
    std::function<void(SessionHost&, const Claims&, Finish finish)> on_host) {
  absl::StatusOr<Claims> claims = services.admission.Authenticate(*context, roles);
  if (!claims.ok()) return FinishNow(context, claims.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const Finish finish = FinishLater(reactor);
  services.registry.Find(
      claims->session_id, [claims = *claims, finish,
                           on_host = std::move(on_host)](absl::StatusOr<Registry::Host> host) {
        if (!host.ok()) {
          finish(host.status());
          return;
        }
        const bool posted = (*host)->TryPost([claims, finish, on_host](SessionHost& at_home) {
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
  return reactor;
}

}  // namespace attune::node
