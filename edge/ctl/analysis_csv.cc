#include "edge/ctl/analysis_csv.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

using synchrony::Measure;

std::string InQuotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : Harmless(text)) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

CsvWriter::CsvWriter(std::map<uint32_t, std::string> names, std::set<Measure> shown)
    : names_(std::move(names)), shown_(std::move(shown)) {}

std::string CsvWriter::Header() {
  return "t_s,a,b,measure,value,absent,window_s,coverage,chance_low,chance_high,p,above,z,"
         "uncertainty,doubtful\n";
}

std::string CsvWriter::Name(uint32_t participant) const {
  const auto it = names_.find(participant);
  if (it != names_.end() && !it->second.empty()) return InQuotes(it->second);
  return participant == 0 ? "" : InQuotes(absl::StrCat("participant ", participant));
}

void CsvWriter::Append(double t_s, const std::string& who, Measure measure,
                       const v1::Number& number, std::string& out) const {
  const synchrony::MeasureInfo* info = synchrony::FindMeasure(measure);
  if (info == nullptr || !shown_.contains(measure)) return;
  absl::StrAppend(&out, t_s, ",", who, ",", std::string(info->name), ",");
  if (number.has_value()) absl::StrAppend(&out, number.value());
  absl::StrAppend(&out, ",", number.has_value() ? "" : v1::Absence_Name(number.absent()), ",",
                  Seconds(number.window_us()), ",", number.coverage(), ",");
  if (number.has_chance()) {
    const v1::Chance& chance = number.chance();
    absl::StrAppend(&out, chance.low(), ",", chance.high(), ",", chance.p(), ",",
                    chance.above() ? 1 : 0, ",", chance.z(), ",");
  } else {
    absl::StrAppend(&out, ",,,,,");
  }
  if (number.has_value() && number.uncertainty() > 0) {
    absl::StrAppend(&out, number.uncertainty());
  }
  absl::StrAppend(&out, ",", number.has_value() ? (number.doubtful() ? "1" : "0") : "", "\n");
}

void CsvWriter::AppendNew(const std::string& who, const More& more, std::string& out) const {
  for (const v1::NamedNumber& named : more) {
    if (named.as_of_session_us() <= last_end_us_) continue;
    Append(Seconds(named.as_of_session_us()), who, static_cast<Measure>(named.measure()),
           named.number(), out);
  }
}

std::string CsvWriter::Lines(const v1::Frame& frame) {
  std::string out;
  const double t_s = Seconds(frame.end_session_us());
  for (const v1::PersonFrame& person : frame.people()) {
    const std::string who = Name(person.participant()) + ",";
    Append(t_s, who, Measure::kHrBpm, person.hr_bpm(), out);
    Append(t_s, who, Measure::kRmssdMs, person.rmssd_ms(), out);
    Append(t_s, who, Measure::kArtefactShare, person.artefact_share(), out);
    AppendNew(who, person.more(), out);
  }
  for (const v1::PairFrame& pair : frame.pairs()) {
    const std::string who = Name(pair.a()) + "," + Name(pair.b());
    Append(t_s, who, Measure::kRMeanWindowed, pair.r_mean_windowed(), out);
    Append(t_s, who, Measure::kRZeroLag, pair.r_zero_lag(), out);
    Append(t_s, who, Measure::kRPeak, pair.r_peak(), out);
    Append(t_s, who, Measure::kLagMs, pair.lag_ms(), out);
    Append(t_s, who, Measure::kPlvLf, pair.plv_lf(), out);
    AppendNew(who, pair.more(), out);
  }
  Append(t_s, ",", Measure::kOrderParameter, frame.group().order_parameter(), out);
  Append(t_s, ",", Measure::kRMeanPairwise, frame.group().r_mean_pairwise(), out);
  AppendNew(",", frame.group().more(), out);
  last_end_us_ = frame.end_session_us();
  return out;
}

std::string CsvWriter::Lines(const v1::Analysis& analysis) const {
  std::string out;
  for (const v1::WholeNumbers& whole : analysis.whole()) {
    const std::string who = Name(whole.a()) + "," + Name(whole.b());
    for (const v1::NamedNumber& named : whole.numbers()) {
      Append(Seconds(named.as_of_session_us()), who, static_cast<Measure>(named.measure()),
             named.number(), out);
    }
  }
  return out;
}

}  // namespace attune::edge
