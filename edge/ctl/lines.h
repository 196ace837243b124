// Reading text files line by line: what the readers of recordings and exports share. Pure;
// thread-safe.
#ifndef ATTUNE_EDGE_CTL_LINES_H_
#define ATTUNE_EDGE_CTL_LINES_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace attune::edge {

// "line 7: what".
absl::Status LineError(size_t line, const std::string& what);

// Harmless, short and in quotes, for messages.
std::string Quoted(std::string_view text);

// Without blanks and a carriage return at either end.
std::string_view Trim(std::string_view text);

// Finite numbers only; the whole text.
std::optional<double> RealOf(std::string_view text);
std::optional<int64_t> WholeOf(std::string_view text);

// Of a CSV line; each trimmed and out of its quotes.
std::vector<std::string_view> Fields(std::string_view line);

// Calls `use(number of the line, its trimmed text)` for each line that is not empty, until it
// fails. A byte order mark is passed over; a line longer than `longest` is an error.
absl::Status ForEachLine(std::string_view text, size_t longest,
                         const std::function<absl::Status(size_t, std::string_view)>& use);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_LINES_H_
