// analyze.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge/ctl/analysis.h"
#include "edge/ctl/analysis_csv.h"
#include "edge/ctl/command.h"
#include "edge/ctl/output.h"
#include "edge/ctl/recording.h"
#include "edge/ctl/report_text.h"
#include "edge/ctl/words.h"
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
  ~Progress() {
    if (shown_) environment_.err << "\r\x1b[K" << std::flush;
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

// Among many pairs the smallest p that the shifts can give may not be small enough for any one.
std::string ManyPairsNote(const v1::Analysis& analysis) {
  const auto& pairs = analysis.last_frame().pairs();
  uint32_t shifts = 0;
  for (const v1::PairFrame& pair : pairs) {
    shifts = std::max(shifts, pair.r_mean_windowed().chance().shifts());
  }
  if (shifts == 0 || pairs.size() < 2) return "";
  const double alpha = synchrony::Params().alpha;
  if (1.0 / (shifts + 1.0) <= alpha / pairs.size()) return "";
  return absl::StrCat(
      "\nNote: ", pairs.size(), " pairs are tested together against ", shifts,
      " shifts each. After correction for so many, one coupled pair\nalone cannot "
      "come out above chance; analyse fewer people at a time to ask about a pair.\n");
}

absl::Status RunAnalyze(const Args& args, Environment& environment) {
  ATTUNE_ASSIGN_OR_RETURN(const std::string format,
                          args.OneOf("format", {"text", "json", "jsonl", "csv"}));
  ATTUNE_ASSIGN_OR_RETURN(const std::string pairs, args.OneOf("pairs", {"all", "none"}));
  AnalysisOptions options;
  ATTUNE_ASSIGN_OR_RETURN(const double from_s, args.Real("from", 0, 0, 1e7));
  ATTUNE_ASSIGN_OR_RETURN(const double seconds, args.Real("seconds", 0, 1, 1e7));
  options.from_us = std::llround(from_s * 1e6);
  options.length_us = std::llround(seconds * 1e6);
  options.pairs = pairs == "all";
  std::vector<Recording> recordings;
  std::vector<std::string> names;
  for (const std::string& path : args.operands()) {
    auto recording = ReadRecording(path);
    if (!recording.ok()) return absl::FailedPreconditionError(recording.status().message());
    names.push_back(recording->name);
    recordings.push_back(*std::move(recording));
  }
  Progress progress(environment);
  AnalysisHooks hooks;
  hooks.progress = [&](double share) { progress.Show(share); };
  if (format == "csv") {
    environment.out << CsvHeader();
    hooks.frame = [&](const v1::Frame& frame) { environment.out << CsvLines(frame, names); };
  } else if (format == "jsonl") {
    hooks.frame = [&](const v1::Frame& frame) { environment.out << JsonLine(frame) << "\n"; };
  }
  const auto analysis = Analyze(recordings, options, hooks);
  if (!analysis.ok()) return absl::FailedPreconditionError(analysis.status().message());
  if (format == "json") environment.out << PrettyJson(*analysis);
  if (format == "text") environment.out << AnalysisText(*analysis) << ManyPairsNote(*analysis);
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> AnalyzeCommands() {
  CommandSpec analyze;
  analyze.name = "analyze";
  analyze.summary = "the same numbers from recordings, without a server";
  analyze.operands = "FILE...";
  analyze.operands_min = 1;
  analyze.operands_max = kMaxRecordings;
  analyze.connects = false;
  analyze.description =
      "Runs recordings, aligned at their start, through the engine that live sessions use, second "
      "by\n"
      "second, and prints people, pairs and the group with their chance levels.\n"
      "  FILE.rr   one RR interval in milliseconds per line\n"
      "  FILE.csv  a header line, then a beat per line; columns rr_ms or rr_1024 (1/1024 s), and\n"
      "            perhaps t_session_s, t_s or time_s, arrival_s, gap_before (0 or 1)";
  analyze.flags = {
      {"from", "SECONDS", "leave out what is before"},
      {"seconds", "N", "use so much (default: all)"},
      {"pairs", "WHICH", "all (default) or none"},
      {"format", "FORMAT",
       "text (default); json: Analysis; jsonl: a Frame per second;\n"
       "csv: a line per number and second"},
  };
  analyze.examples = {"attunectl analyze ana.rr ben.rr",
                      "attunectl analyze --from=600 --seconds=300 --format=csv *.rr > values.csv"};
  return {{analyze, RunAnalyze}};
}

}  // namespace attune::edge
