// The calls of people inside a session. Creating and joining: session_service_enter.cc.
#include "services/node/session_service.h"

#include <string>
#include <utility>

namespace attune::node {
namespace {

// The practice with this number as the session's log has it.
v1::Practice PracticeOf(const SessionHost& host, uint32_t number) {
  v1::Practice practice;
  for (const v1::LogEntry& entry : host.core().LogAfter(0)) {
    if (entry.has_practice() && entry.practice().practice() == number) practice = entry.practice();
  }
  return practice;
}

void FillConsents(const SessionHost& host, uint32_t participant,
                  google::protobuf::RepeatedPtrField<v1::Consent>* consents) {
  for (const v1::Consent& consent : host.core().ConsentsOf(participant)) {
    *consents->Add() = consent;
  }
}

}  // namespace

grpc::ServerUnaryReactor* SessionServiceImpl::GetSession(grpc::CallbackServerContext* context,
                                                         const v1::GetSessionRequest*,
                                                         v1::GetSessionResponse* response) {
  return InSession(services_, context, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
                   [response](SessionHost& host, const Claims& claims, Finish finish) {
                     host.Read(
                         [&] {
                           *response->mutable_session() = host.core().Info(host.NowUs());
                           response->set_participant(claims.participant);
                           FillConsents(host, claims.participant, response->mutable_consents());
                         },
                         std::move(finish));
                   });
}

grpc::ServerUnaryReactor* SessionServiceImpl::SetConsent(grpc::CallbackServerContext* context,
                                                         const v1::SetConsentRequest* request,
                                                         v1::SetConsentResponse* response) {
  return InSession(services_, context, {kRoleParticipant},
                   [request, response](SessionHost& host, const Claims& claims, Finish finish) {
                     const uint32_t participant = claims.participant;
                     host.Mutate(
                         host.core().ProposeConsent(participant, *request, host.NowUs()),
                         [&] { FillConsents(host, participant, response->mutable_consents()); },
                         std::move(finish));
                   });
}

grpc::ServerUnaryReactor* SessionServiceImpl::LeaveSession(grpc::CallbackServerContext* context,
                                                           const v1::LeaveSessionRequest* request,
                                                           v1::LeaveSessionResponse*) {
  return InSession(
      services_, context, {kRoleParticipant},
      [request](SessionHost& host, const Claims& claims, Finish finish) {
        host.Mutate(
            host.core().ProposeLeave(claims.participant, request->request_id(), host.NowUs()),
            [] {}, std::move(finish));
      });
}

grpc::ServerUnaryReactor* SessionServiceImpl::EraseParticipant(
    grpc::CallbackServerContext* context, const v1::EraseParticipantRequest* request,
    v1::EraseParticipantResponse* response) {
  return InSession(
      services_, context, {kRoleParticipant},
      [request, response](SessionHost& host, const Claims& claims, const Finish& finish) {
        host.Erase(claims.participant, request->request_id(),
                   [response, finish](const absl::StatusOr<uint32_t>& revision) {
                     if (revision.ok()) response->set_report_revision(*revision);
                     finish(revision.status());
                   });
      });
}

grpc::ServerUnaryReactor* SessionServiceImpl::StartPractice(grpc::CallbackServerContext* context,
                                                            const v1::StartPracticeRequest* request,
                                                            v1::StartPracticeResponse* response) {
  return InSession(
      services_, context, {kRoleFacilitator},
      [request, response](SessionHost& host, const Claims&, Finish finish) {
        host.Mutate(
            host.core().ProposeStartPractice(*request, host.NowUs()),
            [&] {
              const uint32_t number = host.core().ResultOf(request->request_id()).value_or(0);
              response->set_practice(number);
              response->set_started_session_us(PracticeOf(host, number).started_session_us());
            },
            std::move(finish));
      });
}

grpc::ServerUnaryReactor* SessionServiceImpl::StopPractice(grpc::CallbackServerContext* context,
                                                           const v1::StopPracticeRequest* request,
                                                           v1::StopPracticeResponse* response) {
  return InSession(services_, context, {kRoleFacilitator},
                   [request, response](SessionHost& host, const Claims&, Finish finish) {
                     host.Mutate(
                         host.core().ProposeStopPractice(*request, host.NowUs()),
                         [&] {
                           response->set_stopped_session_us(
                               PracticeOf(host, request->practice()).stopped_session_us());
                         },
                         std::move(finish));
                   });
}

grpc::ServerUnaryReactor* SessionServiceImpl::Annotate(grpc::CallbackServerContext* context,
                                                       const v1::AnnotateRequest* request,
                                                       v1::AnnotateResponse* response) {
  return InSession(
      services_, context, {kRoleFacilitator},
      [request, response](SessionHost& host, const Claims&, Finish finish) {
        host.Mutate(
            host.core().ProposeAnnotate(*request, host.NowUs()),
            [&] {
              response->set_annotation(
                  host.core().ResultOf(request->request_id()).value_or(request->undoes()));
            },
            std::move(finish));
      });
}

grpc::ServerUnaryReactor* SessionServiceImpl::SubmitMeasure(grpc::CallbackServerContext* context,
                                                            const v1::SubmitMeasureRequest* request,
                                                            v1::SubmitMeasureResponse*) {
  return InSession(services_, context, {kRoleParticipant},
                   [request](SessionHost& host, const Claims& claims, Finish finish) {
                     host.Mutate(
                         host.core().ProposeMeasure(claims.participant, *request, host.NowUs()),
                         [] {}, std::move(finish));
                   });
}

grpc::ServerUnaryReactor* SessionServiceImpl::DissolveDyad(grpc::CallbackServerContext* context,
                                                           const v1::DissolveDyadRequest* request,
                                                           v1::DissolveDyadResponse*) {
  return InSession(services_, context, {kRoleFacilitator},
                   [request](SessionHost& host, const Claims&, Finish finish) {
                     host.Mutate(
                         host.core().ProposeDissolveDyad(*request, host.NowUs()), [] {},
                         std::move(finish));
                   });
}

grpc::ServerUnaryReactor* SessionServiceImpl::EndSession(grpc::CallbackServerContext* context,
                                                         const v1::EndSessionRequest* request,
                                                         v1::EndSessionResponse* response) {
  return InSession(services_, context, {kRoleFacilitator},
                   [request, response](SessionHost& host, const Claims&, Finish finish) {
                     host.Mutate(
                         host.core().ProposeEnd(*request, host.NowUs()),
                         [&] {
                           const v1::SessionInfo info = host.core().Info(host.NowUs());
                           response->set_ended_session_us(info.ended_session_us() != 0
                                                              ? info.ended_session_us()
                                                              : info.planned_end_session_us());
                         },
                         std::move(finish));
                   });
}

grpc::ServerUnaryReactor* SessionServiceImpl::RevokeToken(grpc::CallbackServerContext* context,
                                                          const v1::RevokeTokenRequest* request,
                                                          v1::RevokeTokenResponse*) {
  return InSession(services_, context, {kRoleFacilitator},
                   [request](SessionHost& host, const Claims&, Finish finish) {
                     host.Mutate(
                         host.core().ProposeRevoke(*request, host.NowUs()), [] {},
                         std::move(finish));
                   });
}

}  // namespace attune::node
