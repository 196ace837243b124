#include "edge/ctl/watch_client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/client/trace.h"

namespace attune::edge {
namespace {

constexpr int64_t kMostDelayUs = 5'000'000;  // somebody is looking
constexpr auto kHistoryDeadline = std::chrono::seconds(3);

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

// Trying again as it is would only be refused again.
bool Final(const absl::Status& status, bool ever_received) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return true;
    case absl::StatusCode::kNotFound:
      return !ever_received;  // later, another node may know the session that this one does not
    default:
      return false;
  }
}

}  // namespace

WatchClient::WatchClient(v1::LiveService::StubInterface& stub, const Clock& clock,
                         RandomSource& random, WatchSink& sink, WatchOptions options)
    : stub_(stub), clock_(clock), sink_(sink), options_(std::move(options)), backoff_(random) {}

absl::Status WatchClient::Run() {
  const int64_t started_us = clock_.SteadyMicros();
  while (true) {
    absl::Status why;
    switch (WatchOnce(why)) {
      case After::kClosed:
        sink_.OnLink(WatchModel::Link::kClosed, "", 0);
        return absl::OkStatus();
      case After::kStop:
        return absl::CancelledError("stopped");
      case After::kAgain:
        break;
    }
    if (Final(why, ever_received_)) return why;
    const int64_t now_us = clock_.SteadyMicros();
    if (!ever_received_ && options_.give_up_us > 0 && now_us - started_us > options_.give_up_us) {
      return absl::UnavailableError(why.message());
    }
    const int64_t delay_us = std::min(backoff_.NextDelayUs(), kMostDelayUs);
    sink_.OnLink(ever_received_ ? WatchModel::Link::kReconnecting : WatchModel::Link::kConnecting,
                 std::string(why.message()), now_us + delay_us);
    if (!Sleep(delay_us)) return absl::CancelledError("stopped");
  }
}

WatchClient::After WatchClient::WatchOnce(absl::Status& why) {
  grpc::ClientContext context;
  SendTrace(context, options_.traceparent);
  context.AddMetadata("authorization", "Bearer " + options_.token);
  v1::WatchRequest request;
  request.set_after_cursor(cursor_);
  if (ticket_.epoch() > 0) *request.mutable_epoch_ticket() = ticket_;
  if (!Enter(context)) return After::kStop;
  const auto reader = stub_.Watch(&context, request);
  v1::WatchEvent event;
  bool closed = false;
  std::string refused;
  while (!closed && refused.empty() && reader->Read(&event)) {
    if (!Acceptable(event, refused)) break;
    if (event.has_entry()) {
      if (event.entry().cursor() <= cursor_) continue;
      cursor_ = event.entry().cursor();
    }
    ever_received_ = true;
    if (event.has_snapshot()) {
      sink_.OnLink(WatchModel::Link::kLive, "", 0);
      backoff_.Reset();
    }
    sink_.OnEvent(event);
    if (event.has_snapshot() && options_.history) FetchHistory(event.snapshot().session());
    closed = event.has_closed();
  }
  // Only a stream that we leave is cancelled: of one that broke, the server's reason is wanted.
  if (closed || !refused.empty()) context.TryCancel();
  const absl::Status status = FromGrpc(reader->Finish());
  Leave();
  {
    MutexLock lock(mu_);
    if (stopping_) return After::kStop;
  }
  if (closed && event.closed().state() == v1::SESSION_STATE_CLOSED) return After::kClosed;
  if (closed) {
    why = absl::UnavailableError(absl::StrCat("the session is suspended",
                                              event.closed().reason().empty() ? "" : ": ",
                                              event.closed().reason()));
  } else if (!refused.empty()) {
    why = absl::UnavailableError(refused);
  } else if (status.ok()) {
    why = absl::UnavailableError("the server ended the stream");
  } else {
    why = status;
  }
  return After::kAgain;
}

bool WatchClient::Acceptable(const v1::WatchEvent& event, std::string& why) {
  uint64_t epoch = 0;
  if (event.has_snapshot()) epoch = event.snapshot().epoch();
  if (event.has_frame()) epoch = event.frame().epoch();
  if (epoch == 0) return true;  // says nothing of ownership
  if (epoch < epoch_) {
    why = absl::StrCat("a node with an older ownership answered (epoch ", epoch, " after ", epoch_,
                       ")");
    return false;
  }
  if (event.has_snapshot()) {
    const v1::EpochTicket& ticket = event.snapshot().epoch_ticket();
    if (epoch == ticket_.epoch() && ticket.nonce() != ticket_.nonce()) {
      why = absl::StrCat("two nodes claim epoch ", epoch);
      return false;
    }
    if (ticket.epoch() == epoch) ticket_ = ticket;
  }
  epoch_ = epoch;
  return true;
}

void WatchClient::FetchHistory(const v1::SessionInfo& session) {
  // Beside the stream: meanwhile it keeps the newest frame for us. Not having it only leaves the
  // past empty.
  grpc::ClientContext context;
  SendTrace(context, options_.traceparent);
  context.AddMetadata("authorization", "Bearer " + options_.token);
  context.set_deadline(std::chrono::system_clock::now() + kHistoryDeadline);
  v1::HistoryRequest request;
  request.set_from_tick(1);
  const int64_t tick_us = std::max<int64_t>(1, session.tick_ms()) * 1000;
  request.set_max_frames(static_cast<uint32_t>(
      std::min<int64_t>(WatchModel::kMaxPoints, WatchModel::kHistoryUs / tick_us)));
  v1::HistoryResponse response;
  if (stub_.History(&context, request, &response).ok()) sink_.OnHistory(response);
}

bool WatchClient::Enter(grpc::ClientContext& context) {
  MutexLock lock(mu_);
  if (stopping_) return false;
  context_ = &context;
  return true;
}

void WatchClient::Leave() {
  MutexLock lock(mu_);
  context_ = nullptr;
}

bool WatchClient::Sleep(int64_t delay_us) {
  MutexLock lock(mu_);
  const int64_t until_us = clock_.SteadyMicros() + delay_us;
  while (!stopping_) {
    const int64_t left_us = until_us - clock_.SteadyMicros();
    if (left_us <= 0) return true;
    stopped_.WaitFor(mu_, left_us);
  }
  return false;
}

void WatchClient::Stop() {
  MutexLock lock(mu_);
  stopping_ = true;
  if (context_) context_->TryCancel();
  stopped_.NotifyAll();
}

}  // namespace attune::edge
