// What attune-agent is told: by its command line, its environment and a file, in this order of
// precedence. Names and places: settings.h. What each means: help.cc.
//
// A single value of a higher place replaces that of a lower one; so does a list of servers. People:
// when the higher place names a source, its people replace those of the lower one; one person is
// completed field by field. A join code of a higher place replaces tokens of a lower one and the
// reverse.
#ifndef ATTUNE_EDGE_AGENT_FLAGS_H_
#define ATTUNE_EDGE_AGENT_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/session.pb.h"
#include "edge/agent/settings.h"
#include "edge/client/channel.h"

namespace attune::edge {

enum ExitCode {
  kExitDone = 0,        // session closed, everything delivered, or stopped by a signal
  kExitUsage = 2,       // command line, source or spool cannot be used
  kExitNotJoined = 3,   // the session could not be joined
  kExitRefused = 4,     // everybody was refused by the session
  kExitDeclined = 5,    // consent was not given at the question
  kExitProblem = 6,     // check: something is wrong; scan: Bluetooth cannot be used
  kExitUnfinished = 7,  // check: nothing is wrong, but something could not be seen
};

enum class Command { kRun, kCheck, kScan };

struct PersonOptions {
  std::string source;    // see edge/source/spec.h
  std::string name;      // alias in the session
  std::string dyad;      // empty: none
  std::string token;     // instead of a join code
  std::string socket{};  // where other programs read what is for this person; empty: nowhere
};

struct AgentOptions {
  Command command = Command::kRun;
  bool help = false;
  bool version = false;
  std::vector<std::string> servers;
  ChannelOptions channel;
  std::string join_code;
  std::vector<PersonOptions> people;
  std::optional<std::vector<v1::Consent>> consents;  // absent: the default
  bool yes = false;
  std::string spool_folder;
  bool keep_spool = false;  // after the session is closed, unless the session forbids it
  bool quiet = false;
  bool notes_only = false;   // what happens, no values: for logs
  std::optional<bool> json;  // absent: JSON unless standard output is a terminal
  bool exit_when_done = false;
  bool lsl = false;         // beats and markers as Lab Streaming Layer streams
  std::string lsl_library;  // see LslLibrary::Load
  int scan_seconds = 10;
  std::vector<std::string> warnings;  // to be said before anything else
};

// `arguments` without the program's name. Reads the files that they name. For `check` server, join
// code and token may be missing, for `scan` everything.
absl::StatusOr<AgentOptions> ParseFlags(const std::vector<std::string>& arguments,
                                        const Variable& variable);

// Every name that ParseFlags knows, for tests and the help.
std::vector<std::string> SettingNames();

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_FLAGS_H_
