// SessionService: create, join, steer, end, erase.
#ifndef ATTUNE_SERVICES_NODE_SESSION_SERVICE_H_
#define ATTUNE_SERVICES_NODE_SESSION_SERVICE_H_

#include "attune/v1/session.grpc.pb.h"
#include "services/node/raw_methods.h"
#include "services/node/services.h"

namespace attune::node {

using RawSessionService =
    RawMethods<v1::SessionService::Service, v1::SessionService::WithRawCallbackMethod_CreateSession,
               v1::SessionService::WithRawCallbackMethod_JoinSession,
               v1::SessionService::WithRawCallbackMethod_GetSessionByCode,
               v1::SessionService::WithRawCallbackMethod_GetSession,
               v1::SessionService::WithRawCallbackMethod_ListSessions,
               v1::SessionService::WithRawCallbackMethod_SetConsent,
               v1::SessionService::WithRawCallbackMethod_LeaveSession,
               v1::SessionService::WithRawCallbackMethod_EraseParticipant,
               v1::SessionService::WithRawCallbackMethod_StartPractice,
               v1::SessionService::WithRawCallbackMethod_StopPractice,
               v1::SessionService::WithRawCallbackMethod_Annotate,
               v1::SessionService::WithRawCallbackMethod_SubmitMeasure,
               v1::SessionService::WithRawCallbackMethod_DissolveDyad,
               v1::SessionService::WithRawCallbackMethod_EndSession,
               v1::SessionService::WithRawCallbackMethod_RevokeToken>;

class SessionServiceImpl final : public RawSessionService {
 public:
  explicit SessionServiceImpl(const Services& services) : services_(services) {}

  ATTUNE_UNARY(SessionService, CreateSession);
  ATTUNE_UNARY(SessionService, JoinSession);
  ATTUNE_UNARY(SessionService, GetSessionByCode);
  ATTUNE_UNARY(SessionService, GetSession);
  ATTUNE_UNARY(SessionService, ListSessions);
  ATTUNE_UNARY(SessionService, SetConsent);
  ATTUNE_UNARY(SessionService, LeaveSession);
  ATTUNE_UNARY(SessionService, EraseParticipant);
  ATTUNE_UNARY(SessionService, StartPractice);
  ATTUNE_UNARY(SessionService, StopPractice);
  ATTUNE_UNARY(SessionService, Annotate);
  ATTUNE_UNARY(SessionService, SubmitMeasure);
  ATTUNE_UNARY(SessionService, DissolveDyad);
  ATTUNE_UNARY(SessionService, EndSession);
  ATTUNE_UNARY(SessionService, RevokeToken);

 private:
  const Services services_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_SESSION_SERVICE_H_
