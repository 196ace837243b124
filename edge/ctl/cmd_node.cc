// node: the nodes of a cluster, one node, draining one.
#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "attune/v1/node.grpc.pb.h"
#include "edge/ctl/command.h"
#include "edge/ctl/server.h"
#include "edge/words/json.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

using Service = v1::NodeService::StubInterface;

constexpr int64_t kLookAgainUs = 500'000;
constexpr int64_t kStaleUs = 10'000'000;

std::unique_ptr<v1::NodeService::Stub> Stub(const Server& server) {
  return v1::NodeService::NewStub(server.channel());
}

void PrintTable(const v1::ListNodesResponse& list, std::ostream& out) {
  size_t id_columns = 4, address_columns = 7;
  std::set<std::string> engines;
  for (const v1::NodeInfo& node : list.nodes()) {
    id_columns = std::max(id_columns, node.node_id().size());
    address_columns = std::max(address_columns, node.address().size());
    if (!node.engine_version().empty()) engines.insert(node.engine_version());
  }
  const int id = static_cast<int>(std::min<size_t>(id_columns, 64));
  const int address = static_cast<int>(std::min<size_t>(address_columns, 64));
  out << Left("NODE", id) << "  STATE     SESSIONS  PEOPLE  ROOM FOR  " << Left("ADDRESS", address)
      << "  VERSION   NUMBERS  SEEN\n";
  for (const v1::NodeInfo& node : list.nodes()) {
    out << Left(Harmless(node.node_id()), id) << "  " << Left(Word(node.state()), 8) << "  "
        << Right(absl::StrCat(node.sessions()), 8) << "  "
        << Right(absl::StrCat(node.participants()), 6) << "  "
        << Right(absl::StrCat(node.capacity()), 8) << "  "
        << Left(Harmless(node.address()), address) << "  " << Left(Harmless(node.build()), 8)
        << "  " << Left(Harmless(node.engine_version()), 7) << "  "
        << (node.age_us() >= kStaleUs ? "! " : "") << Span(node.age_us()) << " ago\n";
  }
  if (engines.size() > 1) {
    out << "\nNot all nodes compute the same version of the numbers: finish the upgrade.\n";
  }
}

absl::Status ListNodes(const Args& args, Environment& environment, bool json) {
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_OPERATOR));
  v1::ListNodesResponse list;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::ListNodes, v1::ListNodesRequest(), &list));
  if (json) {
    environment.out << PrettyJson(list);
  } else {
    PrintTable(list, environment.out);
  }
  return absl::OkStatus();
}

absl::Status ShowNode(const Args& args, Environment& environment, bool json) {
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_OPERATOR));
  v1::GetNodeStatusResponse response;
  ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*Stub(server), &Service::GetNodeStatus,
                                              v1::GetNodeStatusRequest(), &response));
  if (json) {
    environment.out << PrettyJson(response);
    return absl::OkStatus();
  }
  const v1::NodeStatus& status = response.status();
  environment.out << "node        " << Harmless(status.node_id()) << ", incarnation "
                  << Harmless(status.incarnation()) << ", " << Harmless(status.build())
                  << ", numbers version " << Harmless(status.engine_version()) << "\n"
                  << "serving     " << (status.serving() ? "yes" : "no");
  if (status.state() != v1::NODE_STATE_UNSPECIFIED) {
    environment.out << ", " << Word(status.state());
  }
  environment.out << ", up " << ClockTime(status.uptime_us()) << "\n";
  if (!status.address().empty()) {
    environment.out << "address     " << Harmless(status.address()) << ", "
                    << (status.cluster() ? "one node of a cluster" : "a node by itself") << "\n";
  }
  environment.out << "now         " << status.sessions_open() << " sessions open, "
                  << status.uplinks() << " participants connected, " << status.watchers()
                  << " live views\n";
  if (status.sessions_suspended() > 0) {
    environment.out << "suspended   " << status.sessions_suspended()
                    << " sessions wait for Redis: nothing is acknowledged, agents keep their "
                       "beats\n";
  }
  environment.out << "journal     " << Word(status.journal_state())
                  << (status.journal_reason().empty() ? "" : ": ")
                  << Harmless(status.journal_reason()) << "\n"
                  << "durability  " << Word(status.durability()) << "\n";
  return absl::OkStatus();
}

// The incarnation of the node that is to be drained; empty when the list does not have it.
std::string IncarnationOf(const v1::ListNodesResponse& list, const std::string& node_id) {
  for (const v1::NodeInfo& node : list.nodes()) {
    if (node.node_id() == node_id) return node.incarnation();
  }
  return "";
}

