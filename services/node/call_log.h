// A line of the log for each call, with the trace id of the call's `traceparent` when it brought
// one: method, how it ended and how long it took. Never its words: they may hold what somebody
// wrote.
//
// Calls that the node itself is to blame for are warnings, at most kCallLinesPerSecond (what was
// left out is counted in the next line); all others are told at level debug. Edge streams end in
// EdgeStream, which has LogCall too: an interceptor would be asked at each of their messages.
#ifndef ATTUNE_SERVICES_NODE_CALL_LOG_H_
#define ATTUNE_SERVICES_NODE_CALL_LOG_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_interceptor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "services/base/clock.h"
#include "services/base/log.h"
#include "services/base/mutex.h"

namespace attune::node {

inline constexpr int kCallLinesPerSecond = 20;

// Empty: none, or malformed.
std::string TraceIdOf(const grpc::ServerContextBase& context);

// OK, and what the caller did: debug. What the node could not do: warning.
Severity SeverityOf(grpc::StatusCode code);

// One line.
void LogCall(const Logger& log, Severity severity, std::string_view method, grpc::StatusCode code,
             int64_t took_us, const std::string& trace_id, uint64_t left_out = 0);

// For all calls of our services but the edge streams. Thread-safe; what it is given outlives it.
class CallLog final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallLog(const Logger& log, const Clock& clock) : log_(log), clock_(clock) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;
  void Ended(grpc::experimental::ServerRpcInfo& info, grpc::StatusCode code,
             int64_t began_steady_us);

 private:
  const Logger& log_;
  const Clock& clock_;
  Mutex mu_;
  int64_t second_ ATTUNE_GUARDED_BY(mu_) = 0;
  int lines_ ATTUNE_GUARDED_BY(mu_) = 0;
  uint64_t left_out_ ATTUNE_GUARDED_BY(mu_) = 0;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_CALL_LOG_H_
