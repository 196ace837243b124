// Keeps LiveService.Watch going: reconnects by itself with the cursor and the epoch ticket, and
// never accepts an ownership older than one it has seen.
#ifndef ATTUNE_EDGE_CTL_WATCH_CLIENT_H_
#define ATTUNE_EDGE_CTL_WATCH_CLIENT_H_

#include <grpcpp/client_context.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "attune/v1/live.grpc.pb.h"
#include "edge/client/backoff.h"
#include "edge/ctl/watch_model.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/random.h"

namespace attune::edge {

// Called on the thread that is in WatchClient::Run.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  // In order; log entries once each, whatever was re-sent.
  virtual void OnEvent(const v1::WatchEvent& event) = 0;
  // After a snapshot, when asked for.
  virtual void OnHistory(const v1::HistoryResponse& history) = 0;
  virtual void OnLink(WatchModel::Link link, const std::string& reason, int64_t retry_at_us) = 0;
};

struct WatchOptions {
  std::string token{};
  std::string traceparent{};  // see SendTrace
  bool history = false;       // fetch the past after each snapshot, to fill a chart
  int64_t give_up_us = 0;     // when nothing was ever received for so long; 0: never
};

class WatchClient {
 public:
  // Everything passed by reference must outlive the client.
  WatchClient(v1::LiveService::StubInterface& stub, const Clock& clock, RandomSource& random,
              WatchSink& sink, WatchOptions options);

  // Until the session is closed (OK), Stop is called (CANCELLED), the server refuses for good (its
  // status) or it was never reached (UNAVAILABLE). Once.
  absl::Status Run();

  // From any thread; Run returns soon.
  void Stop();

 private:
  enum class After { kClosed, kAgain, kStop };

  // One stream. kAgain: `why` says what broke it.
  After WatchOnce(absl::Status& why);
  // False: the event shows an older ownership, or a second owner of the same epoch.
  bool Acceptable(const v1::WatchEvent& event, std::string& why);
  void FetchHistory(const v1::SessionInfo& session);
  // False when stopping.
  bool Enter(grpc::ClientContext& context) ATTUNE_EXCLUDES(mu_);
  void Leave() ATTUNE_EXCLUDES(mu_);
  // False when stopped meanwhile.
  bool Sleep(int64_t delay_us) ATTUNE_EXCLUDES(mu_);

  v1::LiveService::StubInterface& stub_;
  const Clock& clock_;
  WatchSink& sink_;
  const WatchOptions options_;
  Backoff backoff_;
  uint64_t cursor_ = 0;
  uint64_t epoch_ = 0;
  v1::EpochTicket ticket_;
  bool ever_received_ = false;

  Mutex mu_;
  CondVar stopped_;
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  grpc::ClientContext* context_ ATTUNE_GUARDED_BY(mu_) = nullptr;  // of the call under way
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_WATCH_CLIENT_H_
