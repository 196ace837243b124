#include "edge/ctl/report_text.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>

#include "absl/strings/str_cat.h"
#include "edge/words/text.h"
#include "edge/words/words.h"
#include "services/synchrony/measure.h"

namespace attune::edge {
namespace {

constexpr int kNameLeast = 12;
constexpr int kNameMost = 40;

std::string Utc(int64_t us) {
  const std::time_t seconds = us / 1'000'000;
  std::tm parts{};
  char text[40] = "";
  if (gmtime_r(&seconds, &parts) != nullptr) {
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  }
  return text;
}

class Writer {
 public:
  Writer(const v1::Report& report, const v1::Analysis* analysis)
      : report_(report), analysis_(analysis) {
    for (const auto& person : report.people()) {
      name_columns_ = std::max(name_columns_, Width(Name(person.participant())));
    }
    for (const auto& pair : report.pairs()) {
      name_columns_ = std::max(name_columns_, Width(PairName(pair)));
    }
    name_columns_ = std::min(name_columns_, kNameMost);
  }

  void Quality(std::string& out) const {
    absl::StrAppend(&out, "\nDATA QUALITY\n");
    for (const auto& person : report_.people()) {
      const v1::DataQuality& quality = person.quality();
      absl::StrAppend(&out, "  ", Left(Name(person.participant()), name_columns_), "  ");
      if (quality.beats() == 0) {
        absl::StrAppend(&out, "no beats\n");
        continue;
      }
      absl::StrAppend(&out, quality.beats(), " beats, ", quality.artefacts(), " rejected (",
                      Fixed(100.0 * static_cast<double>(quality.artefacts()) /
                                static_cast<double>(quality.beats()),
                            1),
                      " %), ", quality.rejudged(), " judged anew as later ones came, ",
                      quality.gaps(), quality.gaps() == 1 ? " gap, " : " gaps, ",
                      Percent(quality.coverage()), " of the time clean, ",
                      ClockTime(quality.first_beat_session_us()), " to ",
                      ClockTime(quality.last_beat_session_us()), "\n");
    }
    if (report_.people().empty()) absl::StrAppend(&out, "  People's data is not shown to you.\n");
  }

  void Phases(std::string& out) const {
    for (const auto& phase : report_.phases()) {
      const std::string label = Harmless(phase.label());
      const std::string heading =
          report_.phases_size() == 1 ? (analysis_ ? "WHOLE LENGTH" : "WHOLE SESSION")
          : phase.phase() == 0       ? "BEFORE THE FIRST PHASE"
                                     : "PHASE " + std::to_string(phase.phase()) + ": " + label;
      absl::StrAppend(&out, "\n", heading, "  ", ClockTime(phase.from_session_us()), " to ",
                      ClockTime(phase.to_session_us()), "\n");
      People(phase.phase(), out);
      Pairs(phase.phase(), out);
      Group(phase.phase(), out);
    }
  }

  // Measures over the whole length, of an analysis.
  void Whole(std::string& out) const {
    if (analysis_ == nullptr || analysis_->whole().empty()) return;
    absl::StrAppend(&out, "\nOVER THE WHOLE LENGTH\n");
    for (const v1::WholeNumbers& whole : analysis_->whole()) {
      const std::string who = whole.a() == 0   ? "Group"
                              : whole.b() == 0 ? Name(whole.a())
                                               : Name(whole.a()) + " + " + Name(whole.b());
      More(who, whole.numbers(), out);
    }
  }

  void Marks(std::string& out) const {
    if (!report_.annotations().empty()) absl::StrAppend(&out, "\nMARKS\n");
    for (const auto& mark : report_.annotations()) {
      absl::StrAppend(&out, Right(ClockTime(mark.at_session_us()), 9), "  ",
                      mark.begins_phase() ? "phase begins: " : "", Harmless(mark.label()),
                      mark.participant() == 0 ? "" : " (" + Name(mark.participant()) + ")", "\n");
    }
    if (!report_.practices().empty()) absl::StrAppend(&out, "\nPRACTICES\n");
    for (const auto& practice : report_.practices()) {
      const int64_t stopped = practice.stopped_session_us();
      absl::StrAppend(&out, Right(ClockTime(practice.started_session_us()), 9), "  ",
                      Word(practice.kind()), ", ",
                      stopped > 0 ? "until " + ClockTime(stopped) : "until the end", "\n");
    }
  }

  void Measures(std::string& out) const {
    bool first = true;
    for (const auto& person : report_.people()) {
      for (const auto& answer : person.measures()) {
        if (first) absl::StrAppend(&out, "\nSELF-REPORTS\n");
        first = false;
        absl::StrAppend(&out, "  ", Left(Name(person.participant()), name_columns_), "  ",
                        Harmless(answer.scale()),
                        answer.before() ? " before: " : " after: ", answer.value(), "\n");
      }
    }
  }

