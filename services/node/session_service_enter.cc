// Creating, joining and listing sessions.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/node/hop.h"
#include "services/node/join_code.h"
#include "services/node/session_service.h"

namespace attune::node {
namespace {

constexpr uint32_t kDefaultPage = 100;
constexpr uint32_t kLargestPage = 1000;

// The open session of a join code, wherever it is: `on_host` is called if that is here, else the
// call is passed on. A caller that has guessed too often is not even looked at; one that another
// node has passed on was looked at there.
void WithCode(const Services& services, UnaryCall& call, const std::string& typed,
              std::function<void(const Registry::Host&)> on_host) {
  Metrics& metrics = services.parts.metrics;
  CodeRateLimiter& codes = services.admission.codes();
  const bool vouched = services.forwarder.IsVouchedFor(call.context());
  const std::string peer = PeerAddress(call.context().peer());
  const uint32_t wait_ms = vouched ? 0 : codes.BlockedForMs(peer);
  if (wait_ms > 0) {
    metrics.joins_limited.Increment();
    call.context().AddTrailingMetadata(kRetryAfterKey, std::to_string(wait_ms));
    call.Answer(absl::ResourceExhaustedError(
        absl::StrCat("too many wrong join codes: try again in ", (wait_ms + 999) / 1000, " s")));
    return;
  }
  const auto answer = [services, &metrics, &codes, &call, vouched, peer,
                       on_host = std::move(on_host)](const absl::StatusOr<Registry::Host>& found) {
    if (absl::IsNotFound(found.status())) {
      if (!vouched) codes.CountWrong(peer);
      metrics.joins_wrong_code.Increment();
      call.Answer(
          absl::NotFoundError("no open session has this join code: read it again, like ABCD-2345"));
      return;
    }
    if (const Registry::Host host = AtHome(services, call, found)) on_host(host);
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
                Unary<v1::JoinSessionRequest, v1::JoinSessionResponse>& call) {
  services.parts.metrics.joins_ok.Increment();
  const Finish finish = FinishLater(call);
  const auto busy = absl::ResourceExhaustedError("the node is busy; try again in a moment");
  if (call.request().role() == v1::ROLE_OBSERVER) {
    const bool posted = host->TryPost([services, &call, finish](SessionHost& home) {
      JoinAsObserver(services, home, &call.response(), finish);
    });
    if (!posted) finish(busy);
    return;
  }
  // The key of a new person is made before the session's worker needs it: that waits for the disk.
  Parts& parts = services.parts;
  const bool posted = parts.opener.TryPost([services, &parts, host, &call, finish, busy] {
    const std::string subject = parts.random.Bytes(journal::kSubjectBytes);
    if (const auto key = parts.keystore.GetOrCreate(host->id(), subject); !key.ok()) {
      finish(absl::UnavailableError("the key store cannot write; try again"));
      return;
    }
    const bool at_home = host->TryPost([services, &call, finish, subject](SessionHost& home) {
      Join(services, home, call.request(), subject, &call.response(), finish);
    });
    if (!at_home) finish(busy);
  });
  if (!posted) finish(busy);
}

}  // namespace

void SessionServiceImpl::CreateSession(
    Unary<v1::CreateSessionRequest, v1::CreateSessionResponse>& call) {
  const auto claims = services_.admission.Authenticate(call.context(), {kRoleOperator});
  if (!claims.ok()) {
    call.Answer(claims.status());
    return;
  }
  if (!call.Parse()) return;
  // One that has been passed on is made here.
  const std::string elsewhere =
      IsForwarded(call.context()) ? "" : services_.registry.WhereToCreate(call.request());
  services_.registry.Create(
      call.request(), claims->key_id, elsewhere,
      [services = services_, &call](const absl::StatusOr<Registry::Host>& created) {
        // The same request may have made the session before, on another node.
        const Registry::Host host = AtHome(services, call, created);
        if (host == nullptr) return;
        const auto issued = services.admission.Issue(kRoleFacilitator, host->id(), 0);
        if (issued.ok()) {
          *call.response().mutable_session() = host->Info();
          call.response().set_join_code(host->join_code());
          call.response().set_facilitator_token(issued->token);
        }
        call.Answer(issued.status());
      });
}

void SessionServiceImpl::JoinSession(Unary<v1::JoinSessionRequest, v1::JoinSessionResponse>& call) {
  if (!call.Parse()) return;
  const v1::Role role = call.request().role();
  if (role != v1::ROLE_UNSPECIFIED && role != v1::ROLE_PARTICIPANT && role != v1::ROLE_OBSERVER) {
    call.Answer(absl::PermissionDeniedError("a join code lets in participants and observers only"));
    return;
  }
  WithCode(services_, call, call.request().join_code(),
           [services = services_, &call](const Registry::Host& host) {
             JoinAtHome(services, host, call);
           });
}

// Answered on the spot: what it tells needs neither the session's worker nor its journal, so the
// answer's time is as good as the network allows.
void SessionServiceImpl::GetSessionByCode(
    Unary<v1::GetSessionByCodeRequest, v1::GetSessionByCodeResponse>& call) {
  if (!call.Parse()) return;
  WithCode(services_, call, call.request().join_code(), [&call](const Registry::Host& host) {
    *call.response().mutable_session() = host->Info();
    call.Answer(absl::OkStatus());
  });
}

void SessionServiceImpl::ListSessions(
    Unary<v1::ListSessionsRequest, v1::ListSessionsResponse>& call) {
  const auto claims = services_.admission.Authenticate(call.context(), {kRoleOperator});
  if (!claims.ok()) {
    call.Answer(claims.status());
    return;
  }
  if (!call.Parse()) return;
  if (call.request().page_size() > kLargestPage) {
    call.Answer(absl::InvalidArgumentError(absl::StrCat("page_size is at most ", kLargestPage)));
    return;
  }
  const size_t limit = call.request().page_size() == 0 ? kDefaultPage : call.request().page_size();
  services_.registry.List(call.request().page_token(), limit,
                          [&call](absl::StatusOr<Registry::Page> page) {
                            if (page.ok()) {
                              for (v1::SessionInfo& info : page->sessions) {
                                *call.response().add_sessions() = std::move(info);
                              }
                              call.response().set_next_page_token(page->next);
                            }
                            call.Answer(page.status());
                          });
}

}  // namespace attune::node
