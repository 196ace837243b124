#include "services/node/node.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/huge_memory.h"
#include "services/base/status_macros.h"
#include "services/node/call_log.h"
#include "services/node/certificate.h"
#include "services/node/durability.h"
#include "services/node/malformed.h"
#include "services/synchrony/params.h"

namespace attune::node {
namespace {

constexpr int64_t kLookAfterUs = 500'000;
constexpr int64_t kSweepUs = 2'000'000;
constexpr int64_t kServerShutdownUs = 1'000'000;

std::shared_ptr<grpc::ServerCredentials> Credentials(const Options& options) {
  if (options.tls_cert_pem.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions ssl;
  ssl.pem_key_cert_pairs.push_back({options.tls_key_pem, options.tls_cert_pem});
  if (!options.tls_ca_pem.empty()) {
    // Nodes show a certificate, people's devices have none; a wrong one is refused.
    ssl.pem_root_certs = options.tls_ca_pem;
    ssl.client_certificate_request = GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(ssl);
}

Options WithIncarnation(Options options, RandomSource& random) {
  if (options.incarnation.empty()) {
    options.incarnation = placement::NewIncarnation(options.node_id, random);
  }
  return options;
}

void SetChannelArguments(grpc::ServerBuilder& builder) {
  // Half-open connections are noticed, and clients may ping every 10 s without being sent away.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 9'000);
  // Two nodes on one port would each see half of the streams.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMaxMessageBytes));
}

}  // namespace

Node::Node(const Options& options, const Foundations& foundations)
    : options_(WithIncarnation(options, foundations.random)),
      base_(foundations),
      started_steady_us_(foundations.clock.SteadyMicros()),
      sealer_(foundations.keystore, foundations.random),
      alone_codes_(foundations.clock) {
  for (int i = 0; i < std::max(1, options_.workers); ++i) {
    workers_.push_back(std::make_unique<Worker>(base_.clock, kMailboxTasks));
  }
  opener_ = std::make_unique<Worker>(base_.clock, kMailboxTasks);
  keeper_ = std::make_unique<Worker>(base_.clock, kMailboxTasks);
  beater_ = std::make_unique<Worker>(base_.clock, kMailboxTasks);
  parts_.reset(new Parts{.options = options_,
                         .clock = base_.clock,
                         .log = base_.log,
                         .random = base_.random,
                         .metrics = base_.metrics,
                         .journal = base_.journal,
                         .keystore = base_.keystore,
                         .sealer = sealer_,
                         .directory = base_.directory,
                         .nodes = base_.nodes != nullptr ? *base_.nodes : alone_nodes_,
                         .codes = base_.codes != nullptr ? *base_.codes : alone_codes_,
                         .opener = *opener_,
                         .engine_memory = std::make_shared<HugeMemory>()});
  std::vector<Worker*> workers;
  for (const auto& worker : workers_) workers.push_back(worker.get());
  registry_ = std::make_unique<Registry>(*parts_, std::move(workers));
  admission_ = std::make_unique<Admission>(options_, base_.clock, base_.random);
  forwarder_ = std::make_unique<Forwarder>(options_, base_.clock, base_.metrics);
  const Services services{*parts_, *registry_, *admission_, streams_, *forwarder_};
  edge_service_ = std::make_unique<EdgeServiceImpl>(services);
  session_service_ = std::make_unique<SessionServiceImpl>(services);
  live_service_ = std::make_unique<LiveServiceImpl>(services);
  report_service_ = std::make_unique<ReportServiceImpl>(services);
  node_service_ = std::make_unique<NodeServiceImpl>(
      services, [this] { return Status(); }, [this] { WantStop("an operator drains it"); });
}

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const Options& options,
                                                  const Foundations& foundations) {
  std::unique_ptr<Node> node(new Node(options, foundations));
  // In a cluster they may be elsewhere: those that are asked for are taken, and those that nobody
  // asks for the sweeper finds.
  if (!options.cluster) ATTUNE_RETURN_IF_ERROR(node->registry_->RecoverAll());
  ATTUNE_RETURN_IF_ERROR(node->Serve());
  return node;
}

absl::Status Node::Serve() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options_.grpc_address, Credentials(options_), &port);
  SetChannelArguments(builder);
  grpc::ResourceQuota quota("attune");
  quota.Resize(kMaxGrpcMemoryBytes);
  builder.SetResourceQuota(quota);
  builder.RegisterService(edge_service_.get());
  builder.RegisterService(session_service_.get());
  builder.RegisterService(live_service_.get());
  builder.RegisterService(report_service_.get());
  builder.RegisterService(node_service_.get());
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<MalformedRequests>());
  interceptors.push_back(std::make_unique<CallLog>(base_.log, base_.clock));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", options_.grpc_address,
        ": is the port in use, or the certificate not readable as PEM? Choose another --grpc"));
  }
  address_ =
      absl::StrCat(options_.grpc_address.substr(0, options_.grpc_address.rfind(':')), ":", port);
  serving_ = true;
  if (const auto end = CertificateEnd(options_.tls_cert_pem)) {
    base_.metrics.SetCertificateEnd(*end);
  }
  base_.metrics.SetState(Metrics::State::kServing);
  base_.metrics.clustered.Set(options_.cluster ? 1 : 0);
  state_ = placement::NodeState::kServing;
  keeper_->Post([this] { LookAfter(); });
  beater_->Post([this] { Beat(); });
  return absl::OkStatus();
}

