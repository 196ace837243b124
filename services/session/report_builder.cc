#include "services/session/report_builder.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "services/session/consent.h"
#include "services/session/mean_number.h"
#include "services/session/roster.h"
#include "services/session/ticks.h"
#include "services/synchrony/signal/screen.h"

namespace attune::session {
namespace {

struct PersonSums {
  std::map<uint32_t, MeanNumber> hr_bpm;  // by phase
  std::map<uint32_t, MeanNumber> rmssd_ms;
  double coverage = 0;
  uint64_t coverage_ticks = 0;
};

struct GroupSums {
  MeanNumber order_parameter;
  MeanNumber r_mean_pairwise;
  uint32_t fewest = 0;  // contributors; 0: no tick counted
};

// Ascending, one beat per time, as the engine keeps them.
std::vector<synchrony::Beat> EngineBeats(const Person& person) {
  std::vector<synchrony::Beat> beats;
  for (const StoredBeat& stored : person.beats) {
    if (!beats.empty() && beats.back().time_us == stored.time_us) {
      // The first has the shorter interval, by the order of StoredBeat.
      beats.back().gap_before |= stored.gap_before;
      continue;
    }
    beats.push_back({stored.time_us, stored.rr_1024, stored.gap_before});
  }
  return beats;
}

class Builder final : public SessionCore::ReportBuilder {
 public:
  explicit Builder(const Book& book)
      : book_(book),
        engine_(EngineParams()),
        ticks_(book.created.tick_ms() == 0
                   ? 0
                   : static_cast<uint64_t>(book.ended_us / book.tick_us())) {
    for (const auto& [number, person] : book_.people) {
      if (person.erased) continue;
      engine_.AddPerson(static_cast<int>(number));
      beats_[number] = EngineBeats(person);
      people_[number];
      now_[number] = GrantsOf(person) & Counted();
    }
  }

  bool Step(int ticks) override {
    for (; ticks > 0 && tick_ < ticks_; --ticks) CountTick(++tick_);
    return tick_ >= ticks_;
  }

  v1::Report Take() override;

 private:
  // Consents whose standing decides whether a tick counts.
  uint32_t Counted() const {
    uint32_t counted = kMeasure | kPairPartner | kPairFacilitator;
    if (book_.created.kind() == v1::SESSION_KIND_LAB) counted |= kIndividual;
    return counted;
  }
  bool StoodThen(uint32_t number, int64_t tick_end_us) const {
    const Person* person = book_.Find(number);
    return person != nullptr && (GrantsSince(*person, tick_end_us) & Counted()) == now_.at(number);
  }

  void CountTick(uint64_t tick);
  void CountPerson(const v1::PersonFrame& numbers, const v1::Frame& frame);
  void CountGroup(const v1::Frame& frame, std::vector<uint32_t> contributors);
  v1::DataQuality Quality(const Person& person) const;
  void WritePeople(const std::vector<v1::Phase>& phases, v1::Report& report) const;
  void WritePairs(const std::vector<v1::Phase>& phases, v1::Report& report) const;
  void WriteGroup(const std::vector<v1::Phase>& phases, v1::Report& report) const;