 private:
  std::string Name(uint32_t participant) const {
    for (const auto& person : report_.people()) {
      if (person.participant() == participant && !person.alias().empty()) {
        return Harmless(person.alias());
      }
    }
    return absl::StrCat("participant ", participant);
  }
  std::string PairName(const v1::PairReport& pair) const {
    return (pair.alias_a().empty() ? Name(pair.a()) : Harmless(pair.alias_a())) + " + " +
           (pair.alias_b().empty() ? Name(pair.b()) : Harmless(pair.alias_b()));
  }

  void Row(const std::string& name, const std::string& words, std::string& out) const {
    absl::StrAppend(&out, "    ", Left(name, name_columns_), "  ", words, "\n");
  }

  // "+0.34 (chance -0.12..+0.18)", or "not shown: why".
  static std::string Value(const v1::Number& number, const std::function<std::string(double)>& show,
                           const std::string& unit) {
    if (!number.has_value()) return "not shown: " + Word(number.absent());
    std::string words = show(number.value()) + unit;
    if (number.has_chance()) {
      absl::StrAppend(&words, " (chance ", show(number.chance().low()), "..",
                      show(number.chance().high()), ")");
    }
    return words;
  }

  // Enough digits to see a change, whatever the unit.
  static std::string Digits(double value) {
    const double size = std::abs(value);
    return Fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  }

  // From the baseline: "change from baseline: r_mean_pairwise +0.12+-0.05 (1.4 SD)".
  void Changes(const google::protobuf::RepeatedPtrField<v1::Change>& changes,
               std::string& out) const {
    for (const v1::Change& change : changes) {
      const auto* info = synchrony::FindMeasure(static_cast<synchrony::Measure>(change.measure()));
      if (info == nullptr) continue;
      const v1::Number& difference = change.difference();
      std::string words = "change from baseline: " + std::string(info->name) + " ";
      if (!difference.has_value()) {
        words += "not shown: " + Word(difference.absent());
      } else {
        absl::StrAppend(&words, Signed(difference.value()), "+-",
                        Fixed(difference.uncertainty(), 2), " (", Signed(change.standardised(), 1),
                        " SD)");
      }
      Row("", words, out);
    }
  }

  // One line per measure beyond the core, the name of whose it is before the first.
  void More(const std::string& who, const google::protobuf::RepeatedPtrField<v1::NamedNumber>& more,
            std::string& out) const {
    constexpr int kMeasureColumns = 26;
    std::string name = who;
    for (const v1::NamedNumber& named : more) {
      const auto* info = synchrony::FindMeasure(static_cast<synchrony::Measure>(named.measure()));
      const std::string measure =
          info == nullptr ? absl::StrCat("measure ", named.measure()) : std::string(info->name);
      std::string words = Value(named.number(), Digits, "");
      if (named.number().has_value() && named.number().doubtful()) words += ", doubtful";
      Row(name, Left(measure, kMeasureColumns) + "  " + words, out);
      name.clear();
    }
  }

  static std::string Above(double share, uint64_t ticks) {
    if (ticks == 0) return "";
    return absl::StrCat(", above chance in ", Percent(share), " of ", ticks,
                        ticks == 1 ? " tick" : " ticks");
  }

  void People(uint32_t phase, std::string& out) const {
    bool first = true;
    for (const auto& person : report_.people()) {
      for (const auto& values : person.phases()) {
        if (values.phase() != phase) continue;
        if (first) absl::StrAppend(&out, "  People\n");
        first = false;
        const auto whole = [](double v) { return Fixed(v, 0); };
        const bool same = !values.hr_bpm().has_value() && !values.rmssd_ms().has_value() &&
                          values.hr_bpm().absent() == values.rmssd_ms().absent();
        Row(Name(person.participant()),
            same ? Value(values.hr_bpm(), whole, "")
                 : absl::StrCat("heart rate ", Value(values.hr_bpm(), whole, " bpm"), ", RMSSD ",
                                Value(values.rmssd_ms(), whole, " ms")),
            out);
        More("", values.more(), out);
      }
    }
  }

  void Pairs(uint32_t phase, std::string& out) const {
    bool first = true;
    for (const auto& pair : report_.pairs()) {
      for (const auto& values : pair.phases()) {
        if (values.phase() != phase) continue;
        if (first) absl::StrAppend(&out, "  Pairs (mean r)\n");
        first = false;
        Row(PairName(pair),
            Value(
                values.r_mean_windowed(), [](double v) { return Signed(v); }, "") +
                Above(values.share_above(), values.ticks()) +
                (IsLast(phase) ? Lag(pair.a(), pair.b()) : ""),
            out);
        if (values.plv_lf().has_value()) {
          Row("",
              absl::StrCat("phase locking ", Fixed(values.plv_lf().value(), 2),
                           " (slow waves), above chance in ", Percent(values.plv_lf_share_above())),
              out);
        }
        if (IsLast(phase)) LastPair(pair.a(), pair.b(), out);
        More("", values.more(), out);
      }
    }
  }

