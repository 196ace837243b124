// The command line of attune-agent.
#ifndef ATTUNE_EDGE_AGENT_FLAGS_H_
#define ATTUNE_EDGE_AGENT_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/session.pb.h"
#include "edge/client/channel.h"

namespace attune::edge {

enum ExitCode {
  kExitDone = 0,       // session closed, everything delivered, or stopped by a signal
  kExitUsage = 2,      // command line, source or spool cannot be used
  kExitNotJoined = 3,  // the session could not be joined
  kExitRefused = 4,    // everybody was refused by the session
  kExitDeclined = 5,   // consent was not given at the question
};

struct PersonOptions {
  std::string source;  // see edge/source/spec.h
  std::string name;    // alias in the session
  std::string dyad;    // empty: none
  std::string token;   // instead of a join code
};

struct AgentOptions {
  bool help = false;
  std::vector<std::string> servers;
  ChannelOptions channel;
  std::string join_code;
  std::vector<PersonOptions> people;
  std::optional<std::vector<v1::Consent>> consents;  // absent: the default
  bool yes = false;
  std::string spool_folder;
  bool keep_spool = false;  // after the session is closed, unless the session forbids it
  bool quiet = false;
  std::optional<bool> json;  // absent: JSON unless standard output is a terminal
  bool exit_when_done = false;
};

// `arguments` without the program's name. `home`, `state_home`: $HOME and $XDG_STATE_HOME, for the
// default spool folder.
absl::StatusOr<AgentOptions> ParseFlags(const std::vector<std::string>& arguments,
                                        const std::string& home, const std::string& state_home);

std::string HelpText();

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_FLAGS_H_
