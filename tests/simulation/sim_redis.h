// Redis as a cluster sees it: one primary that may freeze, die, come back without its newest
// writes, be emptied, or hand over to a replica that is behind; and connections to it that may be
// slow or cut at any point. The client keeps the promises of services/redis/client.h.
#ifndef ATTUNE_TESTS_SIMULATION_SIM_REDIS_H_
#define ATTUNE_TESTS_SIMULATION_SIM_REDIS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/redis/client.h"
#include "tests/simulation/redis_server.h"
#include "tests/simulation/scheduler.h"

namespace attune::simulation {

class SimClient;

class SimRedis {
 public:
  explicit SimRedis(Scheduler& scheduler);

  // ---- Faults.
  // The process dies; its connections break.
  void Kill();
  // It comes back from its disk, or its replica takes its place; `lossy`: without the writes that
  // had not got there yet. A new run_id either way.
  void Start(bool lossy);
  // It comes back with nothing.
  void StartEmpty();
  // Everything is deleted under the same run_id, by a hand that should not have.
  void FlushAll() { process_->server.Empty(); }
  // SIGSTOP and SIGCONT: what arrives meanwhile is executed afterwards.
  void Freeze() { process_->frozen = true; }
  void Thaw();
  // Disk and replica get nothing until it is undone.
  void StallReplication(bool stalled);

  bool alive() const { return process_->alive; }
  bool running() const { return process_->alive && !process_->frozen; }
  const std::string& run_id() const { return process_->run_id; }
  uint64_t commands() const { return commands_; }
  // Changes the body of every script that is loaded from now on; for planted faults.
  using Edit = std::function<std::string(const std::string& body)>;
  void SetEdit(Edit edit) { edit_ = std::move(edit); }
  // Told of every command that the primary executes and of its answer. `clock`: a hash that holds
  // the server's time at each (s, us), for scripts that are made to read it there.
  using Trace = std::function<void(const Arguments& arguments, const Value& answer)>;
  void SetTrace(std::string clock, Trace trace) {
    clock_key_ = std::move(clock);
    trace_ = std::move(trace);
  }

 private:
  friend class SimClient;
  struct Process {
    std::string run_id;
    RedisServer server;
    bool alive = true;
    bool frozen = false;
    int64_t utc_zero_us = 0;
    std::vector<std::function<void()>> stuck{};  // what arrived while it was frozen
  };
  std::shared_ptr<Process> NewProcess(RedisServer server);
  int64_t NowUs(const Process& process) const;
  // Of the process that is the primary when the command arrives there.
  Value Execute(Process& process, const Arguments& arguments);
  void Replicate(int64_t at_us);

  Scheduler& scheduler_;
  std::shared_ptr<Process> process_;
  // What disk and replica have: the same commands, a little later.
  RedisServer behind_;
  std::deque<std::pair<Arguments, int64_t>> backlog_;
  bool stalled_ = false;
  bool replicating_ = false;
  std::vector<SimClient*> clients_;
  uint64_t commands_ = 0;
  Edit edit_;
  std::string clock_key_;
  Trace trace_;
};

// One node's client. Not thread-safe: there is one thread.
class SimClient final : public redis::Client {
 public:
  SimClient(Scheduler& scheduler, SimRedis& redis, Scheduler::On machine,
            redis::ClientOptions options, OnState on_state);
  ~SimClient() override;

  void Call(std::vector<std::string> arguments, Done done, int64_t within_us) override;
  void Run(const redis::Script& script, std::vector<std::string> keys,
           std::vector<std::string> arguments, Done done, int64_t within_us) override;
  redis::ServerState state() const override { return state_; }
  absl::StatusOr<redis::Reply> CallAndWait(std::vector<std::string> arguments,
                                           int64_t within_us) override;
  absl::StatusOr<redis::Reply> RunAndWait(const redis::Script& script,
                                          std::vector<std::string> keys,
                                          std::vector<std::string> arguments,
                                          int64_t within_us) override;

  // ---- Faults of the way to Redis.
  // Nothing gets through, either way; TCP tries on until it is mended.
  void SetReachable(bool reachable);
  // The connection breaks. Of what is under way to the server a part still arrives.
  void Cut();
  // One way takes at most so long.
  void SetSlowest(int64_t us) { slowest_us_ = us; }
  // The node's process died: nothing is answered any more.
  void Die();

  size_t pending() const { return waiting_.size() + in_flight_.size(); }

 private:
  friend class SimRedis;
  struct Command {
    uint64_t id = 0;
    std::vector<std::string> arguments;
    Done done;
    int64_t deadline_us = 0;
    size_t size = 0;
  };
  struct Wire {
    std::shared_ptr<SimRedis::Process> process;
    bool open = true;                           // for the client
    bool arriving = true;                       // for what is under way to the server
    int64_t up_us = 0, down_us = 0;             // when the last one under way arrives
    std::vector<std::function<void()>> held{};  // while there is no way through
  };
  using Waited = absl::StatusOr<redis::Reply>;

  int64_t Latency();
  void Connect();
  void Connected(const std::shared_ptr<Wire>& wire);
  void Flush();
  void Deliver(const std::shared_ptr<Wire>& wire, uint64_t id, const Arguments& arguments);
  void Carry(const std::shared_ptr<Wire>& wire, int64_t& last_us, std::function<void()> arrival,
             Scheduler::On machine);
  void Take(const std::shared_ptr<Wire>& wire, uint64_t id, const redis::Reply& reply);
  void Break(const std::string& why);
  void Expire();
  void Watch();
  void Answer(Command command, absl::StatusOr<redis::Reply> result);
  Waited WaitFor(const std::function<void(Done)>& start);

  Scheduler& scheduler_;
  SimRedis& redis_;
  const Scheduler::On machine_;
  const redis::ClientOptions options_;
  const OnState on_state_;
  redis::ServerState state_;
  std::shared_ptr<Wire> wire_;
  bool reachable_ = true;
  bool connecting_ = false;
  int64_t backoff_us_;
  int64_t slowest_us_ = 1'500;
  int64_t heard_us_ = 0;
  uint64_t next_id_ = 1;
  size_t pending_bytes_ = 0;
  std::deque<Command> waiting_, in_flight_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_SIM_REDIS_H_
