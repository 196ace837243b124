// What stands in a simulated node where gRPC's reactors are in a real one (services/node/
// edge_stream, watch_stream), by the same rules: a Hello finds its session before anything else is
// read, nothing is written under a lease that is over, acks and frames are the newest only.
#ifndef ATTUNE_TESTS_SIMULATION_SIM_STREAMS_H_
#define ATTUNE_TESTS_SIMULATION_SIM_STREAMS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "services/node/registry.h"
#include "services/node/streams.h"
#include "tests/simulation/history.h"

namespace attune::simulation {

// What the streams of one node need.
struct StreamsOfNode {
  Scheduler& scheduler;
  const Scheduler::On& machine;
  node::Parts& parts;
  node::Registry& registry;
  History& history;
  uint64_t next_id = 1;
};

// In place of a signed token: who one is.
Claims ParticipantClaims(const std::string& session, uint32_t participant);

// One edge's stream at its node; carries one person.
class SimEdgeStream final : public node::EdgeSink,
                            public std::enable_shared_from_this<SimEdgeStream> {
 public:
  using Down = std::function<void(const v1::EdgeDown&)>;
  // `down` carries a message to the edge.
  SimEdgeStream(StreamsOfNode& node, Claims claims, Down down)
      : node_(node), claims_(std::move(claims)), down_(std::move(down)) {}

  void Up(const v1::EdgeUp& message);
  // The connection is no more.
  void Gone();

  void Send(v1::EdgeDown message) override;
  void SendAck(uint32_t handle, const v1::Ack& ack) override;
  void OfferFrame(uint32_t handle, v1::FrameEnvelope frame) override;
  void ReplaceFrame(uint32_t handle, v1::FrameEnvelope frame) override;
  void Release(uint32_t handle) override;

 private:
  template <class Message>
  struct Said {
    Message message;
    node::Registry::Host by;
    bool Holds() const { return by == nullptr || by->InForce(); }
  };
  void Read();
  void OnHello(const v1::EdgeUp& up);
  void OnFound(uint32_t handle, uint64_t id, const v1::Hello& hello,
               const absl::StatusOr<node::Registry::Host>& host);
  void Refuse(uint32_t handle, v1::RefusalReason reason, const std::string& words,
              uint32_t retry_after_ms);
  void WriteSoon();
  void Write();

  StreamsOfNode& node_;
  const Claims claims_;
  const Down down_;
  std::deque<v1::EdgeUp> inbox_;
  std::deque<Said<v1::EdgeDown>> queue_;
  std::optional<Said<v1::EdgeDown>> ack_, frame_;
  node::Registry::Host host_;
  std::string boot_id_;
  uint64_t id_ = 0;
  bool resolving_ = false, writing_ = false, gone_ = false;
};

class SimWatchStream final : public node::WatchSink,
                             public std::enable_shared_from_this<SimWatchStream> {
 public:
  using Down = std::function<void(const v1::WatchEvent&)>;
  using Ended = std::function<void(const absl::Status&)>;
  SimWatchStream(StreamsOfNode& node, Claims claims, Down down, Ended ended)
      : node_(node), claims_(std::move(claims)), down_(std::move(down)), ended_(std::move(ended)) {}

  void Begin(const v1::WatchRequest& request);
  void Gone();

  void Send(v1::WatchEvent event) override;
  void OfferFrame(v1::FrameEnvelope frame) override;
  void ReplaceFrame(v1::FrameEnvelope frame) override;
  void Finish(absl::Status status) override;

 private:
  void WriteSoon();
  void Write();

  StreamsOfNode& node_;
  const Claims claims_;
  const Down down_;
  const Ended ended_;
  std::deque<v1::WatchEvent> events_;
  std::optional<v1::FrameEnvelope> frame_;
  std::optional<absl::Status> closing_;
  node::Registry::Host host_;
  uint64_t id_ = 0;
  bool writing_ = false, gone_ = false;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_SIM_STREAMS_H_