  void Group(uint32_t phase, std::string& out) const {
    for (const auto& values : report_.group().phases()) {
      if (values.phase() != phase) continue;
      absl::StrAppend(&out, "  Group\n");
      Row("pairwise r",
          Value(
              values.r_mean_pairwise(), [](double v) { return Signed(v); }, "") +
              Above(values.share_above(), values.ticks()),
          out);
      const bool last = analysis_ != nullptr && IsLast(phase);
      if (last) Last(analysis_->last_frame().group().r_mean_pairwise(), true, out);
      Row("order",
          Value(
              values.order_parameter(), [](double v) { return Fixed(v, 2); }, "") +
              (values.order_parameter().has_value() ? " (0 apart, 1 in step)" : ""),
          out);
      if (last) Last(analysis_->last_frame().group().order_parameter(), false, out);
      More("", values.more(), out);
      Changes(values.changes(), out);
    }
  }

  bool IsLast(uint32_t phase) const {
    return report_.phases_size() > 0 && report_.phases(report_.phases_size() - 1).phase() == phase;
  }

  // Told once, of the whole length.
  std::string Lag(uint32_t a, uint32_t b) const {
    if (!analysis_) return "";
    for (const auto& lag : analysis_->lags()) {
      if (lag.a() == a && lag.b() == b && lag.lag_ms().has_value()) {
        return "; then " + LagWords(lag.lag_ms(), Name(a), Name(b));
      }
    }
    return "";
  }

  void LastPair(uint32_t a, uint32_t b, std::string& out) const {
    if (!analysis_) return;
    for (const auto& pair : analysis_->last_frame().pairs()) {
      if (pair.a() == a && pair.b() == b) Last(pair.r_mean_windowed(), true, out);
    }
  }

  void Last(const v1::Number& number, bool with_sign, std::string& out) const {
    const auto show = [&](double v) { return with_sign ? Signed(v) : Fixed(v, 2); };
    std::string words = "at the end: " + Value(number, show, "");
    if (number.has_value()) {
      absl::StrAppend(&words, ", ", ChanceWords(number), ", ", Span(number.window_us()),
                      " window, ", Percent(number.coverage()), " clean");
    }
    Row("", words, out);
  }

  const v1::Report& report_;
  const v1::Analysis* analysis_;
  int name_columns_ = kNameLeast;
};

std::string Engine(const v1::Report& report) {
  return absl::StrCat("numbers version ", Harmless(report.engine_version()), ", parameters ",
                      absl::Hex(report.params_hash(), absl::kZeroPad16));
}

}  // namespace

std::string ReportText(const v1::GetReportResponse& response) {
  const v1::Report& report = response.report();
  std::string out = "REPORT  " + Harmless(report.title());
  absl::StrAppend(&out, report.title().empty() ? "" : ", ", Word(report.kind()), " session, ",
                  Utc(report.created_utc_us()), ", ", ClockTime(report.length_us()), " long\n",
                  "Revision ", report.revision(), "; ", Engine(report), "\n");
  const Writer writer(report, nullptr);
  writer.Quality(out);
  const v1::ReportEnvelope& envelope = response.envelope();
  if (envelope.epochs() > 1) {
    absl::StrAppend(&out, "  The session had ", envelope.epochs(), " owners one after another.\n");
  }
  if (envelope.late_beats() > 0) {
    absl::StrAppend(&out, "  ", envelope.late_beats(), " beats came after their tick.\n");
  }
  if (envelope.ticks_by_lateness() > 0) {
    absl::StrAppend(&out, "  ", envelope.ticks_by_lateness(),
                    " ticks did not wait for everybody's data.\n");
  }
  writer.Phases(out);
  writer.Marks(out);
  writer.Measures(out);
  out += "\nMoving together is neither good nor bad. This is no medical information.\n";
  return out;
}

std::string AnalysisText(const v1::Analysis& analysis) {
  const v1::Report& report = analysis.report();
  std::string out = "ANALYSIS  ";
  if (report.created_utc_us() > 0) {  // an export
    absl::StrAppend(&out, Harmless(report.title()), report.title().empty() ? "" : ", ",
                    Word(report.kind()), " session, ", Utc(report.created_utc_us()), ", ",
                    report.people_size(), report.people_size() == 1 ? " person, " : " people, ");
  } else {
    absl::StrAppend(&out, report.people_size(),
                    report.people_size() == 1 ? " recording, " : " recordings, ");
  }
  absl::StrAppend(&out, ClockTime(report.length_us()), " long\n", Engine(report), "\n");
  const Writer writer(report, &analysis);
  writer.Quality(out);
  writer.Phases(out);
  writer.Whole(out);
  writer.Marks(out);
  writer.Measures(out);
  return out;
}

}  // namespace attune::edge
