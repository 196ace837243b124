// People's side of a simulated cluster: agents with the real uplink, and facilitators who watch.
#ifndef ATTUNE_TESTS_SIMULATION_SIM_PEOPLE_H_
#define ATTUNE_TESTS_SIMULATION_SIM_PEOPLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/client/uplink.h"
#include "services/session/testing/heart.h"
#include "tests/simulation/sim_node.h"

namespace attune::simulation {

// The way between people and nodes.
class SimNetwork {
 public:
  explicit SimNetwork(Scheduler& scheduler) : scheduler_(scheduler) {}
  // Null: nobody has this address, or its process is dead.
  std::function<SimNode*(const std::string& address)> find;

  // Between one client and one node nothing gets through; connections stay as they are.
  void Block(const std::string& client, const std::string& node, bool blocked);
  bool Blocked(const std::string& client, const std::string& node) const {
    return blocked_.contains({client, node});
  }
  int64_t Latency();
  // A new connection at every call; messages in each direction arrive in their order.
  struct Line {
    std::string client, node;
    bool open = true;
    int64_t up_us = 0, down_us = 0;
    std::vector<std::function<void()>> held{};
    std::function<void()> on_cut{};  // at both ends
  };
  std::shared_ptr<Line> Connect(const std::string& client, const std::string& node);
  void Carry(const std::shared_ptr<Line>& line, bool up, std::function<void()> arrival,
             Scheduler::On machine);
  // All lines of a client (empty: of everybody) to a node (empty: to every one).
  void Cut(const std::string& client, const std::string& node);

 private:
  Scheduler& scheduler_;
  std::set<std::pair<std::string, std::string>> blocked_;
  std::vector<std::weak_ptr<Line>> lines_;
};

// What an agent keeps on its disk.
class SimOutbox final : public edge::Outbox {
 public:
  explicit SimOutbox(std::string boot_id) : boot_id_(std::move(boot_id)) {}
  const std::string& boot_id() const override { return boot_id_; }
  uint64_t next_seq() const override { return beats_.size() + 1; }
  uint64_t oldest_retained_seq() const override { return 1; }
  std::optional<edge::StampedBeat> Get(uint64_t seq) const override {
    if (seq == 0 || seq > beats_.size()) return std::nullopt;
    return beats_[seq - 1];
  }
  void NoteDurable(uint64_t) override {}
  void NoteKnown(uint64_t) override {}
  void Append(const edge::StampedBeat& beat) { beats_.push_back(beat); }
  const std::vector<edge::StampedBeat>& beats() const { return beats_; }

 private:
  const std::string boot_id_;
  std::vector<edge::StampedBeat> beats_;
};

// One agent with one strap.
class SimEdge final : public edge::StreamTransport {
 public:
  SimEdge(ClusterParts& cluster, SimNetwork& network, std::string session, uint32_t participant,
          std::vector<std::string> addresses, int64_t began_us,
          std::vector<session::testing::HeartBeat> heart);

  const std::string& name() const { return name_; }
  const std::string& session() const { return session_; }
  uint32_t participant() const { return participant_; }
  const SimOutbox& outbox() const { return outbox_; }
  // The program dies and is started again after a while; what its strap says meanwhile is lost.
  void Restart(int64_t away_us);
  bool Over() const { return over_; }
  bool AllAcknowledged() const;
  std::string State() const;
  // Since when the node has taken everything so far, on the true clock; -1: it has not.
  uint64_t highest_epoch() const { return ticket_.epoch(); }

 private:
  void Begin();
  void Beat(size_t index);
  void Complete();
  void Tick();
  void OnMessage(const v1::EdgeDown& message);

  void Open(const std::string& address) override;
  bool Ready() const override;
  void Send(const v1::EdgeUp& message) override;
  void HalfClose() override;
  void Abort() override;
  void Close(const std::string& why);

  ClusterParts& cluster_;
  Scheduler& scheduler_;
  SimNetwork& network_;
  const std::string session_, name_;
  const uint32_t participant_;
  const std::vector<std::string> addresses_;
  const int64_t began_us_;  // true time of session time 0
  const std::vector<session::testing::HeartBeat> heart_;
  SimOutbox outbox_;
  v1::EpochTicket ticket_;  // on its disk

  // Of the running program.
  Scheduler::On machine_;
  std::unique_ptr<MachineClock> clock_;
  std::unique_ptr<edge::ClockSync> sync_;
  std::unique_ptr<RandomSource> random_;
  std::unique_ptr<edge::Uplink> uplink_;
  std::shared_ptr<SimNetwork::Line> line_;
  std::shared_ptr<std::shared_ptr<SimEdgeStream>> at_node_;
  int under_way_ = 0;
  int64_t tick_at_us_ = -1;
  bool gap_ = false, over_ = false;
};

// A facilitator's live view; comes again by itself.
class SimWatcher {
 public:
  SimWatcher(ClusterParts& cluster, SimNetwork& network, std::string name, std::string session,
             std::vector<std::string> addresses);
  void Begin() { Connect(""); }
  void Reconnect();
  uint64_t tick() const { return tick_; }
  bool closed() const { return closed_; }
  const std::string& session() const { return session_; }
  const std::string& name() const { return name_; }

 private:
  void Connect(const std::string& address);
  void Again(const std::string& address, int64_t wait_us);
  void OnEvent(uint64_t attempt, const v1::WatchEvent& event);

  ClusterParts& cluster_;
  Scheduler& scheduler_;
  SimNetwork& network_;
  const std::string name_, session_;
  const std::vector<std::string> addresses_;
  v1::EpochTicket ticket_;
  uint64_t attempt_ = 0, cursor_ = 0, tick_ = 0;
  int64_t heard_us_ = 0;
  bool closed_ = false;
  std::shared_ptr<SimNetwork::Line> line_;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_SIM_PEOPLE_H_
