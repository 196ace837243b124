// The one line that a terminal shows while the agent runs: what a participant looks at to know that
// all is well, made to fit. What is least needed goes first when there is little room. Pure
// functions; thread-safe.
#ifndef ATTUNE_EDGE_AGENT_LIVE_LINE_H_
#define ATTUNE_EDGE_AGENT_LIVE_LINE_H_

#include <string>

#include "edge/agent/agent_status.h"

namespace attune::edge {

// Age at which a number is no longer shown as if it were now.
inline constexpr int64_t kStaleMs = 10'000;

// At most `columns` wide, without control characters but for colours if `colour`. One person in
// full; several: how many are well, those who are not first, then as many as fit.
std::string LiveLine(const AgentStatus& status, int columns, bool colour);

// Bytes that bring a terminal of `columns` from a last line that was `before` columns wide to one
// that reads `line`. Nothing is blanked before it is written over. A terminal that has become
// narrower has broken the old line into several.
std::string Rewrite(int before, const std::string& line, int columns);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_LIVE_LINE_H_
