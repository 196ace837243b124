// analyze.
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge/ctl/analysis.h"
#include "edge/ctl/analysis_csv.h"
#include "edge/ctl/command.h"
#include "edge/ctl/export_file.h"
#include "edge/ctl/measures.h"
#include "edge/ctl/recording.h"
#include "edge/ctl/report_text.h"
#include "edge/words/json.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/base/status_macros.h"
#include "services/synchrony/params.h"

namespace attune::edge {
namespace {

constexpr int64_t kProgressAfterUs = 1'000'000;
constexpr int64_t kProgressEveryUs = 200'000;

// "  43 %" on a terminal, once it takes longer than a moment.
class Progress {
 public:
  explicit Progress(Environment& environment)
      : environment_(environment), next_us_(environment.clock.SteadyMicros() + kProgressAfterUs) {}
  ~Progress() { End(); }
  void End() {
    if (shown_) environment_.err << "\r\x1b[K" << std::flush;
    shown_ = false;
  }
  void Show(double share) {
    if (!environment_.err_is_terminal || environment_.clock.SteadyMicros() < next_us_) return;
    next_us_ = environment_.clock.SteadyMicros() + kProgressEveryUs;
    environment_.err << "\r  " << Percent(share) << " " << std::flush;
    shown_ = true;
  }

 private:
  Environment& environment_;
  int64_t next_us_;
  bool shown_ = false;
};

struct Input {
  std::vector<Recording> recordings;
  std::optional<SessionExport> session;  // then there are no recordings

