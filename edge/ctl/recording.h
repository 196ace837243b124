// Recordings of one person's heartbeats, from files.
//
//   name.rr   one RR interval in milliseconds per line
//   name.csv  a header line, then one beat per line. Columns, in any order, others are ignored:
//               rr_ms or rr_1024    the interval that ends at the beat (needed)
//               t_session_s, t_s or time_s
//                                   the time of the beat; without one, intervals follow each other
//               a name with "arrival"
//                                   when the beat was received, in seconds; only tells of losses:
//                                   time that intervals do not account for is a gap
//               gap_before          1: does not follow the beat before it without loss
//
// In both, empty lines and lines that begin with '#' are skipped, and a point is the decimal sign.
// Times are shifted so that the first interval begins at 0. Thread-safe: no state.
#ifndef ATTUNE_EDGE_CTL_RECORDING_H_
#define ATTUNE_EDGE_CTL_RECORDING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/synchrony/numbers.h"

namespace attune::edge {

inline constexpr size_t kMaxRecordingBytes = 64 * 1024 * 1024;
inline constexpr size_t kMaxRecordingLine = 4096;
inline constexpr size_t kMaxRecordingBeats = 2'000'000;  // more than a week
inline constexpr int64_t kMaxRecordingUs = int64_t{31} * 86'400 * 1'000'000;
inline constexpr double kMaxRrMs = 63'999;         // what 1/1024 s in 16 bits hold
inline constexpr double kMaxPauseMs = 86'400'000;  // longer than kMaxRrMs is no interval but a gap

struct Recording {
  std::string name;                    // of the file, without folder and ending
  std::vector<synchrony::Beat> beats;  // times ascending; at least one
  int64_t length_us = 0;               // time of the last beat
};

// INVALID_ARGUMENT naming the line and what is wrong with it.
absl::StatusOr<Recording> ParseRr(std::string_view text);
absl::StatusOr<Recording> ParseBeatsCsv(std::string_view text);

// What the file at `path` holds. The path is part of every error.
absl::StatusOr<std::string> ReadText(const std::string& path);
// Chooses by the ending of `path` (".csv", everything else is RR text); it is part of every error.
absl::StatusOr<Recording> ParseRecording(const std::string& path, std::string_view text);
absl::StatusOr<Recording> ReadRecording(const std::string& path);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_RECORDING_H_
