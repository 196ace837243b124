#include "tests/simulation/sim_node.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/journal/redis_journal.h"

namespace attune::simulation {
namespace {

constexpr int64_t kUtcUs = 1'795'000'000'000'000;
constexpr int64_t kSweepUs = 2'000'000;
constexpr double kDriftMost = 100e-6;

node::Options OptionsOf(const ClusterParts& cluster, const std::string& name, int start) {
  node::Options options;
  options.node_id = name;
  options.incarnation = absl::StrCat(name, "#", start);
  options.advertise = name;
  options.workers = 1;
  options.allow_lab = true;
  options.keys = cluster.keys;
  options.cluster = true;
  return options;
}

}  // namespace

SimNode::SimNode(ClusterParts& cluster, const std::string& name, int start)
    : cluster_(cluster),
      name_(name),
      machine_(std::make_shared<Machine>()),
      clock_(cluster.scheduler, machine_,
             1 + kDriftMost * (2 * cluster.scheduler.random().Unit() - 1),
             cluster.scheduler.Between(0, 1'000'000'000),
             kUtcUs + cluster.scheduler.Between(-20'000, 20'000)),
      random_(cluster.scheduler.random().Uint64()),
      log_(clock_, -1, Severity::kError),
      options_(OptionsOf(cluster, name, start)),
      metrics_("simulated", "simulated"),
      codes_(clock_) {
  redis::ClientOptions redis_options;
  for (auto scripts : {placement::DirectoryScripts(), journal::JournalScripts()}) {
    for (redis::Script& script : scripts) redis_options.scripts.push_back(std::move(script));
  }
  client_ = std::make_unique<SimClient>(cluster.scheduler, cluster.redis, machine_,
                                        std::move(redis_options), nullptr);
  directory_ = std::make_unique<placement::RedisDirectory>(
      placement::RedisDirectoryOptions{.address = name, .incarnation = options_.incarnation},
      *client_, clock_, random_);
  recorded_directory_ =
      std::make_unique<RecordingDirectory>(*directory_, cluster.history, cluster.planted, name);
  const journal::RunAfter run_after = [&scheduler = cluster.scheduler, machine = machine_](
                                          int64_t after_us, std::function<void()> call) {
    scheduler.After(after_us, std::move(call), machine);
  };
  journal::RedisJournalOptions journal_options;
  journal_options.clock = &clock_;
  journal_options.run_after = run_after;
  journal_ = std::make_unique<RecordingJournal>(
      *journal::OpenRedisJournal(*client_, journal_options), cluster.history, cluster.planted);
  sealer_ = std::make_unique<journal::Sealer>(cluster.keystore, random_);
  journal_->set_sealer(sealer_.get());
  worker_ = std::make_unique<node::Worker>(clock_, node::kMailboxTasks);
  opener_ = std::make_unique<node::Worker>(clock_, node::kMailboxTasks);
  sweeper_ = std::make_unique<node::Worker>(clock_, node::kMailboxTasks);
  parts_.reset(new node::Parts{.options = options_,
                               .clock = clock_,
                               .log = log_,
                               .random = random_,
                               .metrics = metrics_,
                               .journal = *journal_,
                               .keystore = cluster.keystore,
                               .sealer = *sealer_,
                               .directory = *recorded_directory_,
                               .nodes = nodes_,
                               .codes = codes_,
                               .opener = *opener_,
                               .engine_memory = nullptr});
  registry_ = std::make_unique<node::Registry>(*parts_, std::vector<node::Worker*>{worker_.get()});
  streams_.reset(
      new StreamsOfNode{cluster.scheduler, machine_, *parts_, *registry_, cluster.history});
  // What Node::LookAfter does.
  sweeper_->Post([this] {
    auto sweep = std::make_shared<std::function<void()>>();
    *sweep = [this, again = std::weak_ptr(sweep)] {
      registry_->Sweep();
      sweeper_->RunAt(clock_.SteadyMicros() + kSweepUs, [sweep = again.lock()] { (*sweep)(); });
    };
    (*sweep)();
  });
}

void SimNode::Die() {
  if (machine_->dead) return;
  machine_->dead = true;
  machine_->held.clear();
  client_->Die();
}

// Fibers of a dead machine never go on, so nothing of it is used again.
SimNode::~SimNode() { Die(); }

void SimNode::HandOver(const std::string& to, const std::string& incarnation, const Adopt& adopt) {
  for (const node::Registry::Host& host : registry_->Hosts()) {
    if (!host->InForce() || host->Info().state() == v1::SESSION_STATE_CLOSED) continue;
    host->Post([this, to, incarnation, host, adopt](node::SessionHost& home) {
      home.Quiesce([this, to, incarnation, host, adopt](const absl::Status& quiet) {
        opener_->Post([this, to, incarnation, host, adopt, quiet] {
          HandOverQuiet(to, incarnation, host, quiet, adopt);
        });
      });
    });
  }
}

void SimNode::HandOverQuiet(const std::string& to, const std::string& incarnation,
                            const node::Registry::Host& host, absl::Status status,
                            const Adopt& adopt) {
  if (status.ok()) status = recorded_directory_->HandOff(host->lease(), incarnation, to);
  if (!status.ok()) {
    host->Post([](node::SessionHost& stays) { stays.Unquiesce(); });
    return;
  }
  const auto depart = [to](node::SessionHost& leaving) {
    leaving.Depart({.address = to, .delay_least_ms = 0, .delay_most_ms = 200});
  };
  cluster_.scheduler.After(
      cluster_.scheduler.Between(500, 200'000), [host, depart] { host->Post(depart); }, machine_);
  adopt(host->id());
}

std::string SimNode::Overflow() const {
  const journal::Health health = journal_->GetHealth();
  if (health.queued_entries > journal::kMaxQueuedEntries) return "entries in the journal's queue";
  if (health.queued_bytes > journal::kMaxQueuedBytes) return "bytes in the journal's queue";
  if (client_->pending() > redis::ClientOptions().most_pending) return "commands to Redis";
  if (worker_->waiting() > node::kMailboxTasks) return "tasks of a worker";
  if (parts_->pending_bytes > static_cast<int64_t>(2 * node::kMaxPendingBytesTotal)) {
    return "bytes of records that wait";
  }
  return "";
}

}  // namespace attune::simulation
