#include "edge/agent/flags.h"

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/agent/consent.h"
#include "edge/client/uplink.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

constexpr size_t kMostAliasBytes = 160;  // 40 characters of at most 4 bytes

// --source, --name, --dyad and --token describe people in turn: one that is already there begins
// the next person.
std::string& Field(AgentOptions& options, std::string PersonOptions::*field) {
  if (options.people.empty() || !(options.people.back().*field).empty()) {
    options.people.emplace_back();
  }
  return options.people.back().*field;
}

absl::Status Complete(AgentOptions& options, const std::string& home,
                      const std::string& state_home) {
  if (options.servers.empty()) {
    return absl::InvalidArgumentError("--server is missing, for example --server=127.0.0.1:7400");
  }
  if (options.people.empty()) return absl::InvalidArgumentError("--source is missing");
  if (options.people.size() > kMostHandles) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", kMostHandles, " people in one agent"));
  }
  int from_stdin = 0, number = 0;
  for (PersonOptions& person : options.people) {
    ++number;
    if (person.source.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("person ", number, " has no --source: give one --source for each --name"));
    }
    from_stdin += person.source == "stdin";
    if (person.token.empty() == options.join_code.empty()) {
      return absl::InvalidArgumentError(
          "give --join=CODE for everybody, or one --token for each --source");
    }
    if (person.name.empty()) {
      person.name = options.people.size() == 1 ? "Guest" : absl::StrCat("Guest ", number);
    }
    if (person.name.size() > kMostAliasBytes) {
      return absl::InvalidArgumentError("--name is longer than 40 characters");
    }
  }
  if (from_stdin > 1) return absl::InvalidArgumentError("only one person can use stdin");
  if (options.spool_folder.empty()) {
    if (state_home.empty() && home.empty()) {
      return absl::InvalidArgumentError("neither $XDG_STATE_HOME nor $HOME is set: give --spool");
    }
    options.spool_folder =
        (state_home.empty() ? absl::StrCat(home, "/.local/state") : state_home) + "/attune";
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AgentOptions> ParseFlags(const std::vector<std::string>& arguments,
                                        const std::string& home, const std::string& state_home) {
  AgentOptions options;
  std::string consent_text, format;
  bool consent_given = false;
  const std::map<std::string, std::function<void(std::string)>> values = {
      {"server", [&](std::string v) { options.servers.push_back(std::move(v)); }},
      {"join", [&](std::string v) { options.join_code = std::move(v); }},
      {"token", [&](std::string v) { Field(options, &PersonOptions::token) = std::move(v); }},
      {"source", [&](std::string v) { Field(options, &PersonOptions::source) = std::move(v); }},
      {"name", [&](std::string v) { Field(options, &PersonOptions::name) = std::move(v); }},
      {"dyad", [&](std::string v) { Field(options, &PersonOptions::dyad) = std::move(v); }},
      {"consent",
       [&](std::string v) {
         consent_text = std::move(v);
         consent_given = true;
       }},
      {"spool", [&](std::string v) { options.spool_folder = std::move(v); }},
      {"format", [&](std::string v) { format = std::move(v); }},
      {"ca", [&](std::string v) { options.channel.ca_file = std::move(v); }},
      {"cert", [&](std::string v) { options.channel.client_cert_file = std::move(v); }},
      {"key", [&](std::string v) { options.channel.client_key_file = std::move(v); }},
      {"server-name", [&](std::string v) { options.channel.server_name = std::move(v); }},
  };
  const std::map<std::string, bool*> switches = {
      {"help", &options.help},
      {"yes", &options.yes},
      {"quiet", &options.quiet},
      {"keep", &options.keep_spool},
      {"exit-when-done", &options.exit_when_done},
      {"tls", &options.channel.tls},
      {"plaintext-on-network", &options.channel.plaintext_on_network},
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "-h") name = "--help";
    if (!name.starts_with("--")) {
      return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no flag; see --help"));
    }
    name.erase(0, 2);
    const size_t equals = name.find('=');
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    if (const auto flag = switches.find(name); flag != switches.end()) {
      if (value && *value != "true" && *value != "false") {
        return absl::InvalidArgumentError(absl::StrCat("--", name, " takes no value"));
      }
      *flag->second = !value || *value == "true";
      continue;
    }
    const auto flag = values.find(name);
    if (flag == values.end()) {
      return absl::InvalidArgumentError(absl::StrCat("no flag --", name, "; see --help"));
    }
    if (!value) {
      if (++i == arguments.size()) {
        return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
      }
      value = arguments[i];
    }
    if (value->empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " is empty"));
    }
    flag->second(*std::move(value));
  }
  if (options.help) return options;
  if (!format.empty()) {
    if (format != "text" && format != "json") {
      return absl::InvalidArgumentError("--format is text or json");
    }
    options.json = format == "json";
  }
  if (consent_given) {
    ATTUNE_ASSIGN_OR_RETURN(options.consents, ParseConsents(consent_text));
  }
  ATTUNE_RETURN_IF_ERROR(Complete(options, home, state_home));
  return options;
}

