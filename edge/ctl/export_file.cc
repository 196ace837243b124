#include "edge/ctl/export_file.h"

#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge/ctl/lines.h"
#include "edge/ctl/recording.h"
#include "edge/words/json.h"
#include "services/base/status_macros.h"
#include "services/messages/plan.h"

namespace attune::edge {
namespace {

constexpr std::string_view kMagic = "# attune-export ";
constexpr std::string_view kFirstLine = "# attune-export 1";
constexpr std::string_view kColumns =
    "participant,t_session_us,rr_1024,gap_before,jitter_us,offset_bound_us";

template <typename Messages>
void AppendEach(std::string_view word, const Messages& messages, std::string& out) {
  for (const auto& message : messages) {
    absl::StrAppend(&out, "# ", std::string(word), " ", JsonLine(message), "\n");
  }
}

absl::Status FromJson(size_t line, std::string_view json, google::protobuf::Message& message) {
  const auto status =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &message);
  if (status.ok()) return absl::OkStatus();
  return LineError(line, "cannot be read (a newer attunectl may have written it): " +
                             Quoted(std::string(status.message())));
}

// One line of the head; words that are none of ours are remarks.
absl::Status ReadHeadLine(size_t line, std::string_view text, v1::ExportHead& head) {
  text = Trim(text.substr(1));
  const size_t blank = text.find(' ');
  const std::string_view word = text.substr(0, blank);
  if (blank == std::string_view::npos || Trim(text.substr(blank)).front() != '{') {
    return absl::OkStatus();
  }
  const std::string_view json = Trim(text.substr(blank));
  if (word == "session") {
    v1::ExportHead session;
    ATTUNE_RETURN_IF_ERROR(FromJson(line, json, session));
    head.MergeFrom(session);
    return absl::OkStatus();
  }
  if (word == "phase") return FromJson(line, json, *head.add_phases());
  if (word == "practice") return FromJson(line, json, *head.add_practices());
  if (word == "annotation") return FromJson(line, json, *head.add_annotations());
  if (word == "person") return FromJson(line, json, *head.add_people());
  if (word == "pair") return FromJson(line, json, *head.add_pairs());
  return absl::OkStatus();
}

// A whole number within [min, max].
absl::StatusOr<int64_t> Whole(size_t line, std::string_view text, const char* column, int64_t min,
                              int64_t max) {
  const std::optional<int64_t> value = WholeOf(text);
  if (!value || *value < min || *value > max) {
    return LineError(line, absl::StrCat(Quoted(text), " in ", column,
                                        " is not a whole number from ", min, " to ", max));
  }
  return *value;
}

absl::Status ReadBeat(size_t line, std::string_view text, synchrony::Plan& plan) {
  const std::vector<std::string_view> fields = Fields(text);
  if (fields.size() != 6) {
    return LineError(line, absl::StrCat("has ", fields.size(), " fields, not 6"));
  }
  constexpr int64_t kInt32Most = std::numeric_limits<int32_t>::max();
  synchrony::TimedBeat timed;
  ATTUNE_ASSIGN_OR_RETURN(const int64_t participant,
                          Whole(line, fields[0], "participant", 1, kInt32Most));
  ATTUNE_ASSIGN_OR_RETURN(timed.beat.time_us,
                          Whole(line, fields[1], "t_session_us", 0, messages::kExportLengthMostUs));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t rr_1024, Whole(line, fields[2], "rr_1024", 1, 65535));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t gap, Whole(line, fields[3], "gap_before", 0, 1));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t jitter, Whole(line, fields[4], "jitter_us", 0, kInt32Most));
  ATTUNE_ASSIGN_OR_RETURN(const int64_t offset,
                          Whole(line, fields[5], "offset_bound_us", 0, kInt32Most));
  timed.beat.rr_1024 = static_cast<uint16_t>(rr_1024);
  timed.beat.gap_before = gap == 1;
  timed.timing = {static_cast<int32_t>(jitter), static_cast<int32_t>(offset)};
  const absl::Status added = messages::AddBeat(static_cast<uint32_t>(participant), timed, plan);
  return added.ok() ? added : LineError(line, std::string(added.message()));
}

}  // namespace

std::string ExportHeadText(const v1::ExportHead& head) {
  v1::ExportHead session = head;
  session.clear_phases();
  session.clear_practices();
  session.clear_annotations();
  session.clear_people();
  session.clear_pairs();
  std::string out = absl::StrCat(
      std::string(kFirstLine), "\n",
      "# Raw heartbeats of one session. `attunectl analyze FILE` computes its numbers again;\n"
      "# everything else that reads CSV may skip the lines that begin with '#'.\n",
      "# session ", JsonLine(session), "\n");
  AppendEach("phase", head.phases(), out);
  AppendEach("practice", head.practices(), out);
  AppendEach("annotation", head.annotations(), out);
  AppendEach("person", head.people(), out);
  AppendEach("pair", head.pairs(), out);
  absl::StrAppend(&out, std::string(kColumns), "\n");
  return out;
}

std::string ExportBeatsText(const v1::ExportBeats& beats) {
  std::string out;
  int gap = 0;
  for (int i = 0; i < beats.time_session_us_size(); ++i) {
    const bool is_gap =
        gap < beats.gap_before_size() && beats.gap_before(gap) == static_cast<uint32_t>(i);
    gap += is_gap;
    absl::StrAppend(&out, beats.participant(), ",", beats.time_session_us(i), ",", beats.rr_1024(i),
                    ",", is_gap ? 1 : 0, ",", beats.jitter_us(i), ",", beats.offset_bound_us(i),
                    "\n");
  }
  return out;
}

bool LooksLikeExport(std::string_view text) { return text.substr(0, kMagic.size()) == kMagic; }

absl::StatusOr<SessionExport> ParseExport(std::string_view text) {
  SessionExport out;
  bool in_beats = false;
  size_t beats = 0;
  ATTUNE_RETURN_IF_ERROR(
      ForEachLine(text, kMaxExportLine, [&](size_t line, std::string_view row) -> absl::Status {
        if (line == 1) {
          if (row == kFirstLine) return absl::OkStatus();
          return LineError(1, "this attunectl reads exports of format 1, not " + Quoted(row));
        }
        if (row.front() == '#') {
          return in_beats ? absl::OkStatus() : ReadHeadLine(line, row, out.head);
        }
        if (!in_beats) {
          if (row != kColumns) {
            return LineError(line, "the header is not " + std::string(kColumns));
          }
          in_beats = true;
          auto plan = messages::PlanOf(out.head);
          if (!plan.ok()) return LineError(line, "above: " + std::string(plan.status().message()));
          out.plan = *std::move(plan);
          return absl::OkStatus();
        }
        if (++beats > kMaxRecordingBeats) {
          return LineError(line, absl::StrCat("more than ", kMaxRecordingBeats, " beats"));
        }
        return ReadBeat(line, row, out.plan);
      }));
  if (!in_beats) return absl::InvalidArgumentError("ends before its beats begin");
  return out;
}

}  // namespace attune::edge
