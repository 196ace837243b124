#include "services/attuned/flags.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

ABSL_FLAG(std::string, grpc, "127.0.0.1:7400",
          "HOST:PORT for agents, control programs and pages (gRPC); port 0: any free one");
ABSL_FLAG(std::string, http, "127.0.0.1:7480",
          "HOST:PORT for /metrics and /healthz; port 0: any free one; empty: none");
ABSL_FLAG(std::string, journal, "",
          "where sessions are kept. Alone: sqlite:PATH (the keys of their data lie in PATH-keys; "
          "default sqlite:attune.db). With --cluster: redis (an acknowledgement survives the node; "
          "default) or redis-wait (also the loss of Redis's primary: --redis-replicas have it)");
ABSL_FLAG(std::string, durability, "process",
          "with sqlite: what an acknowledgement survives: process (a crash of attuned) or fsync "
          "(loss of power)");
ABSL_FLAG(std::string, keys, "attune.keys",
          "file with the installation's secrets; made, readable by you alone, if there is none");
ABSL_FLAG(int, workers, 0, "threads for sessions; 0: one per processor, at most 8");
ABSL_FLAG(double, clock_rate, 1,
          "session time runs so many times as fast (demos and tests; loopback only), 1..1000");
ABSL_FLAG(bool, allow_lab, false, "allow sessions of kind lab, whose facilitator sees everybody");
ABSL_FLAG(std::string, advertise, "", "HOST:PORT that clients are told; empty: the gRPC address");
ABSL_FLAG(std::string, tls_cert, "", "PEM file: certificate chain of the gRPC port");
ABSL_FLAG(std::string, tls_key, "", "PEM file: its private key");
ABSL_FLAG(bool, plaintext_on_network, false,
          "serve gRPC without TLS although other machines can reach it");
ABSL_FLAG(
    std::string, node_id, "",
    "name of this node in logs, journals and the cluster's list, 1..64 of letters, digits and "
    ". _ -; empty: node-1 when alone, else this machine's name and the port");
ABSL_FLAG(int64_t, lateness_ms, 5000,
          "a tick waits so long (session time) for late data beyond its horizon, 0..60000");
ABSL_FLAG(int64_t, grace_ms, 15000,
          "late beats are taken so long (session time) after a session's end, 0..600000");
ABSL_FLAG(int64_t, token_life_s, 12 * 3600, "how long a participant's token is good, 60..604800");
ABSL_FLAG(std::string, log_level, "info", "least severity on stderr: debug, info, warning, error");
ABSL_FLAG(std::string, cluster, "",
          "run as one of many nodes, on this Redis: redis://[[USER:PASSWORD@]HOST[:PORT]], or "
          "redis+sentinel://HOST:PORT[,HOST:PORT...]/MASTER; all nodes need the same --keys file");
ABSL_FLAG(std::string, redis_password_file, "",
          "file whose first line is Redis's password, so that it need not be in --cluster");
ABSL_FLAG(int, redis_replicas, 1, "with --journal=redis-wait: how many must have it, 1..8");
ABSL_FLAG(bool, plaintext_redis, false,
          "use a Redis on another machine although the way there is not encrypted (what people "
          "measured is sealed; names of nodes, join codes and the password are not)");
ABSL_FLAG(int64_t, capacity, 20'000,
          "participants that this node is meant for; new sessions go where there is room");
ABSL_FLAG(std::string, tls_ca, "",
          "PEM file: who signs the nodes' certificates; nodes then verify each other");