  const Book book_;
  synchrony::Engine engine_;
  const uint64_t ticks_;
  uint64_t tick_ = 0;
  std::map<uint32_t, std::vector<synchrony::Beat>> beats_;
  std::map<uint32_t, size_t> fed_;
  std::map<uint32_t, uint32_t> now_;
  std::map<uint32_t, PersonSums> people_;
  std::map<std::pair<uint32_t, uint32_t>, std::map<uint32_t, MeanNumber>> pairs_;  // by phase
  std::map<uint32_t, GroupSums> group_;                                            // by phase
  std::vector<uint32_t> contributors_;
  int64_t contributors_since_us_ = 0;
};

void Builder::CountTick(uint64_t tick) {
  const int64_t end_us = static_cast<int64_t>(tick) * book_.tick_us();
  for (const auto& [number, beats] : beats_) {
    size_t& next = fed_[number];
    while (next < beats.size() && beats[next].time_us <= end_us + EngineParams().horizon_us) {
      engine_.AddBeat(static_cast<int>(number), beats[next++]);
    }
  }
  Evaluated evaluated = Evaluate(book_, tick, Purpose::kReport, engine_);
  const v1::Frame& frame = evaluated.frame;
  for (const v1::PersonFrame& person : frame.people()) CountPerson(person, frame);
  for (const v1::PairFrame& pair : frame.pairs()) {
    if (!StoodThen(pair.a(), end_us) || !StoodThen(pair.b(), end_us)) continue;
    pairs_[{pair.a(), pair.b()}][frame.phase()].Add(pair.r_mean_windowed());
  }
  CountGroup(frame, std::move(evaluated.contributors));
}

void Builder::CountPerson(const v1::PersonFrame& numbers, const v1::Frame& frame) {
  PersonSums& sums = people_[numbers.participant()];
  const Person& person = *book_.Find(numbers.participant());
  if (frame.end_session_us() >= person.beats.front().time_us + EngineParams().hr_window_us &&
      frame.end_session_us() <= person.beats.back().time_us) {
    sums.coverage += numbers.hr_bpm().coverage();
    ++sums.coverage_ticks;
  }
  if (!StoodThen(numbers.participant(), frame.end_session_us())) return;
  sums.hr_bpm[frame.phase()].Add(numbers.hr_bpm());
  sums.rmssd_ms[frame.phase()].Add(numbers.rmssd_ms());
}

void Builder::CountGroup(const v1::Frame& frame, std::vector<uint32_t> contributors) {
  if (contributors != contributors_) {
    contributors_ = std::move(contributors);
    contributors_since_us_ = frame.end_session_us();
  }
  const bool settled = frame.end_session_us() - contributors_since_us_ >=
                       int64_t{EngineParams().span_seconds} * kSecondUs;
  GroupSums& sums = group_[frame.phase()];
  const bool lab = book_.created.kind() == v1::SESSION_KIND_LAB;
  const auto people = static_cast<uint32_t>(contributors_.size());
  if (!lab && (people < book_.created.k_min() || !settled)) {
    const v1::Absence reason =
        people < book_.created.k_min() ? v1::ABSENCE_TOO_FEW_PEOPLE : v1::ABSENCE_NOT_ENOUGH_DATA;
    sums.order_parameter.AddAbsent(reason);
    sums.r_mean_pairwise.AddAbsent(reason);
    return;
  }
  sums.order_parameter.Add(frame.group().order_parameter());
  sums.r_mean_pairwise.Add(frame.group().r_mean_pairwise());
  const bool value = frame.group().order_parameter().outcome_case() == v1::Number::kValue ||
                     frame.group().r_mean_pairwise().outcome_case() == v1::Number::kValue;
  if (value) sums.fewest = sums.fewest == 0 ? people : std::min(sums.fewest, people);
}

v1::DataQuality Builder::Quality(const Person& person) const {
  v1::DataQuality quality;
  const std::vector<synchrony::Beat>& beats = beats_.at(person.number);
  size_t known = 0;
  for (size_t k = 0; k < beats.size() && beats[k].time_us <= book_.ended_us; ++k) {
    quality.set_beats(quality.beats() + 1);
    const int64_t knows_us = beats[k].time_us + EngineParams().horizon_us;
    while (known < beats.size() && beats[known].time_us <= knows_us) ++known;
    if (!synchrony::IsClean(beats, k, known, EngineParams())) {
      quality.set_artefacts(quality.artefacts() + 1);
    }
    if (k > 0 && !synchrony::IsAdjacent(beats, k, EngineParams())) {
      quality.set_gaps(quality.gaps() + 1);
    }
    if (k == 0) quality.set_first_beat_session_us(beats[k].time_us);
    quality.set_last_beat_session_us(beats[k].time_us);
  }
  const PersonSums& sums = people_.at(person.number);
  if (sums.coverage_ticks > 0) {
    quality.set_coverage(sums.coverage / static_cast<double>(sums.coverage_ticks));
  }
  return quality;
}

v1::Number MeanOr(const std::map<uint32_t, MeanNumber>& sums, const v1::Phase& phase,
                  v1::Absence otherwise) {
  const int64_t window_us = phase.to_session_us() - phase.from_session_us();
  const auto it = sums.find(phase.phase());
  if (it != sums.end()) return it->second.Mean(window_us);
  v1::Number out;
  out.set_window_us(window_us);
  out.set_absent(otherwise);
  return out;
}

void Builder::WritePeople(const std::vector<v1::Phase>& phases, v1::Report& report) const {
  for (const auto& [number, sums] : people_) {
    const Person& person = *book_.Find(number);
    const v1::Absence otherwise =
        Has(now_.at(number), kMeasure) ? v1::ABSENCE_NOT_ENOUGH_DATA : v1::ABSENCE_NO_CONSENT;
    v1::PersonReport& out = *report.add_people();
    out.set_participant(number);
    out.set_alias(person.alias);
    *out.mutable_quality() = Quality(person);
    for (const v1::Phase& phase : phases) {
      v1::PersonPhase& numbers = *out.add_phases();
      numbers.set_phase(phase.phase());
      *numbers.mutable_hr_bpm() = MeanOr(sums.hr_bpm, phase, otherwise);
      *numbers.mutable_rmssd_ms() = MeanOr(sums.rmssd_ms, phase, otherwise);
    }
    for (const v1::MeasureAnswer& answer : person.measures) *out.add_measures() = answer;
  }
}

void Builder::WritePairs(const std::vector<v1::Phase>& phases, v1::Report& report) const {
  for (const auto& [pair, sums] : pairs_) {
    v1::PairReport& out = *report.add_pairs();
    const Dyad* dyad = book_.DyadOf(pair.first, pair.second);
    out.set_dyad(dyad == nullptr ? 0 : dyad->number);
    out.set_a(pair.first);
    out.set_b(pair.second);
    for (const v1::Phase& phase : phases) {
      v1::PairPhase& numbers = *out.add_phases();
      numbers.set_phase(phase.phase());
      *numbers.mutable_r_mean_windowed() = MeanOr(sums, phase, v1::ABSENCE_NOT_ENOUGH_DATA);
      const auto it = sums.find(phase.phase());
      if (it == sums.end()) continue;
      numbers.set_share_above(it->second.share_above());
      numbers.set_ticks(it->second.values());
    }
  }
}

void Builder::WriteGroup(const std::vector<v1::Phase>& phases, v1::Report& report) const {
  static const GroupSums kNothing;
  for (const v1::Phase& phase : phases) {
    const auto it = group_.find(phase.phase());
    const GroupSums& sums = it == group_.end() ? kNothing : it->second;
    const int64_t window_us = phase.to_session_us() - phase.from_session_us();
    v1::GroupPhase& out = *report.mutable_group()->add_phases();
    out.set_phase(phase.phase());
    *out.mutable_order_parameter() = sums.order_parameter.Mean(window_us);
    *out.mutable_r_mean_pairwise() = sums.r_mean_pairwise.Mean(window_us);
    out.set_share_above(sums.r_mean_pairwise.share_above());
    out.set_ticks(sums.r_mean_pairwise.values());
    out.set_people(sums.fewest);
  }
}

v1::Report Builder::Take() {
  const std::vector<v1::Phase> phases = PhasesOf(book_);
  v1::Report report;
  report.set_revision(book_.report_revision + 1);
  report.set_kind(book_.created.kind());
  report.set_title(book_.created.title());
  report.set_created_utc_us(book_.created.utc_us());
  report.set_length_us(book_.ended_us);
  report.set_engine_version(book_.created.engine_version());
  report.set_params_hash(book_.created.params_hash());
  for (const v1::Phase& phase : phases) *report.add_phases() = phase;
  WritePeople(phases, report);
  WritePairs(phases, report);
  WriteGroup(phases, report);
  for (const auto& [number, set] : book_.annotations) {
    if (!set.undone) *report.add_annotations() = set.annotation;
  }
  for (const PracticeState& practice : book_.practices) {
    *report.add_practices() = practice.practice;
  }
  return report;
}

}  // namespace

std::unique_ptr<SessionCore::ReportBuilder> MakeReportBuilder(const Book& book) {
  return std::make_unique<Builder>(book);
}

std::vector<v1::Phase> PhasesOf(const Book& book) {
  std::vector<v1::Phase> phases(1);  // number 0, from 0
  std::vector<const v1::Annotation*> begins;
  for (const auto& [number, set] : book.annotations) {
    if (!set.undone && set.annotation.phase() != 0) begins.push_back(&set.annotation);
  }
  std::stable_sort(begins.begin(), begins.end(),
                   [](const v1::Annotation* a, const v1::Annotation* b) {
                     return a->at_session_us() < b->at_session_us();
                   });
  for (const v1::Annotation* begin : begins) {
    const int64_t at_us = std::min(begin->at_session_us(), book.ended_us);
    phases.back().set_to_session_us(at_us);
    v1::Phase& phase = phases.emplace_back();
    phase.set_phase(begin->phase());
    phase.set_label(begin->label());
    phase.set_from_session_us(at_us);
  }
  phases.back().set_to_session_us(book.ended_us);
  return phases;
}

}  // namespace attune::session
