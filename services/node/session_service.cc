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

void SessionServiceImpl::GetSession(Unary<v1::GetSessionRequest, v1::GetSessionResponse>& call) {
  InSession(services_, call, {kRoleParticipant, kRoleFacilitator, kRoleObserver},
            [&call](SessionHost& host, const Claims& claims, Finish finish) {
              host.Read(
                  [&] {
                    *call.response().mutable_session() = host.core().Info(host.NowUs());
                    call.response().set_participant(claims.participant);
                    FillConsents(host, claims.participant, call.response().mutable_consents());
                  },
                  std::move(finish));
            });
}

void SessionServiceImpl::SetConsent(Unary<v1::SetConsentRequest, v1::SetConsentResponse>& call) {
  InSession(services_, call, {kRoleParticipant},
            [&call](SessionHost& host, const Claims& claims, Finish finish) {
              const uint32_t participant = claims.participant;
              host.Mutate(
                  host.core().ProposeConsent(participant, call.request(), host.NowUs()),
                  [&] { FillConsents(host, participant, call.response().mutable_consents()); },
                  std::move(finish));
            });
}

void SessionServiceImpl::LeaveSession(
    Unary<v1::LeaveSessionRequest, v1::LeaveSessionResponse>& call) {
  InSession(
      services_, call, {kRoleParticipant},
      [&call](SessionHost& host, const Claims& claims, Finish finish) {
        host.Mutate(
            host.core().ProposeLeave(claims.participant, call.request().request_id(), host.NowUs()),
            [] {}, std::move(finish));
      });
}

void SessionServiceImpl::EraseParticipant(
    Unary<v1::EraseParticipantRequest, v1::EraseParticipantResponse>& call) {
  InSession(services_, call, {kRoleParticipant},
            [&call](SessionHost& host, const Claims& claims, const Finish& finish) {
              host.Erase(claims.participant, call.request().request_id(),
                         [&call, finish](const absl::StatusOr<uint32_t>& revision) {
                           if (revision.ok()) call.response().set_report_revision(*revision);
                           finish(revision.status());
                         });
            });
}

void SessionServiceImpl::StartPractice(
    Unary<v1::StartPracticeRequest, v1::StartPracticeResponse>& call) {
  InSession(
      services_, call, {kRoleFacilitator},
      [&call](SessionHost& host, const Claims&, Finish finish) {
        host.Mutate(
            host.core().ProposeStartPractice(call.request(), host.NowUs()),
            [&] {
              const uint32_t number = host.core().ResultOf(call.request().request_id()).value_or(0);
              call.response().set_practice(number);
              call.response().set_started_session_us(PracticeOf(host, number).started_session_us());
            },
            std::move(finish));
      });
}

void SessionServiceImpl::StopPractice(
    Unary<v1::StopPracticeRequest, v1::StopPracticeResponse>& call) {
  InSession(services_, call, {kRoleFacilitator},
            [&call](SessionHost& host, const Claims&, Finish finish) {
              host.Mutate(
                  host.core().ProposeStopPractice(call.request(), host.NowUs()),
                  [&] {
                    call.response().set_stopped_session_us(
                        PracticeOf(host, call.request().practice()).stopped_session_us());
                  },
                  std::move(finish));
            });
}

void SessionServiceImpl::Annotate(Unary<v1::AnnotateRequest, v1::AnnotateResponse>& call) {
  InSession(services_, call, {kRoleFacilitator},
            [&call](SessionHost& host, const Claims&, Finish finish) {
              host.Mutate(
                  host.core().ProposeAnnotate(call.request(), host.NowUs()),
                  [&] {
                    call.response().set_annotation(host.core()
                                                       .ResultOf(call.request().request_id())
                                                       .value_or(call.request().undoes()));
                  },
                  std::move(finish));
            });
}

void SessionServiceImpl::SubmitMeasure(
    Unary<v1::SubmitMeasureRequest, v1::SubmitMeasureResponse>& call) {
  InSession(services_, call, {kRoleParticipant},
            [&call](SessionHost& host, const Claims& claims, Finish finish) {
              host.Mutate(
                  host.core().ProposeMeasure(claims.participant, call.request(), host.NowUs()),
                  [] {}, std::move(finish));
            });
}

void SessionServiceImpl::DissolveDyad(
    Unary<v1::DissolveDyadRequest, v1::DissolveDyadResponse>& call) {
  InSession(services_, call, {kRoleFacilitator},
            [&call](SessionHost& host, const Claims&, Finish finish) {
              host.Mutate(
                  host.core().ProposeDissolveDyad(call.request(), host.NowUs()), [] {},
                  std::move(finish));
            });
}

void SessionServiceImpl::EndSession(Unary<v1::EndSessionRequest, v1::EndSessionResponse>& call) {
  InSession(services_, call, {kRoleFacilitator},
            [&call](SessionHost& host, const Claims&, Finish finish) {
              host.Mutate(
                  host.core().ProposeEnd(call.request(), host.NowUs()),
                  [&] {
                    const v1::SessionInfo info = host.core().Info(host.NowUs());
                    call.response().set_ended_session_us(info.ended_session_us() != 0
                                                             ? info.ended_session_us()
                                                             : info.planned_end_session_us());
                  },
                  std::move(finish));
            });
}

void SessionServiceImpl::RevokeToken(Unary<v1::RevokeTokenRequest, v1::RevokeTokenResponse>& call) {
  InSession(services_, call, {kRoleFacilitator},
            [&call](SessionHost& host, const Claims&, Finish finish) {
              host.Mutate(
                  host.core().ProposeRevoke(call.request(), host.NowUs()), [] {},
                  std::move(finish));
            });
}

}  // namespace attune::node
