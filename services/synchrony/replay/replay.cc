#include "services/synchrony/replay/replay.h"

#include <algorithm>

#include "services/synchrony/replay/quality.h"
#include "services/synchrony/replay/select.h"

namespace attune::synchrony {

Replay::Replay(Plan plan, const Params& params)
    : plan_(std::move(plan)),
      params_(params),
      engine_(params),
      ticks_(plan_.tick_us > 0 ? std::max<int64_t>(0, plan_.length_us / plan_.tick_us) : 0),
      fed_(plan_.people.size(), 0) {
  for (const PlanPerson& person : plan_.people) {
    engine_.AddPerson(person.person);
    beats_.push_back(EngineBeats(person));
    people_.push_back({ByPhase(), ByPhase(), {}, 0, 0});
  }
  group_ = {ByPhase(), ByPhase(), std::vector<int>(plan_.phases.size(), 0), {}, {}};
}

uint32_t Replay::phase() const { return plan_.phases[phase_].phase; }

std::vector<MeanNumber> Replay::ByPhase() const {
  return std::vector<MeanNumber>(plan_.phases.size());
}

size_t Replay::IndexOf(int person) const {
  const auto it =
      std::lower_bound(plan_.people.begin(), plan_.people.end(), person,
                       [](const PlanPerson& other, int number) { return other.person < number; });
  return static_cast<size_t>(it - plan_.people.begin());
}

// No more than a tick may know: the engine holds a bounded number of beats.
void Replay::Feed(int64_t through_us) {
  for (size_t i = 0; i < beats_.size(); ++i) {
    const std::vector<Beat>& beats = beats_[i];
    while (fed_[i] < beats.size() && beats[fed_[i]].time_us <= through_us) {
      engine_.AddBeat(plan_.people[i].person, beats[fed_[i]++]);
    }
  }
}

const Frame& Replay::Step() {
  const int64_t end_us = ++tick_ * plan_.tick_us;
  Feed(end_us + params_.horizon_us);
  for (const PlanPerson& person : plan_.people) {
    if (HasBegun(person, end_us)) {
      engine_.SetTiming(person.person, TimingAt(person, end_us, params_));
    }
  }
  phase_ = PhaseIndexAt(plan_, end_us);
  frame_ = engine_.Evaluate(end_us, SelectAt(plan_, end_us, params_));
  for (const PersonNumbers& numbers : frame_.people) CountPerson(numbers, end_us);
  for (const PairNumbers& numbers : frame_.pairs) CountPair(numbers, end_us);
  CountGroup(frame_.group, end_us);
  return frame_;
}

void Replay::CountPerson(const PersonNumbers& numbers, int64_t tick_end_us) {
  const size_t index = IndexOf(numbers.person);
  const PlanPerson& person = plan_.people[index];
  PersonSums& sums = people_[index];
  if (tick_end_us >= person.beats.front().beat.time_us + params_.hr_window_us &&
      tick_end_us <= person.beats.back().beat.time_us) {
    sums.coverage += numbers.hr_bpm.coverage;
    ++sums.coverage_ticks;
  }
  if (person.counts_from_us > tick_end_us) return;
  sums.hr_bpm[phase_].Add(numbers.hr_bpm);
  sums.rmssd_ms[phase_].Add(numbers.rmssd_ms);
  CountMore(numbers.more, &sums.more);
}

void Replay::CountPair(const PairNumbers& numbers, int64_t tick_end_us) {
  if (plan_.people[IndexOf(numbers.a)].counts_from_us > tick_end_us ||
      plan_.people[IndexOf(numbers.b)].counts_from_us > tick_end_us) {
    return;
  }
  const auto [it, added] = pairs_.try_emplace({numbers.a, numbers.b});
  PairSums& sums = it->second;
  if (added) sums = {ByPhase(), ByPhase(), {}};
  sums.r_mean_windowed[phase_].Add(numbers.r_mean_windowed);
  sums.plv_lf[phase_].Add(numbers.plv_lf);
  CountMore(numbers.more, &sums.more);
}

void Replay::CountGroup(const GroupNumbers& numbers, int64_t tick_end_us) {
  if (numbers.contributors != contributors_) {
    contributors_ = numbers.contributors;
    contributors_since_us_ = tick_end_us;
  }
  const int people = static_cast<int>(contributors_.size());
  const bool settled = tick_end_us - contributors_since_us_ >= plan_.group_settle_us;
  if (people < plan_.group_least || !settled) {
    const Absence reason =
        people < plan_.group_least ? Absence::kTooFewPeople : Absence::kNotEnoughData;
    group_.order_parameter[phase_].AddAbsent(reason);
    group_.r_mean_pairwise[phase_].AddAbsent(reason);
    return;
  }
  group_.order_parameter[phase_].Add(numbers.order_parameter);
  group_.r_mean_pairwise[phase_].Add(numbers.r_mean_pairwise);
  CountMore(numbers.more, &group_.more);
  Keep(Measure::kOrderParameter, tick_end_us, numbers.order_parameter);
  Keep(Measure::kRMeanPairwise, tick_end_us, numbers.r_mean_pairwise);
  for (const NamedNumber& named : numbers.more) Keep(named.measure, named.as_of_us, named.number);
  if (numbers.order_parameter.absent == Absence::kNone ||
      numbers.r_mean_pairwise.absent == Absence::kNone) {
    int& fewest = group_.fewest[phase_];
    fewest = fewest == 0 ? people : std::min(fewest, people);
  }
}

void Replay::CountMore(const std::vector<NamedNumber>& named, More* more) const {
  for (const NamedNumber& one : named) {
    MoreSums& sums = (*more)[one.measure];
    if (sums.by_phase.empty()) sums.by_phase = ByPhase();
    if (sums.as_of_us == one.as_of_us) continue;
    sums.as_of_us = one.as_of_us;
    sums.by_phase[phase_].Add(one.number);
  }
}

std::vector<NamedNumber> Replay::SumMore(const More& more, Subject subject, size_t phase) const {
  const PlanPhase& span = plan_.phases[phase];
  std::vector<NamedNumber> out;
  for (const Measure measure : plan_.measures) {
    const MeasureInfo* info = FindMeasure(measure);
    if (info == nullptr || info->subject != subject) continue;
    const auto it = more.find(measure);
    const MeanNumber sums = it == more.end() ? MeanNumber() : it->second.by_phase[phase];
    out.push_back({measure, span.to_us, sums.Mean(span.to_us - span.from_us)});
  }
  return out;
}

void Replay::Keep(Measure measure, int64_t as_of_us, const Number& number) {
  if (plan_.baseline_to_us <= plan_.baseline_from_us || number.absent != Absence::kNone) return;
  std::vector<ValueAt>& values = group_.values[measure];
  if (values.empty() || values.back().as_of_us < as_of_us) {
    values.push_back({as_of_us, number.value});
  }
}

std::vector<PhaseChange> Replay::Changes(const PlanPhase& phase) const {
  std::vector<PhaseChange> changes;
  const SessionPhase baseline{plan_.baseline_from_us, plan_.baseline_to_us};
  const bool holds_baseline = phase.from_us < baseline.to_us && baseline.from_us < phase.to_us;
  if (baseline.to_us <= baseline.from_us || holds_baseline) return changes;
  for (const auto& [measure, values] : group_.values) {
    const int64_t window_us = int64_t{FindMeasure(measure)->window_seconds} * 1'000'000;
    const ChangeFromBaseline change =
        MeasureChange(values, window_us, baseline, {phase.from_us, phase.to_us});
    PhaseChange& out = changes.emplace_back();
    out.measure = measure;
    out.difference.absent = change.absent;
    out.difference.window_us = phase.to_us - phase.from_us;
    if (change.absent != Absence::kNone) continue;
    out.difference.value = change.difference;
    out.difference.uncertainty = change.error;
    out.standardised = change.standardised;
  }
  return changes;
}

DataQuality Replay::Quality(size_t index) const {
  DataQuality quality = QualityOf(beats_[index], plan_.length_us, params_);
  const PersonSums& sums = people_[index];
  if (sums.coverage_ticks > 0) {
    quality.coverage = sums.coverage / static_cast<double>(sums.coverage_ticks);
  }
  return quality;
}

Summary Replay::Sum() const {
  Summary summary;
  for (size_t i = 0; i < plan_.people.size(); ++i) {
    PersonSummary& person = summary.people.emplace_back();
    person.person = plan_.people[i].person;
    person.quality = Quality(i);
  }
  for (const auto& [pair, sums] : pairs_) summary.pairs.push_back({pair.first, pair.second, {}});
  for (size_t k = 0; k < plan_.phases.size(); ++k) {
    const uint32_t phase = plan_.phases[k].phase;
    const int64_t window_us = plan_.phases[k].to_us - plan_.phases[k].from_us;
    for (size_t i = 0; i < people_.size(); ++i) {
      PersonPhase& out = summary.people[i].phases.emplace_back();
      out.phase = phase;
      out.hr_bpm = people_[i].hr_bpm[k].Mean(window_us);
      out.rmssd_ms = people_[i].rmssd_ms[k].Mean(window_us);
      out.more = SumMore(people_[i].more, Subject::kPerson, k);
      if (plan_.people[i].measured_from_us != kNever) continue;
      out.hr_bpm.absent = out.rmssd_ms.absent = Absence::kNoConsent;
      for (NamedNumber& named : out.more) named.number.absent = Absence::kNoConsent;
    }
    size_t index = 0;
    for (const auto& [pair, sums] : pairs_) {
      PairPhase& out = summary.pairs[index++].phases.emplace_back();
      out.phase = phase;
      out.r_mean_windowed = sums.r_mean_windowed[k].Mean(window_us);
      out.share_above = sums.r_mean_windowed[k].share_above();
      out.ticks = sums.r_mean_windowed[k].values();
      out.plv_lf = sums.plv_lf[k].Mean(window_us);
      out.plv_lf_share_above = sums.plv_lf[k].share_above();
      out.more = SumMore(sums.more, Subject::kPair, k);
    }
    GroupPhase& out = summary.group.emplace_back();
    out.phase = phase;
    out.order_parameter = group_.order_parameter[k].Mean(window_us);
    out.r_mean_pairwise = group_.r_mean_pairwise[k].Mean(window_us);
    out.share_above = group_.r_mean_pairwise[k].share_above();
    out.ticks = group_.r_mean_pairwise[k].values();
    out.people = group_.fewest[k];
    out.more = SumMore(group_.more, Subject::kGroup, k);
    out.changes = Changes(plan_.phases[k]);
  }
  return summary;
}

}  // namespace attune::synchrony
