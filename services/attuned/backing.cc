#include "services/attuned/backing.h"

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/attuned/metered_client.h"
#include "services/base/status_macros.h"
#include "services/journal/redis_journal.h"
#include "services/journal/redis_keystore.h"
#include "services/journal/sqlite_journal.h"
#include "services/journal/sqlite_keystore.h"
#include "services/node/hmac.h"
#include "services/placement/local_directory.h"
#include "services/placement/redis_codes.h"
#include "services/placement/redis_directory.h"
#include "services/placement/redis_nodes.h"

namespace attune {
namespace {

constexpr int64_t kRedisStartUs = 10'000'000;
constexpr int kLookMs = 20;
constexpr char kKeysKey[] = "attune:keys";

std::vector<journal::KeyEncryptionKey> KeysOf(const KeyRing& ring) {
  std::vector<journal::KeyEncryptionKey> keys;
  for (const WrappingKey& key : ring.kek) keys.push_back({key.id, key.bytes});
  return keys;
}

std::function<void(int64_t, size_t)> ObserveCommits(node::Metrics& metrics) {
  return [&metrics](int64_t commit_us, size_t) {
    metrics.commit.Observe(static_cast<double>(commit_us) * 1e-6);
  };
}

absl::StatusOr<Backing> OpenFiles(const Settings& settings, const Clock& clock,
                                  SystemRandom& random, node::Metrics& metrics) {
  Backing backing;
  journal::SqliteOptions journal_options;
  journal_options.tier = settings.tier;
  journal_options.clock = &clock;
  journal_options.on_commit = ObserveCommits(metrics);
  journal::SqliteKeyStoreOptions keystore_options;
  keystore_options.keys = KeysOf(settings.options.keys);
  keystore_options.random = &random;
  ATTUNE_ASSIGN_OR_RETURN(
      backing.keystore,
      journal::OpenSqliteKeyStore(settings.journal_path + "-keys", std::move(keystore_options)));
  ATTUNE_ASSIGN_OR_RETURN(backing.journal, journal::OpenSqliteJournal(settings.journal_path,
                                                                      std::move(journal_options)));
  backing.directory = std::make_unique<placement::LocalDirectory>(
      settings.options.advertise.empty() ? settings.options.grpc_address
                                         : settings.options.advertise,
      random);
  return backing;
}

std::unique_ptr<redis::Client> Connect(redis::ClientOptions options, const Clock& clock,
                                       SystemRandom& random, const Logger& log,
                                       node::Metrics& metrics, bool tells) {
  for (const auto& scripts :
       {placement::DirectoryScripts(), placement::NodesScripts(), placement::CodesScripts(),
        journal::JournalScripts(), journal::KeyStoreScripts()}) {
    options.scripts.insert(options.scripts.end(), scripts.begin(), scripts.end());
  }
  auto on_state = [&log, &metrics, tells](const redis::ServerState& state) {
    if (!tells) return;
    metrics.redis_up.Set(state.ready ? 1 : 0);
    metrics.redis_servers.Set(static_cast<double>(state.servers));
    if (state.ready) {
      log.Write(Severity::kInfo, "redis_connected",
                {{"address", state.address}, {"servers", state.servers}});
    } else {
      log.Write(Severity::kWarning, "redis_not_reached",
                {{"address", state.address}, {"why", state.trouble}});
    }
  };
  return MeterClient(redis::Client::Start(std::move(options), clock, random, std::move(on_state)),
                     clock, metrics);
}

absl::Status AwaitReady(const redis::Client& client, const Clock& clock) {
  const int64_t deadline = clock.SteadyMicros() + kRedisStartUs;
  while (!client.state().ready) {
    if (clock.SteadyMicros() >= deadline) {
      const redis::ServerState state = client.state();
      return absl::UnavailableError(absl::StrCat(
          "Redis cannot be reached", state.address.empty() ? "" : " at ", state.address, ": ",
          state.trouble, ". Start it, or correct --cluster; attuned can then be started again"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
  }
  return absl::OkStatus();
}

// Tokens, tickets and wrapped keys must be good on each node.
absl::Status CheckSameKeys(redis::Client& client, const Settings& settings) {
  const std::string mark = absl::BytesToHexString(
      node::HmacSha256(settings.options.keys.ticket, "attune cluster keys 1").substr(0, 16));
  ATTUNE_RETURN_IF_ERROR(client.CallAndWait({"SET", kKeysKey, mark, "NX"}).status());
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply reply, client.CallAndWait({"GET", kKeysKey}));
  if (reply.text == mark) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("--keys: ", settings.keys_path,
                   " is not the keys file of the nodes that use this Redis: copy theirs here, or "
                   "use another Redis"));
}

absl::StatusOr<Backing> OpenCluster(const Settings& settings, const Clock& clock,
                                    SystemRandom& random, const Logger& log,
                                    node::Metrics& metrics) {
  Backing backing;
  backing.client = Connect(settings.redis, clock, random, log, metrics, /*tells=*/true);
  backing.journal_client = Connect(settings.redis, clock, random, log, metrics, /*tells=*/false);
  ATTUNE_RETURN_IF_ERROR(AwaitReady(*backing.client, clock));
  ATTUNE_RETURN_IF_ERROR(AwaitReady(*backing.journal_client, clock));
  ATTUNE_RETURN_IF_ERROR(CheckSameKeys(*backing.client, settings));
  const bool waits = settings.tier == journal::Tier::kRedisWait;
  journal::RedisKeyStoreOptions keystore_options;
  keystore_options.keys = KeysOf(settings.options.keys);
  keystore_options.random = &random;
  keystore_options.clock = &clock;
  keystore_options.replicas = waits ? settings.redis_replicas : 0;
  ATTUNE_ASSIGN_OR_RETURN(backing.keystore,
                          journal::OpenRedisKeyStore(*backing.client, std::move(keystore_options)));
  journal::RedisJournalOptions journal_options;
  journal_options.tier = settings.tier;
  journal_options.replicas = settings.redis_replicas;
  journal_options.clock = &clock;
  journal_options.on_commit = ObserveCommits(metrics);
  ATTUNE_ASSIGN_OR_RETURN(backing.journal, journal::OpenRedisJournal(*backing.journal_client,
                                                                     std::move(journal_options)));
  backing.directory = std::make_unique<placement::RedisDirectory>(
      placement::RedisDirectoryOptions{.address = settings.options.advertise,
                                       .incarnation = settings.options.incarnation},
      *backing.client, clock, random);
  backing.nodes = std::make_unique<placement::RedisNodes>(*backing.client, clock, random);
  backing.codes = std::make_unique<placement::RedisCodes>(*backing.client);
  return backing;
}

}  // namespace

absl::StatusOr<Backing> OpenBacking(const Settings& settings, const Clock& clock,
                                    SystemRandom& random, const Logger& log,
                                    node::Metrics& metrics) {
  return settings.options.cluster ? OpenCluster(settings, clock, random, log, metrics)
                                  : OpenFiles(settings, clock, random, metrics);
}

}  // namespace attune
