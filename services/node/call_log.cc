#include "services/node/call_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/trace.h"

namespace attune::node {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::ServerRpcInfo;

const char* Name(grpc::StatusCode code) {
  constexpr const char* kNames[] = {"OK",
                                    "CANCELLED",
                                    "UNKNOWN",
                                    "INVALID_ARGUMENT",
                                    "DEADLINE_EXCEEDED",
                                    "NOT_FOUND",
                                    "ALREADY_EXISTS",
                                    "PERMISSION_DENIED",
                                    "RESOURCE_EXHAUSTED",
                                    "FAILED_PRECONDITION",
                                    "ABORTED",
                                    "OUT_OF_RANGE",
                                    "UNIMPLEMENTED",
                                    "INTERNAL",
                                    "UNAVAILABLE",
                                    "DATA_LOSS",
                                    "UNAUTHENTICATED"};
  return code >= 0 && code <= grpc::StatusCode::UNAUTHENTICATED ? kNames[code] : "UNKNOWN";
}

class WatchEnd final : public grpc::experimental::Interceptor {
 public:
  WatchEnd(CallLog& calls, ServerRpcInfo& info, int64_t began_steady_us)
      : calls_(calls), info_(info), began_steady_us_(began_steady_us) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      calls_.Ended(info_, methods->GetSendStatus().error_code(), began_steady_us_);
    }
    methods->Proceed();
  }

 private:
  CallLog& calls_;
  ServerRpcInfo& info_;
  const int64_t began_steady_us_;
};

}  // namespace

std::string TraceIdOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto header = metadata.find(kTraceparent);
  if (header == metadata.end()) return "";
  const auto trace = ParseTraceparent({header->second.data(), header->second.size()});
  return trace ? trace->trace_id : "";
}

Severity SeverityOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS:
      return Severity::kWarning;
    default:
      return Severity::kDebug;
  }
}

void LogCall(const Logger& log, Severity severity, std::string_view method, grpc::StatusCode code,
             int64_t took_us, const std::string& trace_id, uint64_t left_out) {
  if (!log.Writes(severity)) return;
  const int64_t took_ms = took_us / 1000;
  if (trace_id.empty()) {
    log.Write(
        severity, "call",
        {{"method", method}, {"code", Name(code)}, {"took_ms", took_ms}, {"left_out", left_out}});
  } else {
    log.Write(severity, "call",
              {{"method", method},
               {"code", Name(code)},
               {"took_ms", took_ms},
               {"left_out", left_out},
               {"trace_id", trace_id}});
  }
}

grpc::experimental::Interceptor* CallLog::CreateServerInterceptor(ServerRpcInfo* info) {
  const bool ours = std::string_view(info->method()).starts_with("/attune.v1.");
  if (!ours || info->type() == ServerRpcInfo::Type::BIDI_STREAMING) return nullptr;
  return new WatchEnd(*this, *info, clock_.SteadyMicros());
}

void CallLog::Ended(ServerRpcInfo& info, grpc::StatusCode code, int64_t began_steady_us) {
  const Severity severity = SeverityOf(code);
  if (!log_.Writes(severity)) return;
  const int64_t now = clock_.SteadyMicros();
  uint64_t left_out = 0;
  if (severity != Severity::kDebug) {
    MutexLock lock(mu_);
    if (now / 1'000'000 != second_) {
      second_ = now / 1'000'000;
      lines_ = 0;
    }
    if (lines_ >= kCallLinesPerSecond) {
      ++left_out_;
      return;
    }
    ++lines_;
    left_out = std::exchange(left_out_, 0);
  }
  const grpc::ServerContextBase* context = info.server_context();
  LogCall(log_, severity, info.method(), code, now - began_steady_us,
          context == nullptr ? "" : TraceIdOf(*context), left_out);
}

}  // namespace attune::node