  std::map<uint32_t, std::string> Names() const {
    std::map<uint32_t, std::string> names;
    for (size_t i = 0; i < recordings.size(); ++i) {
      names[static_cast<uint32_t>(i) + 1] = recordings[i].name;
    }
    if (!session) return names;
    for (const v1::ExportPerson& person : session->head.people()) {
      names[person.participant()] = person.alias();
    }
    return names;
  }
};

absl::StatusOr<Input> Read(const std::vector<std::string>& paths) {
  Input input;
  for (const std::string& path : paths) {
    ATTUNE_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
    if (!LooksLikeExport(text)) {
      ATTUNE_ASSIGN_OR_RETURN(Recording recording, ParseRecording(path, text));
      input.recordings.push_back(std::move(recording));
      continue;
    }
    if (paths.size() > 1) {
      return absl::InvalidArgumentError(
          path + ": this is the export of a whole session; analyse it by itself");
    }
    auto session = ParseExport(text);
    if (!session.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", std::string(session.status().message())));
    }
    input.session = *std::move(session);
  }
  return input;
}

absl::StatusOr<AnalysisOptions> OptionsOf(const Args& args) {
  AnalysisOptions options;
  ATTUNE_ASSIGN_OR_RETURN(const std::string pairs, args.OneOf("pairs", {"all", "none"}));
  ATTUNE_ASSIGN_OR_RETURN(const double from_s, args.Real("from", 0, 0, 1e7));
  ATTUNE_ASSIGN_OR_RETURN(const double seconds, args.Real("seconds", 0, 1, 1e7));
  options.from_us = std::llround(from_s * 1e6);
  options.length_us = std::llround(seconds * 1e6);
  options.pairs = pairs == "all";
  if (args.Has("measures")) {
    ATTUNE_ASSIGN_OR_RETURN(options.measures, ParseMeasures(args.Get("measures")));
  }
  return options;
}

// Which measures CSV has lines of.
std::set<synchrony::Measure> ShownIn(const AnalysisOptions& options, const Input& input) {
  std::set<synchrony::Measure> shown;
  if (options.measures) {
    shown.insert(options.measures->begin(), options.measures->end());
    return shown;
  }
  for (const synchrony::MeasureInfo& info : synchrony::Catalogue()) {
    if (info.availability == synchrony::Availability::kCore) shown.insert(info.measure);
  }
  if (input.session) {
    const auto& asked = input.session->plan.measures;
    shown.insert(asked.begin(), asked.end());
  }
  return shown;
}

// What a reader of an export should know before comparing.
void Warn(const v1::ExportHead& head, std::ostream& err) {
  const std::string own = absl::StrCat(synchrony::kEngineVersion);
  if (head.engine_version() != own || head.params_hash() != synchrony::Params().Hash()) {
    err << "Note: the session's numbers were of version " << Harmless(head.engine_version())
        << ", these are of version " << own << ": they may differ from its report.\n";
  }
  if (head.left_out() > 0) {
    err << "Note: " << head.left_out()
        << (head.left_out() == 1 ? " person of the session is" : " people of the session are")
        << " not in this export. Values of the group, and what is above chance\n"
           "among pairs, are of those who are, and may differ from the session's report.\n";
  }
}

absl::Status RunAnalyze(const Args& args, Environment& environment) {
  if (args.Has("list-measures")) {
    environment.out << MeasuresTable();
    return absl::OkStatus();
  }
  if (args.operands().empty()) {
    return absl::InvalidArgumentError("'analyze' needs FILE... (or --list-measures).");
  }
  ATTUNE_ASSIGN_OR_RETURN(const std::string format,
                          args.OneOf("format", {"text", "json", "jsonl", "csv"}));
  ATTUNE_ASSIGN_OR_RETURN(const AnalysisOptions options, OptionsOf(args));
  const auto input = Read(args.operands());
  if (!input.ok()) return absl::FailedPreconditionError(input.status().message());
  if (input->session && (args.Has("from") || args.Has("seconds"))) {
    return absl::InvalidArgumentError(
        "--from and --seconds are for recordings; an export is analysed as a whole.");
  }
  Progress progress(environment);
  AnalysisHooks hooks;
  hooks.progress = [&](double share) { progress.Show(share); };
  CsvWriter csv(input->Names(), ShownIn(options, *input));
  if (format == "csv") {
    environment.out << CsvWriter::Header();
    hooks.frame = [&](const v1::Frame& frame) { environment.out << csv.Lines(frame); };
  } else if (format == "jsonl") {
    hooks.frame = [&](const v1::Frame& frame) { environment.out << JsonLine(frame) << "\n"; };
  }
  const auto analysis = input->session ? AnalyzeExport(*input->session, options, hooks)
                                       : AnalyzeRecordings(input->recordings, options, hooks);
  if (!analysis.ok()) return absl::FailedPreconditionError(analysis.status().message());
  progress.End();
  if (input->session) Warn(input->session->head, environment.err);
  if (format == "json") environment.out << PrettyJson(*analysis);
  if (format == "csv") environment.out << csv.Lines(*analysis);
  if (format == "text") environment.out << AnalysisText(*analysis);
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> AnalyzeCommands() {
  CommandSpec analyze;
  analyze.name = "analyze";
  analyze.summary = "the same numbers from recordings, without a server";
  analyze.operands = "FILE...";
  analyze.operands_max = kMaxRecordings;
  analyze.connects = false;
  analyze.description =
      "Runs recordings, aligned at their start, or the export of a session through the engine "
      "that\n"
      "live sessions use, second by second, and prints people, pairs and the group with their\n"
      "chance levels. From an export, the session's report comes out again to the last bit.\n"
      "  FILE.rr   one RR interval in milliseconds per line\n"
      "  FILE.csv  a header line, then a beat per line; columns rr_ms or rr_1024 (1/1024 s), and\n"
      "            perhaps t_session_s, t_s or time_s, arrival_s, gap_before (0 or 1)\n"
      "  FILE      what `attunectl export` wrote, alone";
  analyze.flags = {
      {"measures", "LIST",
       "names separated by commas, core (default) or all; core measures are\n"
       "always computed, those on request by phase, batch ones over the whole\n"
       "length; csv has lines of what is listed (exports: default is what the\n"
       "session asked for)"},
      {"list-measures", "", "explain all measures, and stop"},
      {"from", "SECONDS", "leave out what is before (recordings)"},
      {"seconds", "N", "use so much (recordings; default: all)"},
      {"pairs", "WHICH", "all (default) or none"},
      {"format", "FORMAT",
       "text (default); json: Analysis; jsonl: a Frame per tick;\n"
       "csv: a line per number and tick"},
  };
  analyze.examples = {
      "attunectl analyze ana.rr ben.rr",
      "attunectl analyze --from=600 --seconds=300 --format=csv *.rr > values.csv",
      "attunectl analyze --measures=sdnn_ms,susy_es,omega ana.rr ben.rr",
      "attunectl export --token=$T --out=session.csv && attunectl analyze session.csv"};
  return {{analyze, RunAnalyze}};
}

}  // namespace attune::edge