namespace attune {
namespace {

constexpr int kMostDefaultWorkers = 8;
constexpr size_t kMostNodeIdBytes = 64;

absl::Status Wrong(std::string_view flag, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--", std::string(flag), ": ", std::string(why)));
}

absl::StatusOr<std::string> ReadPem(std::string_view flag, const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || text.find("-----BEGIN") == std::string::npos) {
    return Wrong(flag, absl::StrCat(path, " cannot be read or is not PEM"));
  }
  return text;
}

template <class T>
absl::Status CheckRange(std::string_view flag, T value, T least, T most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return Wrong(flag, absl::StrCat("must be ", least, "..", most));
}

absl::Status ReadTls(Settings& settings) {
  const std::string cert = absl::GetFlag(FLAGS_tls_cert), key = absl::GetFlag(FLAGS_tls_key);
  if (cert.empty() != key.empty()) return Wrong("tls-cert", "goes together with --tls-key");
  if (!cert.empty()) {
    ATTUNE_ASSIGN_OR_RETURN(settings.options.tls_cert_pem, ReadPem("tls-cert", cert));
    ATTUNE_ASSIGN_OR_RETURN(settings.options.tls_key_pem, ReadPem("tls-key", key));
    if (const std::string ca = absl::GetFlag(FLAGS_tls_ca); !ca.empty()) {
      ATTUNE_ASSIGN_OR_RETURN(settings.options.tls_ca_pem, ReadPem("tls-ca", ca));
    }
    return absl::OkStatus();
  }
  if (!absl::GetFlag(FLAGS_tls_ca).empty()) {
    return Wrong("tls-ca", "goes together with --tls-cert and --tls-key");
  }
  if (IsLoopback(settings.options.grpc_address) || absl::GetFlag(FLAGS_plaintext_on_network)) {
    return absl::OkStatus();
  }
  return Wrong("grpc", absl::StrCat(settings.options.grpc_address,
                                    " can be reached by other machines and there is no TLS: give "
                                    "--tls-cert and --tls-key, or listen on 127.0.0.1, or say "
                                    "--plaintext-on-network if the network itself is private"));
}

// HOST:PORT at which others reach this node.
absl::Status ReadAddress(Settings& settings) {
  node::Options& options = settings.options;
  options.advertise = absl::GetFlag(FLAGS_advertise);
  if (!options.cluster) return absl::OkStatus();
  if (options.advertise.empty()) options.advertise = options.grpc_address;
  const size_t colon = options.advertise.rfind(':');
  const std::string host = options.advertise.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : options.advertise.substr(colon + 1);
  if (host.empty() || host == "0.0.0.0" || host == "[::]" || port.empty() || port == "0" ||
      absl::StartsWith(options.advertise, "unix:")) {
    return Wrong("advertise",
                 absl::StrCat("agents and the other nodes cannot be told ", options.advertise,
                              ": say --advertise=HOST:PORT as they reach this node"));
  }
  if (!IsLoopback(options.advertise) && options.tls_ca_pem.empty() &&
      !absl::GetFlag(FLAGS_plaintext_on_network)) {
    return Wrong("advertise",
                 "nodes would call each other without TLS over a network: give --tls-ca (and "
                 "--tls-cert, --tls-key), or say --plaintext-on-network if the network itself is "
                 "private");
  }
  options.plaintext_peers = absl::GetFlag(FLAGS_plaintext_on_network);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadNodeId(const node::Options& options) {
  std::string id = absl::GetFlag(FLAGS_node_id);
  if (id.empty() && !options.cluster) return std::string("node-1");
  if (id.empty()) {
    char name[256] = {};
    if (gethostname(name, sizeof name - 1) != 0) return Wrong("node-id", "must be given here");
    id = absl::StrCat(name, "-", options.advertise.substr(options.advertise.rfind(':') + 1));
  }
  const bool fine =
      id.size() <= kMostNodeIdBytes && std::all_of(id.begin(), id.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
      });
  if (!fine) return Wrong("node-id", "must be 1..64 of letters, digits and . _ -");
  return id;
}

absl::Status ReadRedis(Settings& settings) {
  absl::StatusOr<redis::ClientOptions> options = redis::ParseRedisUrl(absl::GetFlag(FLAGS_cluster));
  if (!options.ok()) return Wrong("cluster", std::string(options.status().message()));
  settings.redis = *std::move(options);
  if (const std::string path = absl::GetFlag(FLAGS_redis_password_file); !path.empty()) {
    if (!settings.redis.password.empty()) {
      return Wrong("redis-password-file", "--cluster has a password already: give one of the two");
    }
    std::ifstream file(path);
    if (!std::getline(file, settings.redis.password) || settings.redis.password.empty()) {
      return Wrong("redis-password-file", absl::StrCat(path, " cannot be read or is empty"));
    }
  }
  for (const std::string& address : settings.redis.addresses) {
    if (IsLoopback(address) || absl::StartsWith(address, "/") ||
        absl::GetFlag(FLAGS_plaintext_redis)) {
      continue;
    }
    return Wrong("cluster", absl::StrCat(address,
                                         " is on another machine and the way there is not "
                                         "encrypted: say --plaintext-redis if the network is "
                                         "private, or go through a tunnel on 127.0.0.1"));
  }
  return absl::OkStatus();
}

absl::Status ReadJournal(Settings& settings) {
  std::string journal = absl::GetFlag(FLAGS_journal);
  constexpr std::string_view kSqlite = "sqlite:";
  const bool sqlite = absl::StartsWith(journal, "sqlite:");
  if (settings.options.cluster) {
    if (journal.empty()) journal = "redis";
    if (sqlite) {
      return Wrong("journal",
                   "with --cluster sessions move from node to node, so what is kept must be where "
                   "all reach it: --journal=redis or --journal=redis-wait (or leave it out)");
    }
    if (journal != "redis" && journal != "redis-wait") {
      return Wrong("journal", "with --cluster: redis or redis-wait");
    }
    if (absl::GetFlag(FLAGS_durability) != "process") {
      return Wrong("durability", "is of sqlite; with --cluster --journal names it");
    }
    ATTUNE_ASSIGN_OR_RETURN(settings.tier, journal::ParseTier(journal));
    settings.redis_replicas = absl::GetFlag(FLAGS_redis_replicas);
    return CheckRange("redis-replicas", settings.redis_replicas, 1, 8);
  }
  if (journal.empty()) journal = "sqlite:attune.db";
  if (journal == "redis" || journal == "redis-wait") {
    return Wrong("journal", absl::StrCat(journal, " goes with --cluster=redis://HOST"));
  }
  if (journal.size() <= kSqlite.size() || !absl::StartsWith(journal, "sqlite:")) {
    return Wrong("journal", "must be sqlite:PATH");
  }
  settings.journal_path = journal.substr(kSqlite.size());
  ATTUNE_ASSIGN_OR_RETURN(settings.tier, journal::ParseTier(absl::GetFlag(FLAGS_durability)));
  if (settings.tier != journal::Tier::kProcess && settings.tier != journal::Tier::kFsync) {
    return Wrong("durability", "must be process or fsync");
  }
  return absl::OkStatus();
}

// What means something only among many.
absl::Status RefuseWithoutCluster() {
  if (!absl::GetFlag(FLAGS_redis_password_file).empty()) {
    return Wrong("redis-password-file", "goes with --cluster=redis://HOST");
  }
  if (absl::GetFlag(FLAGS_plaintext_redis)) {
    return Wrong("plaintext-redis", "goes with --cluster=redis://HOST");
  }
  if (!absl::GetFlag(FLAGS_tls_ca).empty()) {
    return Wrong("tls-ca", "goes with --cluster: one node has nobody to verify");
  }
  return absl::OkStatus();
}

absl::StatusOr<Severity> ParseSeverity(const std::string& name) {
  if (name == "debug") return Severity::kDebug;
  if (name == "info") return Severity::kInfo;
  if (name == "warning") return Severity::kWarning;
  if (name == "error") return Severity::kError;
  return Wrong("log-level", "must be debug, info, warning or error");
}

absl::StatusOr<Settings> FromFlags() {
  Settings settings;
  node::Options& options = settings.options;
  options.cluster = !absl::GetFlag(FLAGS_cluster).empty();
  ATTUNE_RETURN_IF_ERROR(options.cluster ? ReadRedis(settings) : RefuseWithoutCluster());
  options.grpc_address = absl::GetFlag(FLAGS_grpc);
  settings.http_address = absl::GetFlag(FLAGS_http);
  ATTUNE_RETURN_IF_ERROR(ReadTls(settings));
  ATTUNE_RETURN_IF_ERROR(ReadAddress(settings));
  ATTUNE_RETURN_IF_ERROR(ReadJournal(settings));
  settings.keys_path = absl::GetFlag(FLAGS_keys);
  options.workers = absl::GetFlag(FLAGS_workers);
  ATTUNE_RETURN_IF_ERROR(CheckRange("workers", options.workers, 0, 256));
  if (options.workers == 0) {
    options.workers =
        std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostDefaultWorkers);
  }
  options.clock_rate = absl::GetFlag(FLAGS_clock_rate);
  ATTUNE_RETURN_IF_ERROR(CheckRange("clock-rate", options.clock_rate, 1.0, 1000.0));
  if (options.clock_rate != 1 && !IsLoopback(options.grpc_address)) {
    return Wrong("clock-rate", "only on loopback: it is for demos and tests");
  }
  options.allow_lab = absl::GetFlag(FLAGS_allow_lab);
  ATTUNE_ASSIGN_OR_RETURN(options.node_id, ReadNodeId(options));
  options.capacity = absl::GetFlag(FLAGS_capacity);
  ATTUNE_RETURN_IF_ERROR(CheckRange<int64_t>("capacity", options.capacity, 1, 1'000'000));
  const int64_t lateness_ms = absl::GetFlag(FLAGS_lateness_ms);
  const int64_t grace_ms = absl::GetFlag(FLAGS_grace_ms);
  const int64_t life_s = absl::GetFlag(FLAGS_token_life_s);
  ATTUNE_RETURN_IF_ERROR(CheckRange<int64_t>("lateness-ms", lateness_ms, 0, 60'000));
  ATTUNE_RETURN_IF_ERROR(CheckRange<int64_t>("grace-ms", grace_ms, 0, 600'000));
  ATTUNE_RETURN_IF_ERROR(CheckRange<int64_t>("token-life-s", life_s, 60, 604'800));
  options.lateness_us = lateness_ms * 1000;
  options.grace_us = grace_ms * 1000;
  options.participant_token_life_us = life_s * 1'000'000;
  ATTUNE_ASSIGN_OR_RETURN(settings.log_level, ParseSeverity(absl::GetFlag(FLAGS_log_level)));
  return settings;
}

}  // namespace

bool IsLoopback(const std::string& address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const std::string host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" || absl::StartsWith(host, "127.");
}

absl::StatusOr<Settings> ParseFlags(std::vector<std::string> arguments) {
  // Names may be written with dashes; the flag library knows underscores.
  for (size_t i = 1; i < arguments.size(); ++i) {
    std::string& argument = arguments[i];
    if (argument == "--") break;
    if (!absl::StartsWith(argument, "--")) continue;
    const auto end = argument.begin() +
                     static_cast<std::ptrdiff_t>(std::min(argument.find('='), argument.size()));
    std::replace(argument.begin() + 2, end, '-', '_');
  }
  absl::SetProgramUsageMessage(
      "serves Attune sessions: heartbeats in, live synchrony out.\n\n"
      "Flags may be written --like-this or --like_this. When it serves, one line of JSON on "
      "stdout\n"
      "tells the addresses. SIGTERM or SIGINT stops within 5 s (as one of many: hands its sessions "
      "to the\nothers first), a second one at once.\n\n"
      "  attuned --journal=sqlite:/var/lib/attune/attune.db --keys=/etc/attune/keys\n"
      "  attuned --cluster=redis://127.0.0.1 --advertise=node-a.example:7400 --keys=...");
  absl::FlagsUsageConfig config;
  config.contains_help_flags = [](absl::string_view file) {
    return absl::StrContains(file, "attuned/flags.cc");
  };
  config.contains_helpshort_flags = config.contains_help_flags;
  config.contains_helppackage_flags = config.contains_help_flags;
  config.version_string = [] { return absl::StrCat("attuned ", node::Options{}.build, "\n"); };
  absl::SetFlagsUsageConfig(config);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  const std::vector<char*> rest =
      absl::ParseCommandLine(static_cast<int>(argv.size()), argv.data());
  if (rest.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", rest[1], "\" is not a flag: attuned takes only flags, see --help"));
  }
  return FromFlags();
}

}  // namespace attune
