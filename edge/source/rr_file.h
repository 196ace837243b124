// Recordings of intervals as text.
//
//   .rr   one interval in ms per line
//   CSV   first line names the columns: `arrival_s` (or any name with "arrival") and `rr_ms` or
//         `rr_1024`; other columns are ignored
//
// Lines that begin with '#' and empty lines are skipped. What is not a number is an error that
// names its line. A number that is no interval (0, negative, longer than 65535/1024 s) is kept as
// refused: time goes on by it if it is positive, and the next beat follows a gap.
#ifndef ATTUNE_EDGE_SOURCE_RR_FILE_H_
#define ATTUNE_EDGE_SOURCE_RR_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace attune::edge {

inline constexpr size_t kMostFileBytes = 64 * 1024 * 1024;
inline constexpr size_t kMostIntervals = 2'000'000;
// Longer than a day is no interval and no pause of one recording either.
inline constexpr double kMostIntervalMs = 86'400'000;

struct RecordedInterval {
  double rr_ms = 0;      // as recorded; the unrounded value carries the time
  uint32_t rr_1024 = 0;  // 0: refused
  double arrival_s = 0;  // CSV only; not decreasing
  uint32_t line = 0;     // in the file, from 1
};

struct Recording {
  bool has_arrivals = false;
  std::vector<RecordedInterval> intervals;
  std::vector<std::string> warnings;  // at most kMostWarnings
  uint64_t refused = 0;
};
inline constexpr size_t kMostWarnings = 20;

// `name` is for messages. INVALID_ARGUMENT says the line and what is expected there.
absl::StatusOr<Recording> ParseRecording(std::string_view text, std::string_view name);

// Reads and parses; NOT_FOUND when the file cannot be read.
absl::StatusOr<Recording> ReadRecording(const std::string& path);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_RR_FILE_H_
