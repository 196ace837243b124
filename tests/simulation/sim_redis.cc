#include "tests/simulation/sim_redis.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"

namespace attune::simulation {
namespace {

constexpr int64_t kUtcUs = 1'795'000'000'000'000;
constexpr int64_t kLagLeastUs = 200, kLagMostUs = 60'000;

}  // namespace

SimRedis::SimRedis(Scheduler& scheduler) : scheduler_(scheduler) {
  process_ = NewProcess(RedisServer());
}

std::shared_ptr<SimRedis::Process> SimRedis::NewProcess(RedisServer server) {
  auto process = std::make_shared<Process>();
  process->run_id = absl::BytesToHexString(scheduler_.random().Bytes(20));
  process->server = std::move(server);
  // Each machine's UTC is a little different.
  process->utc_zero_us = kUtcUs + scheduler_.Between(-40'000, 40'000);
  return process;
}

int64_t SimRedis::NowUs(const Process& process) const {
  return process.utc_zero_us + scheduler_.now_us();
}

Value SimRedis::Execute(Process& process, const Arguments& arguments) {
  ++commands_;
  const int64_t now_us = NowUs(process);
  if (trace_) {
    const Arguments set = {"HSET", clock_key_,
                           "s",    std::to_string(now_us / 1'000'000),
                           "us",   std::to_string(now_us % 1'000'000)};
    trace_(set, process.server.Execute(set, now_us));
  }
  Value value = process.server.Execute(arguments, now_us);
  if (trace_) trace_(arguments, value);
  if (&process == process_.get()) {
    backlog_.emplace_back(arguments, now_us);
    Replicate(scheduler_.now_us() + scheduler_.Between(kLagLeastUs, kLagMostUs));
  }
  return value;
}

void SimRedis::Replicate(int64_t at_us) {
  if (stalled_ || replicating_) return;
  replicating_ = true;
  scheduler_.At(at_us, [this] {
    replicating_ = false;
    if (stalled_) return;
    for (const auto& [arguments, now_us] : std::exchange(backlog_, {})) {
      behind_.Execute(arguments, now_us);
    }
  });
}

void SimRedis::StallReplication(bool stalled) {
  stalled_ = stalled;
  if (!stalled && !backlog_.empty()) Replicate(scheduler_.now_us());
}

void SimRedis::Kill() {
  process_->alive = false;
  process_->stuck.clear();
  for (SimClient* client : clients_) client->Cut();
}

void SimRedis::Start(bool lossy) {
  if (process_->alive) Kill();
  if (lossy) {
    backlog_.clear();
  } else {
    for (const auto& [arguments, now_us] : std::exchange(backlog_, {})) {
      behind_.Execute(arguments, now_us);
    }
  }
  process_ = NewProcess(RedisServer(behind_.data()));
}

void SimRedis::StartEmpty() {
  if (process_->alive) Kill();
  backlog_.clear();
  behind_ = RedisServer();
  process_ = NewProcess(RedisServer());
}

void SimRedis::Thaw() {
  process_->frozen = false;
  for (const auto& arrival : std::exchange(process_->stuck, {})) arrival();
}

// ---- The client

SimClient::SimClient(Scheduler& scheduler, SimRedis& redis, Scheduler::On machine,
                     redis::ClientOptions options, OnState on_state)
    : scheduler_(scheduler),
      redis_(redis),
      machine_(std::move(machine)),
      options_(std::move(options)),
      on_state_(std::move(on_state)),
      backoff_us_(options_.backoff_first_us) {
  state_.trouble = "not connected yet";
  redis_.clients_.push_back(this);
  Connect();
  Watch();
}

SimClient::~SimClient() {
  *alive_ = false;
  std::erase(redis_.clients_, this);
}

int64_t SimClient::Latency() {
  // Mostly quick, now and then as slow as it gets.
  const int64_t most_us =
      scheduler_.Chance(0.05) ? slowest_us_ : std::min<int64_t>(slowest_us_, 500);
  return scheduler_.Between(50, std::max<int64_t>(most_us, 60));
}

void SimClient::Carry(const std::shared_ptr<Wire>& wire, int64_t& last_us,
                      std::function<void()> arrival, Scheduler::On machine) {
  if (!reachable_) {
    wire->held.push_back([this, wire, &last_us, arrival = std::move(arrival), machine] {
      Carry(wire, last_us, arrival, machine);
    });
    return;
  }
  last_us = std::max(last_us + 1, scheduler_.now_us() + Latency());
  scheduler_.At(last_us, std::move(arrival), std::move(machine));
}

void SimClient::SetReachable(bool reachable) {
  reachable_ = reachable;
  if (reachable && wire_ != nullptr) {
    for (const auto& carry : std::exchange(wire_->held, {})) carry();
  }
}

// ---- Connecting

void SimClient::Connect() {
  if (connecting_ || wire_ != nullptr || machine_->dead) return;
  connecting_ = true;
  const auto alive = alive_;
  scheduler_.After(
      4 * Latency(),
      [this, alive] {
        if (!*alive) return;
        connecting_ = false;
        if (reachable_ && redis_.running()) {
          auto wire = std::make_shared<Wire>();
          wire->process = redis_.process_;
          Connected(wire);
          return;
        }
        state_.trouble = "cannot connect";
        const int64_t wait_us = scheduler_.Between(0, backoff_us_);
        backoff_us_ = std::min(2 * backoff_us_, options_.backoff_most_us);
        scheduler_.After(
            wait_us + 1'000,
            [this, alive] {
              if (*alive) Connect();
            },
            machine_);
      },
      machine_);
}

void SimClient::Connected(const std::shared_ptr<Wire>& wire) {
  wire_ = wire;
  backoff_us_ = options_.backoff_first_us;
  heard_us_ = scheduler_.now_us();
  for (const redis::Script& script : options_.scripts) {
    // Under its own name, so that a changed body is found by those who know the shipped one.
    const std::string body = redis_.edit_ ? redis_.edit_(script.body) : script.body;
    wire->process->server.LoadAs(script.sha1, body);
    redis_.behind_.LoadAs(script.sha1, body);
  }
  std::deque<Command> stale;
  if (wire->process->run_id != state_.run_id) {
    if (state_.servers > 0) stale = std::exchange(waiting_, {});
    ++state_.servers;
  }
  state_.ready = true;
  state_.run_id = wire->process->run_id;
  state_.trouble.clear();
  if (on_state_) on_state_(state_);
  for (Command& command : stale) {
    Answer(std::move(command), absl::UnavailableError("Redis: the server is another one now"));
  }
  Flush();
}

void SimClient::Break(const std::string& why) {
  if (wire_ == nullptr) return;
  wire_->open = false;
  wire_ = nullptr;
  state_.ready = false;
  state_.trouble = why;
  if (on_state_) on_state_(state_);
  for (Command& command : std::exchange(in_flight_, {})) {
    Answer(std::move(command), absl::UnknownError("Redis: " + why));
  }
  Connect();
}

void SimClient::Cut() {
  if (wire_ == nullptr) return;
  const auto wire = wire_;
  wire->open = false;
  // What is under way stops arriving somewhere on the way.
  if (scheduler_.Chance(0.5)) {
    wire->arriving = false;
  } else {
    scheduler_.After(scheduler_.Between(0, 2'000), [wire] { wire->arriving = false; });
  }
  const auto alive = alive_;
  scheduler_.After(
      scheduler_.Between(0, 3'000),
      [this, alive, wire] {
        if (*alive && wire_ == wire) Break("the connection was closed");
      },
      machine_);
}

void SimClient::Die() {
  Cut();
  waiting_.clear();
  in_flight_.clear();
  *alive_ = false;
}

// ---- Commands

void SimClient::Call(std::vector<std::string> arguments, Done done, int64_t within_us) {
  Command command;
  command.id = next_id_++;
  for (const std::string& argument : arguments) command.size += argument.size();
  command.arguments = std::move(arguments);
  command.done = std::move(done);
  command.deadline_us =
      scheduler_.now_us() + (within_us > 0 ? within_us : options_.answer_within_us);
  if (pending() >= options_.most_pending ||
      pending_bytes_ + command.size > options_.most_pending_bytes) {
    command.done(absl::ResourceExhaustedError("Redis: too many commands wait for an answer"));
    return;
  }
  pending_bytes_ += command.size;
  const auto alive = alive_;
  scheduler_.At(
      command.deadline_us + 1'000,
      [this, alive] {
        if (*alive) Expire();
      },
      machine_);
  waiting_.push_back(std::move(command));
  // Written by the client's own thread: a moment later, together with what comes meanwhile.
  scheduler_.After(
      scheduler_.Between(1, 30),
      [this, alive] {
        if (*alive) Flush();
      },
      machine_);
}

void SimClient::Run(const redis::Script& script, std::vector<std::string> keys,
                    std::vector<std::string> arguments, Done done, int64_t within_us) {
  std::vector<std::string> call = {"EVALSHA", script.sha1, std::to_string(keys.size())};
  for (auto* part : {&keys, &arguments}) {
    for (std::string& one : *part) call.push_back(std::move(one));
  }
  Call(std::move(call), std::move(done), within_us);
}

void SimClient::Flush() {
  if (wire_ == nullptr) return;
  for (Command& command : std::exchange(waiting_, {})) {
    for (std::string& argument : command.arguments) {
      if (argument == kThisServer) argument = state_.run_id;
    }
    Deliver(wire_, command.id, command.arguments);
    command.arguments.clear();
    in_flight_.push_back(std::move(command));
  }
}

void SimClient::Deliver(const std::shared_ptr<Wire>& wire, uint64_t id,
                        const Arguments& arguments) {
  const auto alive = alive_;
  Carry(
      wire, wire->up_us,
      [this, alive, wire, id, arguments, &redis = redis_] {
        const auto execute = [this, alive, wire, id, arguments, &redis] {
          if (!wire->process->alive || !wire->arriving) return;
          const redis::Reply reply = ToReply(redis.Execute(*wire->process, arguments));
          if (!*alive || !wire->open) return;
          Carry(
              wire, wire->down_us,
              [this, alive, wire, id, reply] {
                if (*alive) Take(wire, id, reply);
              },
              machine_);
        };
        if (wire->process->frozen) {
          wire->process->stuck.push_back(execute);
        } else {
          execute();
        }
      },
      nullptr);
}

void SimClient::Take(const std::shared_ptr<Wire>& wire, uint64_t id, const redis::Reply& reply) {
  if (wire != wire_ || !wire->open || in_flight_.empty() || in_flight_.front().id != id) return;
  heard_us_ = scheduler_.now_us();
  Command command = std::move(in_flight_.front());
  in_flight_.pop_front();
  Answer(std::move(command), reply);
}

void SimClient::Answer(Command command, absl::StatusOr<redis::Reply> result) {
  pending_bytes_ -= command.size;
  command.done(std::move(result));
}

void SimClient::Expire() {
  const int64_t now_us = scheduler_.now_us();
  const auto late = [now_us](const Command& command) { return command.deadline_us <= now_us; };
  if (std::any_of(in_flight_.begin(), in_flight_.end(), late)) Break("no answer in time");
  std::deque<Command> all = std::exchange(waiting_, {});
  for (Command& command : all) {
    if (late(command)) {
      Answer(std::move(command), absl::UnavailableError("Redis: not connected"));
    } else {
      waiting_.push_back(std::move(command));
    }
  }
}

void SimClient::Watch() {
  const auto alive = alive_;
  scheduler_.After(
      options_.ping_every_us,
      [this, alive] {
        if (!*alive) return;
        if (wire_ != nullptr && in_flight_.empty() &&
            scheduler_.now_us() - heard_us_ >= options_.ping_every_us) {
          Call(
              {"PING"}, [](const absl::StatusOr<redis::Reply>&) {}, 0);
        }
        Watch();
      },
      machine_);
}

SimClient::Waited SimClient::WaitFor(const std::function<void(Done)>& start) {
  struct Answered {
    bool done = false;
    Waited result = absl::UnknownError("no answer");
  };
  const auto answered = std::make_shared<Answered>();
  const Scheduler::FiberId fiber = scheduler_.current();
  start([this, answered, fiber](absl::StatusOr<redis::Reply> reply) {
    answered->result = std::move(reply);
    answered->done = true;
    scheduler_.Wake(fiber);
  });
  while (!answered->done) scheduler_.Wait();
  return answered->result;
}

SimClient::Waited SimClient::CallAndWait(std::vector<std::string> arguments, int64_t within_us) {
  return WaitFor([&](Done done) { Call(std::move(arguments), std::move(done), within_us); });
}

SimClient::Waited SimClient::RunAndWait(const redis::Script& script, std::vector<std::string> keys,
                                        std::vector<std::string> arguments, int64_t within_us) {
  return WaitFor([&](Done done) {
    Run(script, std::move(keys), std::move(arguments), std::move(done), within_us);
  });
}

}  // namespace attune::simulation
