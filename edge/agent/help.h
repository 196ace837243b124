// What attune-agent says of itself.
#ifndef ATTUNE_EDGE_AGENT_HELP_H_
#define ATTUNE_EDGE_AGENT_HELP_H_

#include <string>

namespace attune::edge {

inline constexpr char kAgentVersion[] = "attune-agent/0.1";

std::string HelpText();
std::string VersionText();

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_HELP_H_
