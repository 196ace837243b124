#include "services/placement/redis_nodes.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/placement/nodes_lua.h"
#include "services/placement/redis_run.h"

namespace attune::placement {
namespace {

constexpr char kNodesKey[] = "attune:nodes";
constexpr char kGoneKey[] = "attune:gone";
constexpr char kGoneKeptMs[] = "86400000";  // no process is frozen for longer and then goes on
constexpr size_t kPingBytes = 8;

std::string NodeKey(const std::string& id) { return absl::StrCat("attune:node:", id); }
std::string PingKey(const std::string& id) { return absl::StrCat("attune:ping:", id); }
std::string Ms(int64_t us) { return std::to_string(us / 1000); }

struct Scripts {
  redis::Script beat = redis::MakeScript("nodes_beat", text::nodes_beat_lua);
  redis::Script read = redis::MakeScript("nodes_read", text::nodes_read_lua);
  redis::Script withdraw = redis::MakeScript("nodes_withdraw", text::nodes_withdraw_lua);
};
const Scripts& AllScripts() {
  static const Scripts scripts;
  return scripts;
}

std::string StateName(NodeState state) {
  switch (state) {
    case NodeState::kServing:
      return "serving";
    case NodeState::kDraining:
      return "draining";
    case NodeState::kStarting:
      break;
  }
  return "starting";
}
NodeState StateNamed(const std::string& name) {
  if (name == "serving") return NodeState::kServing;
  return name == "draining" ? NodeState::kDraining : NodeState::kStarting;
}

int64_t Number(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::max<int64_t>(0, number);
}

// As Write and Read have them, in this order.
const std::vector<std::string>& FieldNames() {
  static const std::vector<std::string> names = {"incarnation", "address",        "http_address",
                                                 "state",       "load",           "capacity",
                                                 "sessions",    "engine_version", "build"};
  return names;
}

// All but the incarnation, which the script writes.
std::vector<std::string> Write(const NodeRecord& record) {
  return {"address",        record.address,
          "http_address",   record.http_address,
          "state",          StateName(record.state),
          "load",           std::to_string(record.load),
          "capacity",       std::to_string(record.capacity),
          "sessions",       std::to_string(record.sessions),
          "engine_version", record.engine_version,
          "build",          record.build};
}

// `reply`: id, age, then the fields. Empty: no record of ours.
absl::StatusOr<NodeRecord> Read(redis::Reply reply) {
  if (reply.elements.size() != 2 + FieldNames().size()) return Unreadable("nodes_read");
  NodeRecord record;
  record.node_id = std::move(reply.elements[0].text);
  record.beat_age_us = reply.elements[1].integer * 1000;
  const auto field = [&](size_t i) -> std::string& { return reply.elements[2 + i].text; };
  record.incarnation = std::move(field(0));
  record.address = std::move(field(1));
  record.http_address = std::move(field(2));
  record.state = StateNamed(field(3));
  record.load = Number(field(4));
  record.capacity = Number(field(5));
  record.sessions = Number(field(6));
  record.engine_version = std::move(field(7));
  record.build = std::move(field(8));
  return record;
}

absl::Status Dead() {
  return absl::AbortedError(
      "this incarnation of the node is dead: it has withdrawn, or another process runs under the "
      "same node id");
}

}  // namespace

std::vector<redis::Script> NodesScripts() {
  const Scripts& all = AllScripts();
  return {all.beat, all.read, all.withdraw};
}

RedisNodes::RedisNodes(redis::Client& client, const Clock& clock, RandomSource& random,
                       RedisNodesOptions options)
    : options_(options), client_(client), clock_(clock), random_(random) {}

absl::Status RedisNodes::Announce(NodeRecord record) {
  ATTUNE_RETURN_IF_ERROR(CheckNodeRecord(record));
  MutexLock lock(mu_);
  if (!record_.incarnation.empty() && record.incarnation != record_.incarnation) {
    return absl::InvalidArgumentError("a process has one incarnation");
  }
  record_ = std::move(record);
  KnowMyself();
  return absl::OkStatus();
}

absl::Status RedisNodes::Beat() {
  NodeRecord record;
  {
    MutexLock lock(mu_);
    if (record_.incarnation.empty()) return absl::FailedPreconditionError("nothing to say yet");
    if (dead_) return Dead();
    record = record_;
  }
  ATTUNE_RETURN_IF_ERROR(Ping(record.node_id));
  ATTUNE_RETURN_IF_ERROR(Register(record));
  const int64_t now_us = clock_.SteadyMicros();
  ATTUNE_ASSIGN_OR_RETURN(std::vector<NodeRecord> seen, Read(options_.nodes_seen));
  MutexLock lock(mu_);
  if (dead_) return Dead();
  seen_ = std::move(seen);
  seen_us_ = now_us;
  KnowMyself();
  return absl::OkStatus();
}

void RedisNodes::KnowMyself() {
  for (NodeRecord& node : seen_) {
    if (node.incarnation == record_.incarnation) node = record_;
  }
}

absl::Status RedisNodes::Ping(const std::string& node_id) {
  const std::string word = absl::BytesToHexString(random_.Bytes(kPingBytes));
  ATTUNE_RETURN_IF_ERROR(
      RunCommand(client_, {"SET", PingKey(node_id), word, "PX", Ms(options_.ttl_us)}).status());
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply back, RunCommand(client_, {"GET", PingKey(node_id)}));
  if (back.text == word) return absl::OkStatus();
  return absl::UnavailableError("Redis does not give back what this node wrote to itself");
}

