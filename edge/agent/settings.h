// Settings before they mean anything: name, value, and where somebody wrote them, so that a mistake
// can be found. The same names everywhere:
//
//   --server-name=X        on the command line
//   ATTUNE_SERVER_NAME=X   in the environment; an empty variable says nothing
//   server-name = X        in a file
//
// A file holds one setting a line; the value is the rest of the line without the blanks around it.
// Lines that begin with # are comments. [person] begins a person of a hub; what stands in such a
// section is about that person.
#ifndef ATTUNE_EDGE_AGENT_SETTINGS_H_
#define ATTUNE_EDGE_AGENT_SETTINGS_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace attune::edge {

inline constexpr size_t kMostSettingsBytes = 1 << 20;  // of a file
inline constexpr char kPersonSection[] = "[person]";

struct Setting {
  std::string name;  // without dashes; kPersonSection: a person begins
  std::optional<std::string> value;
  std::string where;  // "--name", "ATTUNE_NAME", "agent.conf:3: name"
};

// The value of an environment variable; nullopt: not set.
using Variable = std::function<std::optional<std::string>(const std::string&)>;

// ATTUNE_SERVER_NAME for server-name.
std::string VariableNameOf(std::string_view setting);

// INVALID_ARGUMENT names file and line. `path` is used for words only.
absl::StatusOr<std::vector<Setting>> ParseSettings(const std::string& path, std::string_view text);

// A file as text. NOT_FOUND, or what the operating system says; INVALID_ARGUMENT when it is no text
// file of at most kMostSettingsBytes.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

// Whether somebody else than its owner may read the file.
bool OthersMayRead(const std::string& path);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_SETTINGS_H_
