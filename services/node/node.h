// One node: sessions, their gRPC services, and what looks after them.
#ifndef ATTUNE_SERVICES_NODE_NODE_H_
#define ATTUNE_SERVICES_NODE_NODE_H_

#include <grpcpp/server.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/node/admission.h"
#include "services/node/edge_service.h"
#include "services/node/forward.h"
#include "services/node/live_service.h"
#include "services/node/node_service.h"
#include "services/node/parts.h"
#include "services/node/registry.h"
#include "services/node/report_service.h"
#include "services/node/session_service.h"
#include "services/node/stream_set.h"

namespace attune::node {

// The name under which gRPC's health service tells of the journal.
inline constexpr char kJournalHealthService[] = "attune.v1.journal";

// What a node is built on; all of it outlives the node.
struct Foundations {
  const Clock& clock;
  const Logger& log;
  RandomSource& random;  // thread-safe, fit for keys
  Metrics& metrics;
  journal::Journal& journal;
  journal::KeyStore& keystore;
  placement::Directory& directory;
  // Of a cluster; a node that is alone needs neither.
  placement::NodeList* nodes = nullptr;
  placement::JoinCodes* codes = nullptr;
  // The node should stop: an operator drains it, or a newer process has its name. Once; any thread.
  std::function<void(const std::string& why)> on_stop_wanted = {};
};

// Thread-safe.
class Node {
 public:
  // Opens the sessions that are in the journal (in a cluster: when somebody asks for them), then
  // serves.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const Options& options,
                                                     const Foundations& foundations);
  ~Node();  // stops

  // Health NOT_SERVING; in a cluster, sessions handed over to other nodes, within kHandOverUs. Then
  // streams told to reconnect and finished, sessions checkpointed, journal drained; at most
  // kDrainUs, or almost at once with `now`.
  void Stop(bool now = false);

  const std::string& grpc_address() const { return address_; }
  v1::NodeStatus Status() const;
  std::string MetricsText();
  // JSON; `ok` is false when acknowledgements wait or the node does not serve.
  std::string HealthJson(bool& ok) const;

 private:
  Node(const Options& options, const Foundations& foundations);
  absl::Status Serve();
  void LookAfter();
  void UpdateGauges();
  // node_cluster.cc
  placement::NodeRecord Record() const;
  void Beat();
  void HandOver();
  absl::Status AskToAdopt(const std::string& address, const std::vector<std::string>& sessions);
  void WantStop(const std::string& why);

  const Options options_;  // with an incarnation
  const Foundations base_;
  const int64_t started_steady_us_;
  journal::Sealer sealer_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Worker> opener_;
  std::unique_ptr<Worker> keeper_;  // looks after everything from time to time
  std::unique_ptr<Worker> beater_;  // says to the other nodes that this one is there
  placement::LocalNodes alone_nodes_;
  placement::LocalCodes alone_codes_;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<Forwarder> forwarder_;
  StreamSet streams_{kMaxStreams};
  std::unique_ptr<EdgeServiceImpl> edge_service_;
  std::unique_ptr<SessionServiceImpl> session_service_;
  std::unique_ptr<LiveServiceImpl> live_service_;
  std::unique_ptr<ReportServiceImpl> report_service_;
  std::unique_ptr<NodeServiceImpl> node_service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::atomic<bool> serving_{false};
  std::atomic<placement::NodeState> state_{placement::NodeState::kStarting};
  std::atomic<bool> stop_wanted_{false};
  std::atomic<bool> stopping_{false};
  int64_t swept_steady_us_ = 0;
  int beats_ = 0;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_NODE_H_
