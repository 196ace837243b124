// Creating, joining and listing sessions.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/node/join_code.h"
#include "services/node/session_service.h"

namespace attune::node {
namespace {

constexpr uint32_t kDefaultPage = 100;
constexpr uint32_t kLargestPage = 1000;

// The open session of a join code; a caller that has guessed too often is not even looked at.
// `context` is used until `on_host` is called.
void HostOfCode(const Services& services, grpc::CallbackServerContext* context,
                const std::string& typed, Registry::OnHost on_host) {
  Metrics& metrics = services.parts.metrics;
  CodeRateLimiter& codes = services.admission.codes();
  const std::string peer = PeerAddress(context->peer());
  if (const uint32_t wait_ms = codes.BlockedForMs(peer); wait_ms > 0) {
    metrics.joins_limited.Increment();
    context->AddTrailingMetadata("retry-after-ms", std::to_string(wait_ms));
    on_host(absl::ResourceExhaustedError(
        absl::StrCat("too many wrong join codes: try again in ", (wait_ms + 999) / 1000, " s")));
    return;
  }
  const auto answer = [&metrics, &codes, peer,
                       on_host = std::move(on_host)](absl::StatusOr<Registry::Host> host) {
    if (absl::IsNotFound(host.status())) {
      codes.CountWrong(peer);
      metrics.joins_wrong_code.Increment();
      host =
          absl::NotFoundError("no open session has this join code: read it again, like ABCD-2345");
    }
    on_host(std::move(host));
  };
  if (const auto code = NormalizeJoinCode(typed)) {
    services.registry.FindByCode(*code, answer);
  } else {
    answer(absl::NotFoundError("not a join code"));
  }
}

// On the session's worker: who asked with this request is (now) this participant.
void Join(const Services& services, SessionHost& host, const v1::JoinSessionRequest& request,
          const std::string& subject, v1::JoinSessionResponse* response, const Finish& finish) {
  auto refused = std::make_shared<absl::Status>();
  const auto fill = [&] {
    const uint32_t participant = host.core().ResultOf(request.request_id()).value_or(0);
    if (participant == 0 || !host.core().IsActive(participant)) {
      *refused = absl::FailedPreconditionError(
          "this person left or was erased: join with a new request_id");
      return;
    }
    const auto issued = services.admission.Issue(kRoleParticipant, host.id(), participant);
    if (!issued.ok()) {
      *refused = issued.status();
      return;
    }
    *response->mutable_session() = host.core().Info(host.NowUs());
    response->set_participant(participant);
    response->set_token(issued->token);
    response->set_token_expires_utc_us(issued->expires_utc_us);
  };
  host.Mutate(host.core().ProposeJoin(request, subject, host.NowUs()), fill,
              [refused, finish](absl::Status status) {
                status.Update(*refused);
                finish(status);
              });
}

void JoinAsObserver(const Services& services, SessionHost& host, v1::JoinSessionResponse* response,
                    Finish finish) {
  const auto issued = services.admission.Issue(kRoleObserver, host.id(), 0);
  if (!issued.ok()) {
    finish(issued.status());
    return;
  }
  host.Read(
      [&] {
        *response->mutable_session() = host.core().Info(host.NowUs());
        response->set_token(issued->token);
        response->set_token_expires_utc_us(issued->expires_utc_us);
      },
      std::move(finish));
}

// Whoever has the session's code, at the session's node.
void JoinAtHome(const Services& services, const Registry::Host& host,
                const v1::JoinSessionRequest* request, v1::JoinSessionResponse* response,
                const Finish& finish) {
  if (request->role() != v1::ROLE_UNSPECIFIED && request->role() != v1::ROLE_PARTICIPANT &&
      request->role() != v1::ROLE_OBSERVER) {
    finish(absl::PermissionDeniedError("a join code lets in participants and observers only"));
    return;
  }
  services.parts.metrics.joins_ok.Increment();
  const auto busy = absl::ResourceExhaustedError("the node is busy; try again in a moment");
  if (request->role() == v1::ROLE_OBSERVER) {
    const bool posted = host->TryPost([services, response, finish](SessionHost& home) {
      JoinAsObserver(services, home, response, finish);
    });
    if (!posted) finish(busy);
    return;
  }
  // The key of a new person is made before the session's worker needs it: that waits for the disk.
  Parts& parts = services.parts;
  const bool posted =
      parts.opener.TryPost([services, &parts, host, request, response, finish, busy] {
        const std::string subject = parts.random.Bytes(journal::kSubjectBytes);
        if (const auto key = parts.keystore.GetOrCreate(host->id(), subject); !key.ok()) {
          finish(absl::UnavailableError("the key store cannot write; try again"));
          return;
        }
        const bool at_home =
            host->TryPost([services, request, response, finish, subject](SessionHost& home) {
              Join(services, home, *request, subject, response, finish);
            });
        if (!at_home) finish(busy);
      });
  if (!posted) finish(busy);
}

}  // namespace

grpc::ServerUnaryReactor* SessionServiceImpl::CreateSession(grpc::CallbackServerContext* context,
                                                            const v1::CreateSessionRequest* request,
                                                            v1::CreateSessionResponse* response) {
  const auto claims = services_.admission.Authenticate(*context, {kRoleOperator});
  if (!claims.ok()) return FinishNow(context, claims.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const Finish finish = FinishLater(reactor);
  services_.registry.Create(
      *request, claims->key_id,
      [services = services_, response, finish](const absl::StatusOr<Registry::Host>& host) {
        if (!host.ok()) {
          finish(host.status());
          return;
        }
        const auto issued = services.admission.Issue(kRoleFacilitator, (*host)->id(), 0);
        if (issued.ok()) {
          *response->mutable_session() = (*host)->Info();
          response->set_join_code((*host)->join_code());
          response->set_facilitator_token(issued->token);
        }
        finish(issued.status());
      });
  return reactor;
}

grpc::ServerUnaryReactor* SessionServiceImpl::JoinSession(grpc::CallbackServerContext* context,
                                                          const v1::JoinSessionRequest* request,
                                                          v1::JoinSessionResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const Finish finish = FinishLater(reactor);
  HostOfCode(
      services_, context, request->join_code(),
      [services = services_, request, response, finish](absl::StatusOr<Registry::Host> host) {
        if (!host.ok()) {
          finish(host.status());
        } else {
          JoinAtHome(services, *host, request, response, finish);
        }
      });
  return reactor;
}

// Answered on the spot: what it tells needs neither the session's worker nor its journal, so the
// answer's time is as good as the network allows.
grpc::ServerUnaryReactor* SessionServiceImpl::GetSessionByCode(
    grpc::CallbackServerContext* context, const v1::GetSessionByCodeRequest* request,
    v1::GetSessionByCodeResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  HostOfCode(services_, context, request->join_code(),
             [response, finish = FinishLater(reactor)](absl::StatusOr<Registry::Host> host) {
               if (host.ok()) *response->mutable_session() = (*host)->Info();
               finish(host.status());
             });
  return reactor;
}

grpc::ServerUnaryReactor* SessionServiceImpl::ListSessions(grpc::CallbackServerContext* context,
                                                           const v1::ListSessionsRequest* request,
                                                           v1::ListSessionsResponse* response) {
  const auto claims = services_.admission.Authenticate(*context, {kRoleOperator});
  if (!claims.ok()) return FinishNow(context, claims.status());
  if (request->page_size() > kLargestPage) {
    return FinishNow(
        context, absl::InvalidArgumentError(absl::StrCat("page_size is at most ", kLargestPage)));
  }
  const size_t limit = request->page_size() == 0 ? kDefaultPage : request->page_size();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  services_.registry.List(
      request->page_token(), limit,
      [response, finish = FinishLater(reactor)](absl::StatusOr<Registry::Page> page) {
        if (page.ok()) {
          for (v1::SessionInfo& info : page->sessions) *response->add_sessions() = std::move(info);
          response->set_next_page_token(page->next);
        }
        finish(page.status());
      });
  return reactor;
}

}  // namespace attune::node
