// attuned: one process with everything in it. Wires the parts together and waits for a signal.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/attuned/flags.h"
#include "services/base/keys.h"
#include "services/base/status_macros.h"
#include "services/gateway/http_server.h"
#include "services/journal/sqlite_journal.h"
#include "services/journal/sqlite_keystore.h"
#include "services/node/node.h"
#include "services/placement/local_directory.h"
#include "services/synchrony/params.h"

namespace attune {
namespace {

constexpr int kExitUsage = 2;

absl::StatusOr<KeyRing> LoadOrCreateKeys(const std::string& path, RandomSource& random) {
  absl::StatusOr<KeyRing> keys = LoadKeysFile(path);
  if (!absl::IsNotFound(keys.status())) return keys;
  const absl::Status created = CreateKeysFile(path, random);
  if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
  return LoadKeysFile(path);
}

// Blocks the signals in this thread and all that it starts, so that they are only read here.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~Signals() { close(fd_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void Wait() const {
    signalfd_siginfo info;
    while (read(fd_, &info, sizeof info) < 0 && errno == EINTR) {
    }
  }

 private:
  int fd_;
};

absl::StatusOr<std::unique_ptr<gateway::HttpServer>> ServeHttp(const std::string& address,
                                                               node::Node& node) {
  if (address.empty()) return nullptr;
  return gateway::HttpServer::Start(
      address,
      {{"/metrics",
        [&node] {
          return gateway::HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8",
                                       node.MetricsText()};
        }},
       {"/healthz", [&node] {
          bool ok = false;
          std::string json = node.HealthJson(ok);
          return gateway::HttpResponse{ok ? 200 : 503, "application/json", std::move(json)};
        }}});
}

absl::Status Run(Settings settings) {
  const Signals signals;
  const SystemClock clock;
  SystemRandom random;
  const Logger log(clock, STDERR_FILENO, settings.log_level);
  ATTUNE_ASSIGN_OR_RETURN(settings.options.keys, LoadOrCreateKeys(settings.keys_path, random));
  node::Metrics metrics(settings.options.build, absl::StrCat(synchrony::kEngineVersion));

  journal::SqliteOptions journal_options;
  journal_options.tier = settings.tier;
  journal_options.clock = &clock;
  journal_options.on_commit = [&metrics](int64_t commit_us, size_t) {
    metrics.commit.Observe(static_cast<double>(commit_us) * 1e-6);
  };
  journal::SqliteKeyStoreOptions keystore_options;
  for (const WrappingKey& key : settings.options.keys.kek) {
    keystore_options.keys.push_back({key.id, key.bytes});
  }
  keystore_options.random = &random;
  ATTUNE_ASSIGN_OR_RETURN(
      const std::unique_ptr<journal::KeyStore> keystore,
      journal::OpenSqliteKeyStore(settings.journal_path + "-keys", std::move(keystore_options)));
  ATTUNE_ASSIGN_OR_RETURN(
      const std::unique_ptr<journal::Journal> journal,
      journal::OpenSqliteJournal(settings.journal_path, std::move(journal_options)));
  placement::LocalDirectory directory(settings.options.advertise.empty()
                                          ? settings.options.grpc_address
                                          : settings.options.advertise,
                                      random);

  ATTUNE_ASSIGN_OR_RETURN(const std::unique_ptr<node::Node> node,
                          node::Node::Start(settings.options, {clock, log, random, metrics,
                                                               *journal, *keystore, directory}));
  ATTUNE_ASSIGN_OR_RETURN(const std::unique_ptr<gateway::HttpServer> http,
                          ServeHttp(settings.http_address, *node));
  std::cout << "{\"event\":\"serving\",\"grpc\":" << JsonQuote(node->grpc_address())
            << ",\"http\":" << JsonQuote(http == nullptr ? "" : http->address()) << "}"
            << std::endl;

  signals.Wait();
  log.Write(Severity::kInfo, "stopping");
  std::thread second([&signals] {
    signals.Wait();
    _exit(1);  // everything acknowledged is in the journal: nothing is lost
  });
  second.detach();
  node->Stop();
  return absl::OkStatus();
}

}  // namespace
}  // namespace attune

int main(int argc, char** argv) {
  absl::StatusOr<attune::Settings> settings =
      attune::ParseFlags(std::vector<std::string>(argv, argv + argc));
  if (!settings.ok()) {
    std::cerr << "attuned: " << settings.status().message() << "\n";
    return attune::kExitUsage;
  }
  const absl::Status status = attune::Run(*std::move(settings));
  if (status.ok()) return 0;
  std::cerr << "attuned: " << status.message() << "\n";
  return 1;
}
