#include "edge/ctl/analysis.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/ctl/measures.h"
#include "services/messages/numbers.h"
#include "services/messages/summary.h"
#include "services/synchrony/params.h"
#include "services/synchrony/replay/replay.h"
#include "services/synchrony/replay/whole.h"

namespace attune::edge {
namespace {

using synchrony::Plan;

std::vector<synchrony::TimedBeat> Chosen(const Recording& recording,
                                         const AnalysisOptions& options) {
  std::vector<synchrony::TimedBeat> beats;
  for (synchrony::Beat beat : recording.beats) {
    const int64_t start_us = beat.time_us - static_cast<int64_t>(beat.rr_1024) * 1'000'000 / 1024;
    // The first interval begins at 0 but for the rounding of its length.
    constexpr int64_t kRoundingUs = 1000;
    if (start_us < options.from_us - kRoundingUs) continue;
    beat.time_us -= options.from_us;
    if (options.length_us > 0 && beat.time_us > options.length_us) break;
    if (beats.empty()) beat.gap_before = false;
    beats.push_back({beat, {}});
  }
  return beats;
}

absl::StatusOr<Plan> PlanOf(const std::vector<Recording>& recordings,
                            const AnalysisOptions& options) {
  Plan plan;
  plan.tick_us = kAnalysisTickUs;
  for (const Recording& recording : recordings) {
    synchrony::PlanPerson& person = plan.people.emplace_back();
    person.person = static_cast<int>(plan.people.size());
    person.beats = Chosen(recording, options);
    if (options.pairs) person.open_from_us = 0;
    if (person.beats.empty()) continue;
    plan.length_us = std::max(plan.length_us, person.beats.back().beat.time_us);
  }
  if (plan.length_us < plan.tick_us) {
    return absl::InvalidArgumentError(
        "no recording has beats in the chosen part; look at --from and --seconds");
  }
  plan.open_people_most = kMaxRecordings;
  plan.phases = {{0, 0, plan.length_us}};
  return plan;
}

uint32_t PracticeAt(const v1::Report& report, int64_t tick_end_us) {
  uint32_t running = 0;
  for (const v1::Practice& practice : report.practices()) {
    if (practice.started_session_us() < tick_end_us &&
        (practice.stopped_session_us() == 0 || practice.stopped_session_us() > tick_end_us - 1)) {
      running = practice.practice();
    }
  }
  return running;
}

// By how much one followed the other, whenever the two were above chance.
class Lags {
 public:
  void Add(const v1::PairFrame& pair) {
    if (!pair.r_mean_windowed().chance().above() || !pair.lag_ms().has_value()) return;
    lags_ms_[{pair.a(), pair.b()}].push_back(pair.lag_ms().value());
  }
  void WriteTo(int64_t length_us, v1::Analysis& analysis) {
    for (auto& [pair, lags_ms] : lags_ms_) {
      const auto middle = lags_ms.begin() + static_cast<std::ptrdiff_t>(lags_ms.size() / 2);
      std::nth_element(lags_ms.begin(), middle, lags_ms.end());
      v1::PairLag* lag = analysis.add_lags();
      lag->set_a(pair.first);
      lag->set_b(pair.second);
      lag->set_ticks(lags_ms.size());
      lag->mutable_lag_ms()->set_value(*middle);
      lag->mutable_lag_ms()->set_window_us(length_us);
      lag->mutable_lag_ms()->set_chance_absent(v1::ABSENCE_NOT_APPLICABLE);
    }
  }