// Until the incarnation is no longer in the list, or the node that was asked has stopped answering.
absl::Status WaitUntilGone(Server& server, Environment& environment, const std::string& node_id,
                           const std::string& incarnation, bool asks_itself, double seconds) {
  const int64_t until_us = environment.clock.SteadyMicros() + static_cast<int64_t>(seconds * 1e6);
  while (environment.clock.SteadyMicros() < until_us) {
    v1::ListNodesResponse list;
    const absl::Status status =
        server.Call<Service>(*Stub(server), &Service::ListNodes, v1::ListNodesRequest(), &list);
    if (absl::IsUnavailable(status) && asks_itself) return absl::OkStatus();
    if (!status.ok()) return status;
    if (IncarnationOf(list, node_id) != incarnation) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::microseconds(kLookAgainUs));
  }
  return absl::DeadlineExceededError(absl::StrCat(
      "the node has not gone within --wait-s: `attunectl node list` shows what it "
      "still has; a second SIGTERM stops it at once, and nothing is lost then either."));
}

absl::Status DrainNode(const Args& args, Environment& environment, bool json) {
  ATTUNE_ASSIGN_OR_RETURN(const double wait_s, args.Real("wait-s", 0, 0, 3600));
  ATTUNE_ASSIGN_OR_RETURN(Server server, Server::Connect(args, environment, v1::ROLE_OPERATOR));
  v1::DrainNodeRequest request;
  request.set_request_id(NewRequestId(environment.random));
  const bool itself = args.operands().size() < 2;
  std::string node_id = itself ? "" : args.operands()[1], incarnation;
  request.set_node_id(node_id);
  if (wait_s > 0) {
    v1::ListNodesResponse list;
    ATTUNE_RETURN_IF_ERROR(
        server.Call<Service>(*Stub(server), &Service::ListNodes, v1::ListNodesRequest(), &list));
    if (itself) {
      v1::GetNodeStatusResponse asked;
      ATTUNE_RETURN_IF_ERROR(server.Call<Service>(*Stub(server), &Service::GetNodeStatus,
                                                  v1::GetNodeStatusRequest(), &asked));
      node_id = asked.status().node_id();
    }
    incarnation = IncarnationOf(list, node_id);
  }
  v1::DrainNodeResponse response;
  ATTUNE_RETURN_IF_ERROR(
      server.Call<Service>(*Stub(server), &Service::DrainNode, request, &response));
  if (json) {
    environment.out << PrettyJson(response);
  } else {
    environment.out << (itself ? "The node" : Harmless(node_id)) << " hands over "
                    << response.sessions() << " sessions, then stops.\n";
  }
  if (wait_s <= 0) return absl::OkStatus();
  ATTUNE_RETURN_IF_ERROR(WaitUntilGone(server, environment, node_id, incarnation, itself, wait_s));
  if (!json) environment.out << "It has gone.\n";
  return absl::OkStatus();
}

absl::Status RunNode(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format, args.OneOf("format", {"text", "json"}));
  const bool json = format == "json";
  const std::string what = args.operands().empty() ? "show" : args.operands()[0];
  if (args.operands().size() > 1 && what != "drain") {
    return absl::InvalidArgumentError(
        absl::StrCat("'", what, "' takes no name: name the node by --server=HOST:PORT."));
  }
  if (args.Has("wait-s") && what != "drain") {
    return absl::InvalidArgumentError("--wait-s is for `attunectl node drain`.");
  }
  if (what == "list") return ListNodes(args, environment, json);
  if (what == "show") return ShowNode(args, environment, json);
  if (what == "drain") return DrainNode(args, environment, json);
  return absl::InvalidArgumentError(absl::StrCat("'", what, "': node can list, show or drain."));
}

}  // namespace

std::vector<Command> NodeCommands() {
  CommandSpec node;
  node.name = "node";
  node.summary = "the nodes of a cluster, how one is doing, draining one";
  node.operands = "[list | show | drain [NODE]]";
  node.operands_max = 2;
  node.description =
      "list: every node of the cluster, asked of any of them.\n"
      "show (also without a word): how the node at --server is doing.\n"
      "drain: the node named, or the one at --server, hands all its sessions to others and stops.\n"
      "Nobody's heartbeats are lost; who watches sees at most one update late.\n"
      "No identities, no values. For operators.";
  node.flags = {{"wait-s", "SECONDS", "drain: wait until the node has gone, at most so long"},
                {"format", "FORMAT",
                 "text (default) or json: ListNodesResponse,\nGetNodeStatusResponse, "
                 "DrainNodeResponse"}};
  node.examples = {"attunectl node --keys=keys", "attunectl node list --keys=keys",
                   "attunectl node drain node-2 --wait-s=30 --keys=keys"};
  return {{node, RunNode}};
}

}  // namespace attune::edge
