// Text for terminals: what other people chose (aliases, titles, labels, messages) is made harmless,
// and everything is measured in terminal columns. Pure functions; thread-safe.
#ifndef ATTUNE_EDGE_WORDS_TEXT_H_
#define ATTUNE_EDGE_WORDS_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace attune::edge {

// Columns that `code_point` takes: 0 (combining), 1 or 2 (East Asian wide, emoji).
int CodePointWidth(uint32_t code_point);

// Columns of UTF-8 `text` without escape sequences; an invalid byte counts as one column.
int Width(std::string_view text);

// `text` with nothing that can steer a terminal or reorder a line: control characters and invalid
// bytes become U+FFFD ('?' with `ascii`), invisible and direction marks go, at most two combining
// marks stay on a letter. With `ascii`, everything beyond ASCII becomes '?'.
std::string Harmless(std::string_view text, bool ascii = false);

// Cut to at most `columns`, the last one then an ellipsis ('~' with `ascii`).
std::string Cut(std::string_view text, int columns, bool ascii = false);

// Cut or filled with blanks to exactly `columns`.
std::string Left(std::string_view text, int columns, bool ascii = false);
std::string Right(std::string_view text, int columns, bool ascii = false);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_WORDS_TEXT_H_
