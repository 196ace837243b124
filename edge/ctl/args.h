// Arguments of one command: which flags it knows, what was given, and its help text.
// Pure; thread-safe.
#ifndef ATTUNE_EDGE_CTL_ARGS_H_
#define ATTUNE_EDGE_CTL_ARGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace attune::edge {

struct FlagSpec {
  std::string name;   // without the dashes
  std::string value;  // how its value is called; empty: a switch
  std::string help;   // one line, or more with '\n'
};

struct CommandSpec {
  std::string name;
  std::string summary;   // one line, for the list of commands
  std::string operands;  // how what is not a flag is called: "FILE..."
  int operands_min = 0;
  int operands_max = 0;
  std::string description;      // what it does, a few lines
  std::vector<FlagSpec> flags;  // its own
  std::vector<std::string> examples;
  bool connects = true;  // also knows the flags for the server
};

class Args {
 public:
  bool Has(std::string_view flag) const;
  // Empty when not given.
  std::string Get(std::string_view flag) const;
  std::vector<std::string> All(std::string_view flag) const;  // in the order given
  const std::vector<std::string>& operands() const { return operands_; }

  // The number given, or `otherwise`; InvalidArgument naming the flag when it is not a number
  // within [min, max].
  absl::StatusOr<int64_t> Int(std::string_view flag, int64_t otherwise, int64_t min,
                              int64_t max) const;
  absl::StatusOr<double> Real(std::string_view flag, double otherwise, double min,
                              double max) const;
  // The value given, or `allowed[0]`; InvalidArgument when it is none of them.
  absl::StatusOr<std::string> OneOf(std::string_view flag,
                                    const std::vector<std::string>& allowed) const;

 private:
  friend absl::StatusOr<Args> ParseArgs(const CommandSpec&, const std::vector<std::string>&);
  std::map<std::string, std::vector<std::string>, std::less<>> flags_;
  std::vector<std::string> operands_;
};

// Flags that every command has, and those of commands that talk to a server.
const std::vector<FlagSpec>& CommonFlags();
const std::vector<FlagSpec>& ServerFlags();

// `--flag=value`, `--flag value`, `--switch`; "--" ends the flags. InvalidArgument in words, with
// the nearest known flag when one is misspelt.
absl::StatusOr<Args> ParseArgs(const CommandSpec& spec, const std::vector<std::string>& arguments);

// The whole help of one command.
std::string HelpText(const CommandSpec& spec);

// The candidate nearest to `word`, when it is near enough to be a slip of the finger.
std::optional<std::string> Nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_ARGS_H_
