// The agent: people's sources, one uplink, one loop.
#ifndef ATTUNE_EDGE_AGENT_AGENT_H_
#define ATTUNE_EDGE_AGENT_AGENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/agent/flags.h"
#include "edge/agent/join_slot.h"
#include "edge/agent/joiner.h"
#include "edge/agent/person.h"
#include "edge/agent/status.h"
#include "edge/client/clock_sync.h"
#include "edge/client/grpc_transport.h"
#include "edge/client/uplink.h"
#include "edge/lsl/library.h"
#include "edge/source/spec.h"
#include "services/base/clock.h"
#include "services/base/random.h"

namespace attune::edge {

class BluezHost;

// As MakeSource of edge/source/spec.h.
using SourceMaker = std::function<absl::StatusOr<std::unique_ptr<Source>>(
    std::string_view spec, const SourceContext& context)>;

// Runs on one thread; gRPC and the joiner have theirs.
class Agent {
 public:
  // Everything passed by reference must outlive it. `stdin_fd` is for --source=stdin.
  Agent(AgentOptions options, const Clock& clock, RandomSource& random, StatusWriter& status,
        int stdin_fd, SourceMaker make_source = MakeSource);
  ~Agent();

  // Sources and what must be kept over restarts. Errors are the user's to mend. Of a hub, a person
  // whose place is taken by another agent is left out; only when that is everybody it is an error.
  absl::Status Prepare();
  // Until the session is closed, everything is done, or `stop` is set. Prepare first.
  ExitCode Run(const std::atomic<bool>& stop);

 private:
  struct Member;
  static constexpr int64_t kStatusEveryUs = 1'000'000;
  static constexpr int64_t kStopWithinUs = 3'000'000;
  static constexpr int64_t kLongestWaitUs = 50'000;  // signals are noticed at least so often

  absl::Status OfferPrivately(Member& member);
  void MakeUplink();
  void Submit(Member& member);
  void OnJoined(const JoinResult& result);
  void OnOver(Member& member, bool delete_raw);
  void TakeEvents();
  absl::Status PrepareSlot(Member& member, int copy);
  void NoteOf(const Member& member, const std::string& words);
  void StepPeople(int64_t now_us);
  void RefreshTokens();
  int64_t WaitUs(int64_t now_us, int64_t uplink_us) const;
  // Whether to go on; sets `code` when not.
  bool GoOn(int64_t now_us, bool stop, ExitCode* code);
  bool EverythingDone() const;
  std::vector<PersonStatus> People() const;
  AgentStatus StatusNow(int64_t now_us) const;
  std::string TicketPath() const;

  AgentOptions options_;
  const Clock& clock_;
  RandomSource& random_;
  StatusWriter& status_;
  int stdin_fd_;
  SourceMaker make_source_;
  ClockSync clock_sync_;
  std::unique_ptr<GrpcTransport> transport_;
  std::shared_ptr<const LslLibrary> lsl_;
  std::shared_ptr<BluezHost> bluez_;              // of all sources that need it
  std::vector<std::unique_ptr<Member>> members_;  // handle = index + 1
  std::unique_ptr<Uplink> uplink_;                // once somebody has joined
  std::unique_ptr<Joiner> joiner_;
  std::string session_id_;
  int64_t status_us_ = INT64_MIN;
  int64_t stop_at_us_ = 0;  // when stopping has taken long enough; 0: not stopping
  std::string last_trouble_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_AGENT_H_
