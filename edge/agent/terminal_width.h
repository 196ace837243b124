// What a terminal can show. Asked each time: it may be resized.
#ifndef ATTUNE_EDGE_AGENT_TERMINAL_WIDTH_H_
#define ATTUNE_EDGE_AGENT_TERMINAL_WIDTH_H_

namespace attune::edge {

inline constexpr int kDefaultColumns = 80;

// Columns of the terminal that `fd` is; else $COLUMNS; else kDefaultColumns.
int TerminalColumns(int fd);
// Whether `fd` is a terminal that understands escape sequences.
bool TakesEscapes(int fd);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_TERMINAL_WIDTH_H_
