// Runs recordings through the synchrony engine as if they came live: the same engine, tick by tick.
// No clock, no I/O; one thread per call.
#ifndef ATTUNE_EDGE_CTL_ANALYSIS_H_
#define ATTUNE_EDGE_CTL_ANALYSIS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/analysis.pb.h"
#include "attune/v1/live.pb.h"
#include "edge/ctl/recording.h"

namespace attune::edge {

inline constexpr size_t kMaxRecordings = 100;
inline constexpr int64_t kAnalysisTickUs = 1'000'000;

struct AnalysisOptions {
  int64_t from_us = 0;    // leave out what is before, in every recording
  int64_t length_us = 0;  // and what comes so long after that; 0: nothing
  bool pairs = true;      // every pair; group values are always there
};

struct AnalysisHooks {
  std::function<void(const v1::Frame&)> frame;  // each tick; may be empty
  std::function<void(double)> progress;         // share done, 0..1, each tick; may be empty
};

// Participant 1 is the first recording, and so on. Phase values are means over the ticks that have
// a value; `artefacts` counts over whole windows of the live artefact share. INVALID_ARGUMENT for
// no recording, too many, or none with beats in the chosen part.
absl::StatusOr<v1::Analysis> Analyze(const std::vector<Recording>& recordings,
                                     const AnalysisOptions& options, const AnalysisHooks& hooks);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_ANALYSIS_H_
