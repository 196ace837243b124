// The live view's main loop: takes events from a WatchClient on another thread, and draws them.
#ifndef ATTUNE_EDGE_CTL_WATCH_LOOP_H_
#define ATTUNE_EDGE_CTL_WATCH_LOOP_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "edge/ctl/command.h"
#include "edge/ctl/render.h"
#include "edge/ctl/watch_client.h"
#include "edge/ctl/watch_model.h"
#include "services/base/mutex.h"

namespace attune::edge {

enum class WatchOutput { kLive, kPlain, kJsonLines };

struct WatchLoopOptions {
  WatchOutput output = WatchOutput::kLive;
  Look look;
  int64_t for_us = 0;    // stop after so long; 0: when told to
  int64_t every_us = 0;  // kPlain: a screen each
  int columns = 80;      // kPlain
};

// What the two threads share.
class WatchState final : public WatchSink {
 public:
  // `line` is called with each event when output is JSON lines; returns false to stop.
  WatchState(const Clock& clock, std::function<bool(const v1::WatchEvent&)> line, int wake_fd);

  void OnEvent(const v1::WatchEvent& event) override;
  void OnHistory(const v1::HistoryResponse& history) override;
  void OnLink(WatchModel::Link link, const std::string& reason, int64_t retry_at_us) override;
  void SetResult(const absl::Status& status);

  WatchModel model();
  std::optional<absl::Status> result();  // of the client; none: it still runs
  bool output_failed();

 private:
  void Wake();

  const Clock& clock_;
  const std::function<bool(const v1::WatchEvent&)> line_;
  const int wake_fd_;
  Mutex mu_;
  WatchModel model_ ATTUNE_GUARDED_BY(mu_);
  std::optional<absl::Status> result_ ATTUNE_GUARDED_BY(mu_);
  bool output_failed_ ATTUNE_GUARDED_BY(mu_) = false;
};

struct WatchResult {
  absl::Status client;     // see WatchClient::Run; CANCELLED when the view was ended first
  bool by_person = false;  // ended by a key or a signal
  WatchModel model;
};

// Call BlockWatchSignals before any thread is started. Returns when the session is closed, the time
// is over, or a person or a signal ends it; the terminal is then as it was.
void BlockWatchSignals();
WatchResult RunWatchLoop(v1::LiveService::StubInterface& stub, Environment& environment,
                         const WatchOptions& client_options, const WatchLoopOptions& options);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_WATCH_LOOP_H_
