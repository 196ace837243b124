// SessionService: create, join, steer, end, erase.
#ifndef ATTUNE_SERVICES_NODE_SESSION_SERVICE_H_
#define ATTUNE_SERVICES_NODE_SESSION_SERVICE_H_

#include "attune/v1/session.grpc.pb.h"
#include "services/node/services.h"

namespace attune::node {

class SessionServiceImpl final : public v1::SessionService::CallbackService {
 public:
  explicit SessionServiceImpl(const Services& services) : services_(services) {}

#define ATTUNE_UNARY(Method)                                             \
  grpc::ServerUnaryReactor* Method(grpc::CallbackServerContext* context, \
                                   const v1::Method##Request* request,   \
                                   v1::Method##Response* response) override
  ATTUNE_UNARY(CreateSession);
  ATTUNE_UNARY(JoinSession);
  ATTUNE_UNARY(GetSessionByCode);
  ATTUNE_UNARY(GetSession);
  ATTUNE_UNARY(ListSessions);
  ATTUNE_UNARY(SetConsent);
  ATTUNE_UNARY(LeaveSession);
  ATTUNE_UNARY(EraseParticipant);
  ATTUNE_UNARY(StartPractice);
  ATTUNE_UNARY(StopPractice);
  ATTUNE_UNARY(Annotate);
  ATTUNE_UNARY(SubmitMeasure);
  ATTUNE_UNARY(DissolveDyad);
  ATTUNE_UNARY(EndSession);
  ATTUNE_UNARY(RevokeToken);
#undef ATTUNE_UNARY

 private:
  const Services services_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_SESSION_SERVICE_H_
