// A node among others: it says that it is there, and hands its sessions over before it stops.
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attune/v1/node.grpc.pb.h"
#include "services/node/drain.h"
#include "services/node/node.h"
#include "services/node/status_map.h"
#include "services/synchrony/params.h"

namespace attune::node {
namespace {

constexpr int64_t kBeatAgainUs = 500'000;  // after the store did not answer
constexpr int kBeatsPerList = 5;
constexpr int kAdoptMs = 8'000;

}  // namespace

placement::NodeRecord Node::Record() const {
  placement::NodeRecord record;
  record.node_id = options_.node_id;
  record.incarnation = options_.incarnation;
  record.address = options_.advertise.empty() ? address_ : options_.advertise;
  record.state = state_;
  record.load = static_cast<int64_t>(base_.metrics.uplinks.Value());
  record.capacity = options_.capacity;
  record.sessions = static_cast<int64_t>(base_.metrics.sessions_open.Value());
  record.engine_version = absl::StrCat(synchrony::kEngineVersion);
  record.build = options_.build;
  return record;
}

// On the beater's thread, which may wait.
void Node::Beat() {
  absl::Status said = parts_->nodes.Announce(Record());
  if (said.ok()) said = parts_->nodes.Beat();
  if (absl::IsAborted(said)) {
    WantStop(std::string(said.message()));
    return;
  }
  // Seldom: a list of all nodes is long where there are many.
  if (beats_++ % kBeatsPerList == 0) {
    if (const auto nodes = parts_->nodes.List(); nodes.ok()) {
      base_.metrics.nodes_live.Set(static_cast<double>(nodes->size()));
    }
  }
  const int64_t wait_us = said.ok() ? placement::kBeatEveryUs : kBeatAgainUs;
  beater_->RunAt(base_.clock.SteadyMicros() + wait_us, [this] { Beat(); });
}

void Node::WantStop(const std::string& why) {
  if (stop_wanted_.exchange(true)) return;
  base_.log.Write(Severity::kWarning, "stop_wanted", {{"why", why}});
  if (base_.on_stop_wanted) base_.on_stop_wanted(why);
}

void Node::HandOver() {
  const int64_t begun_us = base_.clock.SteadyMicros();
  registry_->BeginDraining();
  // Before anything moves nobody must choose this node any more.
  parts_->nodes.Announce(Record()).IgnoreError();
  parts_->nodes.Beat().IgnoreError();
  Drain drain(*parts_, *registry_,
              [this](const std::string& address, const std::vector<std::string>& sessions) {
                return AskToAdopt(address, sessions);
              });
  const Drain::Result result = drain.Run(begun_us + kHandOverUs);
  base_.log.Write(Severity::kInfo, "handed_over",
                  {{"sessions", result.handed},
                   {"left", result.left},
                   {"took_us", base_.clock.SteadyMicros() - begun_us}});
  parts_->nodes.Withdraw().IgnoreError();
}

absl::Status Node::AskToAdopt(const std::string& address,
                              const std::vector<std::string>& sessions) {
  const auto token = admission_->Issue(kRoleOperator, "", 0);
  if (!token.ok()) return token.status();
  const auto channel = forwarder_->peers().To(address);
  if (!channel.ok()) return channel.status();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(kAdoptMs));
  context.AddMetadata("authorization", absl::StrCat("Bearer ", token->token));
  v1::AdoptRequest request;
  for (const std::string& session : sessions) request.add_session_ids(session);
  request.set_request_id(absl::StrCat("adopt-", sessions.front().substr(0, 32)));
  v1::AdoptResponse response;
  const grpc::Status status =
      v1::NodeService::NewStub(*channel)->Adopt(&context, request, &response);
  return FromGrpc(status);
}

}  // namespace attune::node
