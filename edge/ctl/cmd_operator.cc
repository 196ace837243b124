// token.
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "edge/ctl/command.h"
#include "edge/ctl/inspect.h"
#include "edge/ctl/server.h"
#include "services/base/keys.h"
#include "services/base/status_macros.h"
#include "services/base/token.h"

namespace attune::edge {
namespace {

constexpr double kMaxTtlS = 366.0 * 24 * 3600;

// "90s", "30m", "12h", "7d".
absl::StatusOr<double> ParseTtl(const std::string& text) {
  char* end = nullptr;
  const double amount = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  double unit_s = 0;
  if (unit == "s") unit_s = 1;
  if (unit == "m") unit_s = 60;
  if (unit == "h") unit_s = 3600;
  if (unit == "d") unit_s = 24 * 3600;
  const double seconds = amount * unit_s;
  if (!(seconds >= 1 && seconds <= kMaxTtlS)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--ttl=", text, " is not a time like 30m, 12h or 7d (at least 1s, at most a year)."));
  }
  return seconds;
}

absl::Status CreateKeys(const Args& args, Environment& environment) {
  const std::string path = args.Get("create-keys");
  const absl::Status status = CreateKeysFile(path, environment.random);
  if (!status.ok()) return absl::FailedPreconditionError(status.message());
  environment.out << "Wrote " << path
                  << " (readable by you alone). Start the node with --keys=" << path
                  << " and keep a copy where the database's backups are not.\n";
  return absl::OkStatus();
}

absl::StatusOr<Claims> WantedClaims(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string role, args.OneOf("role", {"operator", "facilitator",
                                                                      "participant", "observer"}));
  Claims claims;
  claims.role = role;
  claims.session_id = args.Get("session");
  ATTUNE_ASSIGN_OR_RETURN(const int64_t participant, args.Int("participant", 0, 1, UINT32_MAX));
  claims.participant = static_cast<uint32_t>(participant);
  claims.token_id = NewRequestId(environment.random);
  ATTUNE_ASSIGN_OR_RETURN(const double ttl_s, ParseTtl(args.Has("ttl") ? args.Get("ttl") : "12h"));
  claims.expires_utc_us = environment.clock.UtcMicros() + std::llround(ttl_s * 1e6);
  if (role == "operator" && !claims.session_id.empty()) {
    return absl::InvalidArgumentError("An operator token belongs to no session: leave --session.");
  }
  if (role != "operator" && claims.session_id.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("A ", role, " token needs --session=ID; `attunectl list` shows the ids."));
  }
  if ((role == "participant") != (participant != 0)) {
    return absl::InvalidArgumentError("--participant=N goes with --role=participant, and must.");
  }
  return claims;
}

absl::Status RunToken(const Args& args, Environment& environment) {
  if (args.Has("create-keys")) return CreateKeys(args, environment);
  std::optional<KeyRing> keys;
  if (args.Has("keys")) {
    auto loaded = LoadKeysFile(args.Get("keys"));
    if (!loaded.ok()) return absl::FailedPreconditionError(loaded.status().message());
    keys = *std::move(loaded);
  }
  if (args.Has("inspect")) {
    std::string token = args.Get("inspect");
    if (token == "-") std::getline(environment.in, token);
    ATTUNE_ASSIGN_OR_RETURN(const std::string text, InspectToken(token, keys ? &*keys : nullptr,
                                                                 environment.clock.UtcMicros()));
    environment.out << text;
    return absl::OkStatus();
  }
  if (!keys) {
    return absl::InvalidArgumentError(
        "Tokens are made from a keys file: --keys=FILE. `attunectl token --create-keys=FILE` "
        "writes a new one.");
  }
  ATTUNE_ASSIGN_OR_RETURN(const Claims claims, WantedClaims(args, environment));
  const auto token = SignToken(claims, keys->api.front());
  if (!token.ok()) return absl::InvalidArgumentError(token.status().message());
  environment.out << *token << "\n";
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> OperatorCommands() {
  CommandSpec token;
  token.name = "token";
  token.summary = "make or inspect tokens; make a keys file";
  token.connects = false;
  token.description =
      "Makes a token from a keys file and prints it. No server is asked. A token cannot be taken\n"
      "back before it expires, other than by its id on the server: keep --ttl short.";
  token.flags = {
      {"keys", "FILE", "the node's keys file"},
      {"role", "ROLE", "operator (default), facilitator, participant or observer"},
      {"session", "ID", "the session, for all roles but operator"},
      {"participant", "N", "the number in the session, for participants"},
      {"ttl", "TIME", "valid for so long: 90s, 30m, 12h, 7d (default 12h)"},
      {"inspect", "TOKEN",
       "show what a token says ('-': read it from the input); with\n"
       "--keys its signature and expiry are checked, and the exit code\n"
       "is 1 when it would be refused"},
      {"create-keys", "FILE", "write a new keys file; never overwrites"},
  };
  token.examples = {"attunectl token --create-keys=keys",
                    "attunectl token --keys=keys --role=facilitator --session=ID --ttl=2h",
                    "attunectl token --keys=keys --inspect=$T"};

  return {{token, RunToken}};
}

}  // namespace attune::edge
