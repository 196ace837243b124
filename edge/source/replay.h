// A recording played back by the session's clock.
//
// .rr: stamps are given. Beat k is at start + RR_2 + ... + RR_k, from the exact cumulative
// milliseconds, so that rounding to 1/1024 s does not add up. CSV with arrival times: the intervals
// "arrive" at start + (arrival - first arrival); the beat clock makes stamps from that.
#ifndef ATTUNE_EDGE_SOURCE_REPLAY_H_
#define ATTUNE_EDGE_SOURCE_REPLAY_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "edge/source/rr_file.h"
#include "edge/source/source.h"

namespace attune::edge {

struct ReplayOptions {
  std::string name;               // of the recording
  std::optional<double> at_s;     // session time of the first beat; else when the session is met
  double from_s = 0;              // skips so much of the recording
  std::optional<double> seconds;  // plays so much of it
  bool loop = false;              // begins again at its end
};

// INVALID_ARGUMENT when `from_s` leaves nothing.
absl::StatusOr<std::unique_ptr<Source>> MakeReplay(Recording recording,
                                                   const ReplayOptions& options);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_REPLAY_H_