std::string HelpText() {
  return R"(attune-agent: sends heartbeats of one person, or of several, to an Attune session.

  attune-agent --server=HOST:PORT --join=CODE --source=SOURCE [--name=ALIAS] ...

Where to
  --server=HOST:PORT      a node; repeat to name others that are tried when it cannot be reached
  --tls                   encrypt; --ca=FILE trusts these certificates instead of the system's,
                          --cert=FILE --key=FILE show ours, --server-name=NAME is expected
  --plaintext-on-network  do not encrypt although the node is not on this machine

Who. Repeat --source (and what belongs to it) to be a hub for several people.
  --source=SOURCE   where the beats come from:
      replay:FILE[,at=S][,from=S][,seconds=N][,loop]
                    a recording: .rr (one interval in ms per line) or CSV (arrival_s,rr_ms).
                    at: session time of the first beat (else: when the session is met);
                    from: skip so much of it; seconds: play so much of it
      simulate[:seed=1,hr=64,resp=0.25,couple_seed=2,strength=0.8,lag_ms=500,missed=0.01,
               extra=0.005,ectopic=0.01,dropout_every_s=60,dropout_s=5,at=0,seconds=600]
                    a simulated heart; couple_seed: follows the simulated person with that seed
      stdin         lines: rr_ms, or arrival_s,rr_ms, or {"rr_ms":812.5}
  --name=ALIAS      shown in the session
  --dyad=WORD       two people who give the same word are a pair
  --join=CODE       the session's join code, or for each person
  --token=TOKEN     a participant token

What is agreed to
  --consent=LIST    of measure, group, pair:partner, pair:facilitator, individual:facilitator,
                    report; default measure,group,report and with --dyad also pair:partner
  --yes             do not ask (needed when standard input is no terminal)

How
  --spool=DIR       where beats are kept until the session is closed; default
                    $XDG_STATE_HOME/attune or ~/.local/state/attune
  --keep            keep the recording after the session is closed, if the session allows it
  --exit-when-done  end when every source is finished and everything is in the journal; else at
                    the close of the session
  --format=text|json  status each second; default text on a terminal, JSON lines otherwise
  --quiet           only the summary at the end
  --help            this text

Started again with the same --spool, --join and --name it is the same person and goes on where it
was. SIGINT or SIGTERM: sends what is there, says goodbye and ends; what was not acknowledged stays
in the spool.

Exit codes
  0  the session was closed, everything was delivered, or stopped by a signal
  2  the command line, a source or the spool cannot be used
  3  the session could not be joined
  4  the session refused everybody
  5  the question of consent was answered with no

Examples
  attune-agent --server=127.0.0.1:7400 --join=K7F3QX --source=replay:ana.rr --name=Ana
  attune-agent --server=127.0.0.1:7400 --join=K7F3QX --yes \
      --source=simulate:seed=1 --name=Ana --dyad=us \
      --source=simulate:seed=2,couple_seed=1,lag_ms=500 --name=Ben --dyad=us
  read-my-strap | attune-agent --server=node:7400 --tls --join=K7F3QX --yes --source=stdin
)";
}

}  // namespace attune::edge
