// Intervals from a program that writes lines, on standard input for example:
//
//   812.5                          interval in ms, arrived now
//   12.25,812.5                    arrival in seconds on the writer's clock, interval in ms
//   {"rr_ms":812.5}                JSON; "arrival_s" may be given too
//
// A line that is none of these is reported, counted and skipped; the next interval follows a gap.
#ifndef ATTUNE_EDGE_SOURCE_LINE_SOURCE_H_
#define ATTUNE_EDGE_SOURCE_LINE_SOURCE_H_

#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "edge/source/source.h"

namespace attune::edge {

inline constexpr size_t kMostLineBytes = 1024;

struct LiveLine {
  std::optional<double> arrival_s;
  uint32_t rr_1024 = 0;
};
// INVALID_ARGUMENT says what is wrong with the line.
absl::StatusOr<LiveLine> ParseLiveLine(std::string_view line);

// Reads `fd` without blocking; it is made non-blocking and not closed.
std::unique_ptr<Source> MakeLineSource(int fd);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_LINE_SOURCE_H_