absl::Status RedisNodes::Register(const NodeRecord& record) {
  std::string born_ms;
  {
    MutexLock lock(mu_);
    born_ms = std::to_string(born_ms_);
  }
  std::vector<std::string> arguments = {Ms(options_.ttl_us), record.node_id, record.incarnation,
                                        born_ms};
  for (std::string& field : Write(record)) arguments.push_back(std::move(field));
  const redis::Script& script = AllScripts().beat;
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply reply,
                          RunScript(client_, script, {NodeKey(record.node_id), kNodesKey, kGoneKey},
                                    std::move(arguments)));
  if (reply.kind != redis::Reply::Kind::kInteger) return Unreadable(script.name);
  MutexLock lock(mu_);
  if (reply.integer < 0) {
    dead_ = true;
    seen_.clear();
    return Dead();
  }
  born_ms_ = reply.integer;
  return absl::OkStatus();
}

absl::Status RedisNodes::Withdraw() {
  NodeRecord record;
  {
    MutexLock lock(mu_);
    dead_ = true;
    record = record_;
    seen_.clear();
  }
  if (record.incarnation.empty()) return absl::OkStatus();
  return RunScript(client_, AllScripts().withdraw,
                   {NodeKey(record.node_id), kNodesKey, kGoneKey, PingKey(record.node_id)},
                   {record.node_id, record.incarnation, kGoneKeptMs})
      .status();
}

absl::StatusOr<std::vector<NodeRecord>> RedisNodes::List() { return Read(0); }

absl::StatusOr<std::vector<NodeRecord>> RedisNodes::Read(size_t most) {
  const redis::Script& script = AllScripts().read;
  std::vector<std::string> arguments = {std::to_string(most)};
  for (const std::string& name : FieldNames()) arguments.push_back(name);
  ATTUNE_ASSIGN_OR_RETURN(redis::Reply reply,
                          RunScript(client_, script, {kNodesKey}, std::move(arguments)));
  if (reply.kind != redis::Reply::Kind::kArray) return Unreadable(script.name);
  std::vector<NodeRecord> nodes;
  for (redis::Reply& one : reply.elements) {
    ATTUNE_ASSIGN_OR_RETURN(NodeRecord node, placement::Read(std::move(one)));
    nodes.push_back(std::move(node));
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const NodeRecord& a, const NodeRecord& b) { return a.node_id < b.node_id; });
  return nodes;
}

absl::StatusOr<NodeRecord> RedisNodes::Pick(const Needs& needs) {
  const int64_t now_us = clock_.SteadyMicros();
  MutexLock lock(mu_);
  // Whose time is over since they were seen; all, oneself too, when Redis is away for so long.
  const int64_t since_us = now_us - seen_us_;
  std::erase_if(seen_, [&](const NodeRecord& node) {
    return node.beat_age_us + since_us >= options_.ttl_us;
  });
  ATTUNE_ASSIGN_OR_RETURN(const size_t chosen, Choose(seen_, needs, recent_, now_us, random_));
  recent_.Add(seen_[chosen].incarnation, needs.people, now_us);
  return seen_[chosen];
}

}  // namespace attune::placement