void Node::LookAfter() {
  const int64_t now = base_.clock.SteadyMicros();
  streams_.CheckAll(now);
  if (now - swept_steady_us_ >= kSweepUs) {
    swept_steady_us_ = now;
    registry_->Sweep();
    forwarder_->peers().Sweep();
  }
  UpdateGauges();
  keeper_->RunAt(now + kLookAfterUs, [this] { LookAfter(); });
}

void Node::UpdateGauges() {
  const journal::Health health = base_.journal.GetHealth();
  Metrics& metrics = base_.metrics;
  metrics.journal_degraded.Set(health.ok ? 0 : 1);
  metrics.journal_queued_entries.Set(static_cast<double>(health.queued_entries));
  metrics.journal_bytes.Set(static_cast<double>(health.database_bytes + health.wal_bytes));
  const auto pending_bytes = static_cast<double>(parts_->pending_bytes.load());
  metrics.pending_bytes.Set(pending_bytes);
  metrics.leases_held.Set(static_cast<double>(registry_->leases_held()));
  metrics.sessions_suspended.Set(static_cast<double>(registry_->suspended_sessions()));
  size_t waiting = 0;
  for (const auto& worker : workers_) waiting = std::max(waiting, worker->waiting());
  const auto share = [](size_t used, size_t limit) {
    return static_cast<double>(used) / static_cast<double>(limit);
  };
  metrics.SetUsed(Metrics::Limit::kMailbox, share(waiting, kMailboxTasks));
  metrics.SetUsed(Metrics::Limit::kPendingBytes, pending_bytes / kMaxPendingBytesTotal);
  metrics.SetUsed(Metrics::Limit::kStreams, share(streams_.size(), kMaxStreams));
  metrics.SetUsed(Metrics::Limit::kSessions, share(registry_->open_sessions(), kMaxOpenSessions));
  if (server_ != nullptr && server_->GetHealthCheckService() != nullptr) {
    server_->GetHealthCheckService()->SetServingStatus(kJournalHealthService,
                                                       health.ok && serving_);
  }
}

std::string Node::MetricsText() {
  UpdateGauges();
  return base_.metrics.Text();
}

v1::NodeStatus Node::Status() const {
  const journal::Health health = base_.journal.GetHealth();
  v1::NodeStatus status;
  status.set_node_id(options_.node_id);
  status.set_incarnation(options_.incarnation);
  status.set_build(options_.build);
  status.set_engine_version(absl::StrCat(synchrony::kEngineVersion));
  status.set_uptime_us(base_.clock.SteadyMicros() - started_steady_us_);
  status.set_sessions_open(static_cast<uint32_t>(base_.metrics.sessions_open.Value()));
  status.set_uplinks(static_cast<uint32_t>(base_.metrics.uplinks.Value()));
  status.set_watchers(static_cast<uint32_t>(base_.metrics.watchers.Value()));
  status.set_journal_state(health.ok ? v1::JOURNAL_STATE_OK : v1::JOURNAL_STATE_DEGRADED);
  status.set_journal_reason(health.degraded_reason);
  status.set_durability(DurabilityOf(base_.journal.tier()));
  status.set_serving(serving_ && state_ == placement::NodeState::kServing);
  status.set_state(StateOf(state_));
  status.set_address(Record().address);
  status.set_sessions_suspended(static_cast<uint32_t>(registry_->suspended_sessions()));
  status.set_cluster(options_.cluster);
  return status;
}

std::string Node::HealthJson(bool& ok) const {
  const journal::Health health = base_.journal.GetHealth();
  ok = health.ok && serving_ && state_ == placement::NodeState::kServing;
  return absl::StrCat("{\"ok\":", ok ? "true" : "false",
                      ",\"serving\":", serving_ ? "true" : "false",
                      ",\"journal\":", JsonQuote(health.ok ? "ok" : "degraded"),
                      ",\"reason\":", JsonQuote(health.degraded_reason), "}\n");
}

void Node::Stop(bool now) {
  if (server_ == nullptr || stopping_.exchange(true)) return;
  state_ = placement::NodeState::kDraining;
  base_.metrics.SetState(Metrics::State::kDraining);
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
  if (options_.cluster && !now) HandOver();
  serving_ = false;
  base_.metrics.SetState(Metrics::State::kStopping);
  const int64_t deadline = base_.clock.SteadyMicros() + (now ? 0 : kDrainUs);
  const auto left_us = [&] {
    return std::max<int64_t>(0, deadline - base_.clock.SteadyMicros() - kServerShutdownUs);
  };
  // Sessions say Reconnect to their streams and write what they have; then the streams end, before
  // the server does, so that clients see a clean end.
  registry_->RetireAll(left_us());
  streams_.CloseAll();
  while (streams_.size() > 0 && left_us() > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  server_->Shutdown(std::chrono::system_clock::now() +
                    std::chrono::microseconds(now ? 0 : kServerShutdownUs));
  server_->Wait();
  base_.log.Write(Severity::kInfo, "stopped");
}

Node::~Node() {
  Stop();
  // Workers first: their last tasks may still post to each other.
  beater_->Stop();
  registry_->StopKeeping();
  keeper_->Stop();
  opener_->Stop();
  for (const auto& worker : workers_) worker->Stop();
}

}  // namespace attune::node
