// Exports of sessions as files, format 1. Text, to be read by anybody:
//
//   # attune-export 1
//   # session {...}      one line: ExportHead but for what follows (see attune/v1/report.proto)
//   # phase {...}        one line each: Phase, Practice, Annotation, ExportPerson, ExportPair
//   # practice {...}
//   # annotation {...}
//   # person {...}
//   # pair {...}
//   participant,t_session_us,rr_1024,gap_before,jitter_us,offset_bound_us
//   1,812500,832,1,2000,20000
//
// The first line is that line; what stands after the words is protobuf JSON; other lines that begin
// with '#' are remarks. Then CSV: a header line and a line per beat, in any order of people, times
// of a person not decreasing. t_session_us is the time of the beat that ends the interval, in
// microseconds of session time; rr_1024 the interval in 1/1024 s; gap_before 1 when the beat does
// not follow the one before it without loss; jitter_us and offset_bound_us as in Timing. All
// numbers are whole, so nothing is lost on the way. Pure; thread-safe.
#ifndef ATTUNE_EDGE_CTL_EXPORT_FILE_H_
#define ATTUNE_EDGE_CTL_EXPORT_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "attune/v1/report.pb.h"
#include "services/synchrony/replay/plan.h"

namespace attune::edge {

inline constexpr size_t kMaxExportLine = 64 * 1024;

std::string ExportHeadText(const v1::ExportHead& head);
std::string ExportBeatsText(const v1::ExportBeats& beats);

struct SessionExport {
  v1::ExportHead head;
  synchrony::Plan plan;  // with all beats
};

// Does it begin as an export does?
bool LooksLikeExport(std::string_view text);

// INVALID_ARGUMENT naming the line and what is wrong with it.
absl::StatusOr<SessionExport> ParseExport(std::string_view text);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_EXPORT_FILE_H_