 private:
  std::map<std::pair<uint32_t, uint32_t>, std::vector<double>> lags_ms_;
};

void NamePeople(const std::map<uint32_t, v1::PersonReport>& told, v1::Report& report) {
  for (v1::PersonReport& person : *report.mutable_people()) {
    const auto it = told.find(person.participant());
    if (it != told.end()) person.MergeFrom(it->second);
  }
  for (v1::PairReport& pair : *report.mutable_pairs()) {
    const auto a = told.find(pair.a());
    const auto b = told.find(pair.b());
    if (a != told.end()) pair.set_alias_a(a->second.alias());
    if (b != told.end()) pair.set_alias_b(b->second.alias());
  }
}

// `analysis` comes with the frame of its report; `told` has what people said of themselves.
absl::StatusOr<v1::Analysis> Run(const Plan& plan, const std::map<uint32_t, v1::PersonReport>& told,
                                 const std::vector<synchrony::Measure>& batch,
                                 const AnalysisHooks& hooks, v1::Analysis analysis) {
  const synchrony::Params params;
  v1::Report& report = *analysis.mutable_report();
  report.set_engine_version(absl::StrCat(synchrony::kEngineVersion));
  report.set_params_hash(params.Hash());
  if (!batch.empty() && plan.length_us > synchrony::kWholeMostUs) {
    return absl::InvalidArgumentError(
        "batch measures are of at most 24 hours; use --from and --seconds, or other measures");
  }
  // Ticks take about so much of the time.
  const double ticks_share = batch.empty() ? 1 : 0.5;
  const auto progress = [&](double share) {
    if (hooks.progress) hooks.progress(share);
  };
  synchrony::Replay replay(plan, params);
  if (replay.Done()) return absl::InvalidArgumentError("there is not one second of data");
  Lags lags;
  while (!replay.Done()) {
    const synchrony::Frame& numbers = replay.Step();
    v1::Frame& frame = *analysis.mutable_last_frame();
    frame = messages::ToProto(numbers);
    frame.set_tick(static_cast<uint64_t>(replay.tick()));
    frame.set_end_session_us(numbers.tick_end_us);
    frame.set_phase(replay.phase());
    frame.set_practice(PracticeAt(report, numbers.tick_end_us));
    for (const v1::PairFrame& pair : frame.pairs()) lags.Add(pair);
    if (hooks.frame) hooks.frame(frame);
    progress(ticks_share * static_cast<double>(replay.tick()) /
             static_cast<double>(replay.ticks()));
  }
  messages::AddSummary(replay.Sum(), report);
  NamePeople(told, report);
  lags.WriteTo(plan.length_us, analysis);
  messages::AddWhole(synchrony::MeasureWhole(
                         plan, batch, params,
                         [&](double share) { progress(ticks_share + (1 - ticks_share) * share); }),
                     analysis);
  return analysis;
}

}  // namespace

absl::StatusOr<v1::Analysis> AnalyzeRecordings(const std::vector<Recording>& recordings,
                                               const AnalysisOptions& options,
                                               const AnalysisHooks& hooks) {
  if (recordings.empty()) return absl::InvalidArgumentError("no recording to analyse");
  if (recordings.size() > kMaxRecordings) {
    return absl::InvalidArgumentError(absl::StrCat(recordings.size(), " recordings are more than ",
                                                   kMaxRecordings, "; analyse fewer"));
  }
  absl::StatusOr<Plan> plan = PlanOf(recordings, options);
  if (!plan.ok()) return plan.status();
  const auto measures = options.measures.value_or(std::vector<synchrony::Measure>());
  plan->measures = Only(measures, synchrony::Availability::kOnRequest);
  v1::Analysis analysis;
  v1::Report& report = *analysis.mutable_report();
  report.set_revision(1);
  report.set_kind(v1::SESSION_KIND_LAB);
  report.set_length_us(plan->length_us);
  report.add_phases()->set_to_session_us(plan->length_us);
  std::map<uint32_t, v1::PersonReport> told;
  for (size_t i = 0; i < recordings.size(); ++i) {
    told[static_cast<uint32_t>(i) + 1].set_alias(recordings[i].name);
  }
  return Run(*plan, told, synchrony::OverTheWhole(measures, plan->length_us), hooks,
             std::move(analysis));
}

absl::StatusOr<v1::Analysis> AnalyzeExport(const SessionExport& session,
                                           const AnalysisOptions& options,
                                           const AnalysisHooks& hooks) {
  const v1::ExportHead& head = session.head;
  Plan plan = session.plan;
  std::vector<synchrony::Measure> batch;
  if (options.measures) {
    plan.measures = Only(*options.measures, synchrony::Availability::kOnRequest);
    batch = synchrony::OverTheWhole(*options.measures, plan.length_us);
  }
  if (!options.pairs) {
    plan.pairs.clear();
    plan.open_people_most = 0;
  }
  v1::Analysis analysis;
  v1::Report& report = *analysis.mutable_report();
  report.set_revision(head.revision());
  report.set_kind(head.kind());
  report.set_title(head.title());
  report.set_created_utc_us(head.created_utc_us());
  report.set_length_us(head.length_us());
  *report.mutable_phases() = head.phases();
  *report.mutable_annotations() = head.annotations();
  *report.mutable_practices() = head.practices();
  std::map<uint32_t, v1::PersonReport> told;
  for (const v1::ExportPerson& person : head.people()) {
    v1::PersonReport& to = told[person.participant()];
    to.set_alias(person.alias());
    *to.mutable_measures() = person.measures();
  }
  absl::StatusOr<v1::Analysis> out = Run(plan, told, batch, hooks, std::move(analysis));
  if (!out.ok()) return out;
  for (v1::PairReport& pair : *out->mutable_report()->mutable_pairs()) {
    for (const v1::ExportPair& dyad : head.pairs()) {
      if (dyad.a() == pair.a() && dyad.b() == pair.b()) pair.set_dyad(dyad.dyad());
    }
  }
  return out;
}

}  // namespace attune::edge
