// Runs recordings, or a session's export, through the synchrony engine as if they came live: the
// same engine, tick by tick, and summed up by the code that makes a session's report
// (services/synchrony/replay). No clock, no I/O; one thread per call.
#ifndef ATTUNE_EDGE_CTL_ANALYSIS_H_
#define ATTUNE_EDGE_CTL_ANALYSIS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/analysis.pb.h"
#include "attune/v1/live.pb.h"
#include "edge/ctl/export_file.h"
#include "edge/ctl/recording.h"
#include "services/synchrony/measure.h"

namespace attune::edge {

inline constexpr size_t kMaxRecordings = 100;
inline constexpr int64_t kAnalysisTickUs = 1'000'000;

struct AnalysisOptions {
  int64_t from_us = 0;    // recordings: leave out what is before, in every one
  int64_t length_us = 0;  // recordings: and what comes so long after that; 0: nothing
  bool pairs = true;      // every pair; group values are always there
  // Beyond the core: on request, tick by tick and by phase; batch, over the whole length. Absent:
  // none for recordings, what the session asked for with exports.
  std::optional<std::vector<synchrony::Measure>> measures = std::nullopt;
};

struct AnalysisHooks {
  std::function<void(const v1::Frame&)> frame;  // each tick; may be empty
  std::function<void(double)> progress;         // share done, 0..1, each tick; may be empty
};

// Participant 1 is the first recording, and so on; one phase. INVALID_ARGUMENT for no recording,
// too many, or none with beats in the chosen part.
absl::StatusOr<v1::Analysis> AnalyzeRecordings(const std::vector<Recording>& recordings,
                                               const AnalysisOptions& options,
                                               const AnalysisHooks& hooks);

// The report comes out as the session's own, to the last bit, as far as everybody's beats are
// there. INVALID_ARGUMENT when there is not one tick.
absl::StatusOr<v1::Analysis> AnalyzeExport(const SessionExport& session,
                                           const AnalysisOptions& options,
                                           const AnalysisHooks& hooks);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_ANALYSIS_H_
