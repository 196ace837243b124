// Finds the command, parses, runs, and turns its status into words and an exit code.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "edge/ctl/command.h"

namespace attune::edge {
namespace {

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  for (const auto group :
       {SessionCommands, ParticipantCommands, SteerCommands, WatchCommands, ReportCommands,
        ExportCommands, AnalyzeCommands, OperatorCommands, NodeCommands}) {
    for (Command& command : group()) all.push_back(std::move(command));
  }
  return all;
}

void PrintOverview(const std::vector<Command>& commands, std::ostream& out) {
  out << "attunectl - creates, watches and ends sessions in which hearts may move together\n\n"
         "Usage: attunectl COMMAND [FLAGS]\n\nCommands:\n";
  for (const Command& command : commands) {
    out << "  " << command.spec.name << std::string(12 - command.spec.name.size(), ' ')
        << command.spec.summary << "\n";
  }
  out << "\n`attunectl COMMAND --help` tells everything about one of them.\n"
         "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 server not reachable.\n";
}

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kUnavailable:
      return kExitUnreachable;
    default:
      return kExitFailed;
  }
}

}  // namespace

int RunCtl(const std::vector<std::string>& arguments, Environment& environment) {
  const std::vector<Command> commands = AllCommands();
  if (arguments.empty()) {
    PrintOverview(commands, environment.err);
    return kExitUsage;
  }
  const std::string& name = arguments[0];
  if (name == "--help" || name == "-h" || name == "help") {
    PrintOverview(commands, environment.out);
    return kExitOk;
  }
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command& c) { return c.spec.name == name; });
  if (command == commands.end()) {
    std::vector<std::string> names;
    for (const Command& c : commands) names.push_back(c.spec.name);
    const auto nearest = Nearest(name, names);
    environment.err << "attunectl: there is no command '" << name << "'"
                    << (nearest ? "; did you mean " + *nearest + "?" : ".")
                    << " `attunectl --help` lists them.\n";
    return kExitUsage;
  }
  const auto args =
      ParseArgs(command->spec, std::vector<std::string>(arguments.begin() + 1, arguments.end()));
  if (args.ok() && args->Has("help")) {
    environment.out << HelpText(command->spec);
    return kExitOk;
  }
  const absl::Status status = args.ok() ? command->run(*args, environment) : args.status();
  environment.out.flush();
  if (!status.ok()) {
    environment.err << "attunectl " << name << ": " << std::string(status.message()) << "\n";
  }
  return ExitCodeOf(status);
}

}  // namespace attune::edge
