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
#include "services/attuned/backing.h"
#include "services/attuned/flags.h"
#include "services/base/keys.h"
#include "services/base/status_macros.h"
#include "services/gateway/http_server.h"
#include "services/node/node.h"
#include "services/placement/nodes.h"
#include "services/synchrony/params.h"

namespace attune {
namespace {

constexpr int kExitUsage = 2;

absl::StatusOr<KeyRing> LoadOrCreateKeys(const std::string& path, bool create,
                                         RandomSource& random) {
  absl::StatusOr<KeyRing> keys = LoadKeysFile(path);
  if (!absl::IsNotFound(keys.status())) return keys;
  if (!create) {
    return absl::NotFoundError(absl::StrCat(
        "--keys: there is no ", path,
        ". All nodes of a cluster share one keys file: copy it here from another node, or make it "
        "once with attunectl token --create-keys=",
        path));
  }
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
  ATTUNE_ASSIGN_OR_RETURN(settings.options.keys,
                          LoadOrCreateKeys(settings.keys_path, !settings.options.cluster, random));
  node::Metrics metrics(settings.options.build, absl::StrCat(synchrony::kEngineVersion));

  settings.options.incarnation = placement::NewIncarnation(settings.options.node_id, random);
  ATTUNE_ASSIGN_OR_RETURN(const Backing backing,
                          OpenBacking(settings, clock, random, log, metrics));
  // An operator's drain, or a newer process of the same name, is a SIGTERM from within.
  const auto stop = [](const std::string&) { kill(getpid(), SIGTERM); };
  ATTUNE_ASSIGN_OR_RETURN(const std::unique_ptr<node::Node> node,
                          node::Node::Start(settings.options, {.clock = clock,
                                                               .log = log,
                                                               .random = random,
                                                               .metrics = metrics,
                                                               .journal = *backing.journal,
                                                               .keystore = *backing.keystore,
                                                               .directory = *backing.directory,
                                                               .nodes = backing.nodes.get(),
                                                               .codes = backing.codes.get(),
                                                               .on_stop_wanted = stop}));
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
