#include "edge/ctl/server.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "edge/client/backoff.h"
#include "edge/client/channel.h"
#include "edge/client/trace.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/base/keys.h"
#include "services/base/status_macros.h"
#include "services/base/token.h"

namespace attune::edge {
namespace {

constexpr const char* kDefaultServer = "127.0.0.1:7400";
constexpr int64_t kAttemptUs = 5'000'000;
constexpr int64_t kOperatorTokenUs = 60'000'000;  // one command's life

std::string WaysToAToken(v1::Role role) {
  switch (role) {
    case v1::ROLE_OPERATOR:
      return "Give --keys=FILE (the node's keys file), or an operator token with --token, "
             "--token-file or ATTUNE_TOKEN.";
    case v1::ROLE_PARTICIPANT:
      return "Give it with --token, --token-file or ATTUNE_TOKEN; `attunectl join` printed it.";
    default:
      return "Give it with --token, --token-file or ATTUNE_TOKEN; `attunectl create` printed it.";
  }
}

absl::StatusOr<std::string> FromFile(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line) || line.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--token-file=", path, " cannot be read or is empty."));
  }
  return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

absl::StatusOr<std::string> OperatorToken(const std::string& keys_file, Environment& environment) {
  const auto keys = LoadKeysFile(keys_file);
  if (!keys.ok()) return absl::FailedPreconditionError(keys.status().message());
  Claims claims;
  claims.role = std::string(kRoleOperator);
  claims.token_id = NewRequestId(environment.random);
  claims.expires_utc_us = environment.clock.UtcMicros() + kOperatorTokenUs;
  return SignToken(claims, keys->api.front());
}

absl::StatusOr<std::string> FindToken(const Args& args, Environment& environment, v1::Role role) {
  if (args.Has("token")) return args.Get("token");
  if (args.Has("token-file")) return FromFile(args.Get("token-file"));
  if (role == v1::ROLE_OPERATOR && args.Has("keys")) {
    return OperatorToken(args.Get("keys"), environment);
  }
  if (const auto token = environment.variable("ATTUNE_TOKEN"); token && !token->empty()) {
    return *token;
  }
  if (role == v1::ROLE_UNSPECIFIED) return std::string();
  const std::string article = role == v1::ROLE_OPERATOR ? "an " : "a ";
  return absl::InvalidArgumentError(
      absl::StrCat("This needs ", article, Word(role), " token. ", WaysToAToken(role)));
}

}  // namespace

std::string NewRequestId(RandomSource& random) { return absl::BytesToHexString(random.Bytes(16)); }

Server::Server(Environment& environment, std::string address, std::string token, v1::Role role,
               int64_t timeout_us, std::shared_ptr<grpc::Channel> channel)
    : environment_(&environment),
      address_(std::move(address)),
      token_(std::move(token)),
      role_(role),
      timeout_us_(timeout_us),
      channel_(std::move(channel)) {}

absl::StatusOr<Server> Server::Connect(const Args& args, Environment& environment, v1::Role role) {
  ATTUNE_ASSIGN_OR_RETURN(const double timeout_s, args.Real("timeout-s", 10, 0.1, 3600));
  ATTUNE_ASSIGN_OR_RETURN(std::string token, FindToken(args, environment, role));
  const std::string address = args.Has("server") ? args.Get("server") : kDefaultServer;
  ChannelOptions options;
  options.tls = args.Has("tls-ca");
  options.ca_file = args.Get("tls-ca");
  options.plaintext_on_network = args.Has("plaintext-on-network");
  auto channel = MakeChannel(address, options);
  if (!channel.ok()) return absl::InvalidArgumentError(channel.status().message());
  return Server(environment, address, std::move(token), role, static_cast<int64_t>(timeout_s * 1e6),
                *std::move(channel));
}

absl::Status Server::Retry(const std::function<grpc::Status(grpc::ClientContext*)>& attempt) {
  Backoff backoff(environment_->random);
  const int64_t until_us = environment_->clock.SteadyMicros() + timeout_us_;
  bool told = false;
  while (true) {
    const int64_t left_us = until_us - environment_->clock.SteadyMicros();
    grpc::ClientContext context;
    SendTrace(context, environment_->variable(kTraceparentVariable).value_or(""));
    if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::microseconds(std::clamp<int64_t>(left_us, 1, kAttemptUs)));
    const grpc::Status status = attempt(&context);
    if (status.ok()) return absl::OkStatus();
    const bool again = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                       status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    const int64_t delay_us = backoff.NextDelayUs();
    if (!again || environment_->clock.SteadyMicros() + delay_us >= until_us) {
      return InWords({static_cast<absl::StatusCode>(status.error_code()), status.error_message()});
    }
    if (!told && environment_->err_is_terminal) {
      environment_->err << "Cannot reach " << address_ << " yet, trying for "
                        << Span(timeout_us_ / 1'000'000 * 1'000'000) << " ...\n";
    }
    told = true;
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
  }
}

absl::Status Server::InWords(const absl::Status& status) const {
  const std::string said =
      Harmless(std::string_view(status.message().data(), status.message().size()));
  const auto refused = [](auto&&... parts) {
    return absl::FailedPreconditionError(absl::StrCat(parts...));
  };
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return status;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return absl::UnavailableError(absl::StrCat(
          "cannot reach ", address_, " (", said,
          "). Is attuned running there? Start it, or name another node with --server=HOST:PORT."));
    case absl::StatusCode::kUnauthenticated:
      return refused("the server does not accept the token: ", said, ". ", WaysToAToken(role_),
                     " `attunectl token --inspect=TOKEN` shows what it says.");
    case absl::StatusCode::kPermissionDenied:
      return refused("not allowed: ", said, ". This needs the token of the ", Word(role_),
                     "; `attunectl token --inspect=TOKEN` shows whose it is.");
    case absl::StatusCode::kNotFound:
      return refused(said, ". Look at the code or token, and at --server: ", address_, ".");
    case absl::StatusCode::kResourceExhausted:
      return refused(said, ". Wait a minute and try again.");
    case absl::StatusCode::kUnimplemented:
      return refused("this server does not know the call (", said,
                     "); attunectl and attuned should be of the same version.");
    default:
      return refused(said.empty() ? absl::StatusCodeToString(status.code()) : said);
  }
}

}  // namespace attune::edge
