// The commands of attunectl and what they run in.
#ifndef ATTUNE_EDGE_CTL_COMMAND_H_
#define ATTUNE_EDGE_CTL_COMMAND_H_

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "edge/ctl/args.h"
#include "services/base/clock.h"
#include "services/base/random.h"

namespace attune::edge {

// The environment variable whose W3C traceparent all calls of an invocation belong to.
inline constexpr char kTraceparentVariable[] = "TRACEPARENT";

enum ExitCode { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitUnreachable = 3 };

// The world outside, injected. Everything outlives the command.
struct Environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  const Clock& clock;
  RandomSource& random;                                                    // fit for keys
  std::function<std::optional<std::string>(const std::string&)> variable;  // environment variables
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

// INVALID_ARGUMENT: wrong usage. UNAVAILABLE: the server cannot be reached. Anything else: refused
// or failed. Messages say what to do next.
using CommandFunction = absl::Status (*)(const Args&, Environment&);

struct Command {
  CommandSpec spec;
  CommandFunction run;
};

// One function per group of commands; each in its own file.
std::vector<Command> SessionCommands();      // create, list, end
std::vector<Command> ParticipantCommands();  // join, consent, measure, leave, erase
std::vector<Command> SteerCommands();        // mark, practice
std::vector<Command> WatchCommands();        // watch
std::vector<Command> ReportCommands();       // report
std::vector<Command> ExportCommands();       // export
std::vector<Command> AnalyzeCommands();      // analyze
std::vector<Command> OperatorCommands();     // token
std::vector<Command> NodeCommands();         // node

// Runs `arguments` (without the program's name) and returns an ExitCode.
int RunCtl(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_COMMAND_H_
