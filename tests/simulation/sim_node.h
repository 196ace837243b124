// One simulated node: the real registry, hosts, directory, journal, key store and sealer, on a
// simulated machine and a simulated way to Redis.
#ifndef ATTUNE_TESTS_SIMULATION_SIM_NODE_H_
#define ATTUNE_TESTS_SIMULATION_SIM_NODE_H_

#include <functional>
#include <memory>
#include <string>

#include "services/base/log.h"
#include "services/base/random.h"
#include "services/journal/keystore.h"
#include "services/node/metrics.h"
#include "services/node/registry.h"
#include "tests/simulation/recording.h"
#include "tests/simulation/sim_redis.h"
#include "tests/simulation/sim_streams.h"

namespace attune::simulation {

// Shared by all nodes of a cluster.
struct ClusterParts {
  Scheduler& scheduler;
  SimRedis& redis;
  History& history;
  const Planted& planted;
  KeyRing keys;
  journal::KeyStore& keystore;
};

class SimNode {
 public:
  // `name`: "n1"; also its address. Each start is another incarnation.
  SimNode(ClusterParts& cluster, const std::string& name, int start);
  ~SimNode();

  const std::string& name() const { return name_; }
  const std::string& incarnation() const { return options_.incarnation; }
  const Scheduler::On& machine() const { return machine_; }
  SimClient& client() { return *client_; }
  StreamsOfNode& streams() { return *streams_; }
  node::Registry& registry() { return *registry_; }
  node::Parts& parts() { return *parts_; }
  bool alive() const { return !machine_->dead; }
  // kill -9.
  void Die();
  // What Drain does (services/node/drain.cc) with every session here. `adopt` tells the other node.
  using Adopt = std::function<void(const std::string& session)>;
  void HandOver(const std::string& to, const std::string& incarnation, const Adopt& adopt);
  // What is too much in its queues; empty: nothing.
  std::string Overflow() const;

 private:
  void HandOverQuiet(const std::string& to, const std::string& incarnation,
                     const node::Registry::Host& host, absl::Status status, const Adopt& adopt);

  ClusterParts& cluster_;
  const std::string name_;
  const Scheduler::On machine_;
  MachineClock clock_;
  SeededRandom random_;
  Logger log_;
  node::Options options_;
  node::Metrics metrics_;
  placement::LocalNodes nodes_;
  placement::LocalCodes codes_;
  std::unique_ptr<SimClient> client_;
  std::unique_ptr<placement::RedisDirectory> directory_;
  std::unique_ptr<RecordingDirectory> recorded_directory_;
  std::unique_ptr<RecordingJournal> journal_;
  std::unique_ptr<journal::Sealer> sealer_;
  std::unique_ptr<node::Worker> worker_, opener_, sweeper_;
  std::unique_ptr<node::Parts> parts_;
  std::unique_ptr<node::Registry> registry_;
  std::unique_ptr<StreamsOfNode> streams_;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_SIM_NODE_H_
