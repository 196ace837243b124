#include "edge/ctl/analysis_csv.h"

#include "absl/strings/str_cat.h"
#include "edge/ctl/text.h"

namespace attune::edge {
namespace {

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : Harmless(text)) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string Name(uint32_t participant, const std::vector<std::string>& names) {
  return participant >= 1 && participant <= names.size() ? Quoted(names[participant - 1]) : "";
}

void Append(const std::string& who, const char* measure, const v1::Number& number,
            std::string& out) {
  absl::StrAppend(&out, who, ",", measure, ",");
  if (number.has_value()) absl::StrAppend(&out, number.value());
  absl::StrAppend(&out, ",", number.has_value() ? "" : v1::Absence_Name(number.absent()), ",",
                  static_cast<double>(number.window_us()) / 1e6, ",", number.coverage(), ",");
  if (number.has_chance()) {
    const v1::Chance& chance = number.chance();
    absl::StrAppend(&out, chance.low(), ",", chance.high(), ",", chance.p(), ",",
                    chance.above() ? 1 : 0, "\n");
  } else {
    absl::StrAppend(&out, ",,,\n");
  }
}

}  // namespace

std::string CsvHeader() {
  return "t_s,a,b,measure,value,absent,window_s,coverage,chance_low,chance_high,p,above\n";
}

std::string CsvLines(const v1::Frame& frame, const std::vector<std::string>& names) {
  std::string out;
  const std::string at = absl::StrCat(static_cast<double>(frame.end_session_us()) / 1e6, ",");
  for (const v1::PersonFrame& person : frame.people()) {
    const std::string who = at + Name(person.participant(), names) + ",";
    Append(who, "hr_bpm", person.hr_bpm(), out);
    Append(who, "rmssd_ms", person.rmssd_ms(), out);
    Append(who, "artefact_share", person.artefact_share(), out);
  }
  for (const v1::PairFrame& pair : frame.pairs()) {
    const std::string who = at + Name(pair.a(), names) + "," + Name(pair.b(), names);
    Append(who, "r_mean_windowed", pair.r_mean_windowed(), out);
    Append(who, "r_zero_lag", pair.r_zero_lag(), out);
    Append(who, "r_peak", pair.r_peak(), out);
    Append(who, "lag_ms", pair.lag_ms(), out);
  }
  Append(at + ",", "order_parameter", frame.group().order_parameter(), out);
  Append(at + ",", "r_mean_pairwise", frame.group().r_mean_pairwise(), out);
  return out;
}

}  // namespace attune::edge
