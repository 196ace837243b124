// Fuzz target of everything that `attunectl analyze` reads: .rr, CSV of beats, exports.
//
// LLVMFuzzerTestOneInput is libFuzzer's entry. Without libFuzzer (readers_fuzz_main.cc) it is run
// over seeds and their mutations, always the same ones. Whatever comes in, a reader gives a status
// in words, or beats for which the invariants below hold; a breach ends the program.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "edge/ctl/analysis.h"
#include "edge/ctl/export_file.h"
#include "edge/ctl/measures.h"
#include "edge/ctl/recording.h"
#include "services/synchrony/replay/select.h"

namespace attune::edge {
namespace {

// Analysing takes longer than reading: only short things are, and only some of their seconds.
constexpr int64_t kAnalysedUs = 20'000'000;
constexpr size_t kAnalysedPeople = 4;

void Must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what);
  std::abort();
}

// A refusal is short, in words, and cannot steer a terminal.
void CheckRefusal(const absl::Status& status) {
  Must(!status.ok() && !status.message().empty(), "a refusal says why");
  Must(status.message().size() < 1000, "a refusal is short");
  for (const char c : std::string(status.message())) {
    Must(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a refusal is harmless");
  }
}

void CheckBeats(const std::vector<synchrony::Beat>& beats, int64_t least_us, int64_t most_us) {
  int64_t before_us = least_us;
  for (const synchrony::Beat& beat : beats) {
    Must(beat.time_us >= before_us, "times ascend");
    Must(beat.time_us <= most_us, "times are within reach");
    Must(beat.rr_1024 > 0, "intervals are longer than nothing");
    before_us = beat.time_us;
  }
}

void CheckNumber(const v1::Number& number) {
  Must(number.coverage() >= 0 && number.coverage() <= 1, "coverage is a share");
  Must(number.window_us() >= 0, "windows do not run backwards");
  if (number.has_value()) Must(std::isfinite(number.value()), "values are finite");
  if (!number.has_chance()) return;
  const v1::Chance& chance = number.chance();
  Must(std::isfinite(chance.mean()) && std::isfinite(chance.z()), "chance is finite");
  Must(chance.low() <= chance.high(), "bands are not inside out");
  Must(chance.p() >= 0 && chance.p() <= 1, "p is a probability");
}

void CheckAnalysis(const absl::StatusOr<v1::Analysis>& analysis) {
  if (!analysis.ok()) return CheckRefusal(analysis.status());
  for (const v1::PersonReport& person : analysis->report().people()) {
    const v1::DataQuality& quality = person.quality();
    Must(quality.artefacts() <= quality.beats() && quality.gaps() <= quality.beats() &&
             quality.rejudged() <= quality.beats(),
         "no more is wrong than there is");
    Must(quality.coverage() >= 0 && quality.coverage() <= 1, "coverage is a share");
    for (const v1::PersonPhase& phase : person.phases()) {
      CheckNumber(phase.hr_bpm());
      CheckNumber(phase.rmssd_ms());
    }
  }
  for (const v1::PairReport& pair : analysis->report().pairs()) {
    for (const v1::PairPhase& phase : pair.phases()) {
      CheckNumber(phase.r_mean_windowed());
      Must(phase.share_above() >= 0 && phase.share_above() <= 1, "shares are shares");
    }
  }
  for (const v1::GroupPhase& phase : analysis->report().group().phases()) {
    CheckNumber(phase.order_parameter());
    CheckNumber(phase.r_mean_pairwise());
  }
}

void CheckRecording(const absl::StatusOr<Recording>& recording) {
  if (!recording.ok()) return CheckRefusal(recording.status());
  Must(!recording->beats.empty(), "a recording has beats");
  CheckBeats(recording->beats, 0, kMaxRecordingUs);
  Must(!recording->beats.front().gap_before, "nothing is missing before the first beat");
  Must(recording->length_us == recording->beats.back().time_us, "it ends with its last beat");
  CheckAnalysis(AnalyzeRecordings({*recording, *recording}, {.length_us = kAnalysedUs}, {}));
}

void CheckExport(const absl::StatusOr<SessionExport>& session) {
  if (!session.ok()) return CheckRefusal(session.status());
  const synchrony::Plan& plan = session->plan;
  Must(plan.tick_us == 250'000 || plan.tick_us == 1'000'000, "ticks are of a known length");
  Must(!plan.phases.empty() && plan.phases.back().to_us == plan.length_us, "phases cover it all");
  int before = 0;
  for (const synchrony::PlanPerson& person : plan.people) {
    Must(person.person > before, "people are in order");
    before = person.person;
    CheckBeats(synchrony::EngineBeats(person), 0, std::numeric_limits<int64_t>::max());
    for (const synchrony::TimedBeat& timed : person.beats) {
      Must(timed.timing.jitter_us >= 0 && timed.timing.offset_bound_us >= 0,
           "uncertainties are not negative");
    }
  }
  // Written and read again it is the same.
  std::string text = ExportHeadText(session->head);
  for (const synchrony::PlanPerson& person : plan.people) {
    v1::ExportBeats beats;
    beats.set_participant(static_cast<uint32_t>(person.person));
    for (const synchrony::TimedBeat& timed : person.beats) {
      if (timed.beat.gap_before) {
        beats.add_gap_before(static_cast<uint32_t>(beats.time_session_us_size()));
      }
      beats.add_time_session_us(timed.beat.time_us);
      beats.add_rr_1024(timed.beat.rr_1024);
      beats.add_jitter_us(static_cast<uint32_t>(timed.timing.jitter_us));
      beats.add_offset_bound_us(static_cast<uint32_t>(timed.timing.offset_bound_us));
    }
    text += ExportBeatsText(beats);
  }
  const auto again = ParseExport(text);
  Must(again.ok() && again->plan == plan, "what is written can be read");
  if (plan.length_us <= kAnalysedUs && plan.people.size() <= kAnalysedPeople) {
    CheckAnalysis(AnalyzeExport(*session, {}, {}));
  }
}

}  // namespace
}  // namespace attune::edge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attune::edge::CheckRecording(attune::edge::ParseRr(text));
  attune::edge::CheckRecording(attune::edge::ParseBeatsCsv(text));
  attune::edge::CheckExport(attune::edge::ParseExport(text));
  if (const auto measures = attune::edge::ParseMeasures(text.substr(0, 200)); !measures.ok()) {
    attune::edge::CheckRefusal(measures.status());
  }
  return 0;
}
