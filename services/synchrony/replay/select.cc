#include "services/synchrony/replay/select.h"

#include <algorithm>

namespace attune::synchrony {
namespace {

bool Before(const TimedBeat& timed, int64_t time_us) { return timed.beat.time_us < time_us; }

// The newest beat at or before `time_us`; there is one.
int64_t LastBeatUs(const PlanPerson& person, int64_t time_us) {
  const auto after = std::upper_bound(
      person.beats.begin(), person.beats.end(), time_us,
      [](int64_t time, const TimedBeat& timed) { return time < timed.beat.time_us; });
  return (after - 1)->beat.time_us;
}

// Did it run at any time of (from, to]?
bool RunsIn(const PlanCause& cause, int64_t from_us, int64_t to_us) {
  return cause.from_us < to_us && cause.to_us > from_us;
}

void SelectPairs(const Plan& plan, int64_t tick_end_us, const std::vector<const PlanPerson*>& there,
                 Selection* selection) {
  const auto is_there = [&](int person) {
    const auto it = std::lower_bound(
        there.begin(), there.end(), person,
        [](const PlanPerson* other, int number) { return other->person < number; });
    return it != there.end() && (*it)->person == person;
  };
  for (const PlanPair& pair : plan.pairs) {
    if (pair.from_us <= tick_end_us && is_there(pair.a) && is_there(pair.b)) {
      selection->pairs.emplace_back(pair.a, pair.b);
    }
  }
  std::vector<int> open;
  for (const PlanPerson* person : there) {
    if (person->open_from_us <= tick_end_us) open.push_back(person->person);
  }
  if (open.size() <= plan.open_people_most) {
    for (size_t i = 0; i < open.size(); ++i) {
      for (size_t j = i + 1; j < open.size(); ++j) selection->pairs.emplace_back(open[i], open[j]);
    }
  }
  std::sort(selection->pairs.begin(), selection->pairs.end());
  selection->pairs.erase(std::unique(selection->pairs.begin(), selection->pairs.end()),
                         selection->pairs.end());
}

}  // namespace

Selection SelectAt(const Plan& plan, int64_t tick_end_us, const Params& params) {
  Selection selection;
  std::vector<const PlanPerson*> there;
  for (const PlanPerson& person : plan.people) {
    if (!HasBegun(person, tick_end_us) || person.until_us <= tick_end_us ||
        person.measured_from_us > tick_end_us) {
      continue;
    }
    there.push_back(&person);
    if (tick_end_us - LastBeatUs(person, tick_end_us) <= kAbsentUs) {
      selection.people.push_back(person.person);
    }
    if (person.group_from_us <= tick_end_us) selection.group.push_back(person.person);
  }
  SelectPairs(plan, tick_end_us, there, &selection);
  for (const PlanCause& cause : plan.causes) {
    selection.common_cause |= RunsIn(cause, tick_end_us - ReachUs(params), tick_end_us);
    if (RunsIn(cause, tick_end_us - 1, tick_end_us) && cause.pacer_hz > 0) {
      selection.pacer_hz = cause.pacer_hz;
    }
  }
  selection.measures = plan.measures;
  return selection;
}

Timing TimingAt(const PlanPerson& person, int64_t tick_end_us, const Params& params) {
  Timing worst;
  auto timed = std::lower_bound(person.beats.begin(), person.beats.end(),
                                tick_end_us - ReachUs(params), Before);
  for (; timed != person.beats.end() && timed->beat.time_us <= tick_end_us + params.horizon_us;
       ++timed) {
    worst.jitter_us = std::max(worst.jitter_us, timed->timing.jitter_us);
    worst.offset_bound_us = std::max(worst.offset_bound_us, timed->timing.offset_bound_us);
  }
  return worst;
}

bool HasBegun(const PlanPerson& person, int64_t tick_end_us) {
  return !person.beats.empty() && person.beats.front().beat.time_us <= tick_end_us;
}

size_t PhaseIndexAt(const Plan& plan, int64_t tick_end_us) {
  size_t index = 0;
  for (size_t i = 1; i < plan.phases.size(); ++i) {
    if (plan.phases[i].from_us < tick_end_us) index = i;
  }
  return index;
}

std::vector<Beat> EngineBeats(const PlanPerson& person) {
  std::vector<Beat> beats;
  beats.reserve(person.beats.size());
  for (const TimedBeat& timed : person.beats) {
    if (!beats.empty() && beats.back().time_us == timed.beat.time_us) {
      beats.back().gap_before |= timed.beat.gap_before;
      continue;
    }
    beats.push_back(timed.beat);
  }
  return beats;
}

}  // namespace attune::synchrony
