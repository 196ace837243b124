#include "services/synchrony/replay/select.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/synchrony/replay/contributors.h"

namespace attune::synchrony {
namespace {

bool Before(const TimedBeat& timed, int64_t time_us) { return timed.beat.time_us < time_us; }

// The newest beat at or before `time_us`; absent before the first.
std::optional<int64_t> LastBeatUs(const PlanPerson& person, int64_t time_us) {
  const auto after = std::upper_bound(
      person.beats.begin(), person.beats.end(), time_us,
      [](int64_t time, const TimedBeat& timed) { return time < timed.beat.time_us; });
  if (after == person.beats.begin()) return std::nullopt;
  return (after - 1)->beat.time_us;
}

// Did it run at any time of (from, to]?
bool RunsIn(const PlanCause& cause, int64_t from_us, int64_t to_us) {
  return cause.from_us < to_us && cause.to_us > from_us;
}

}  // namespace

Selection SelectAt(const Plan& plan, int64_t tick_end_us, const Params& params) {
  Selection selection;
  std::vector<Attendee> attendees;
  for (const PlanPerson& person : plan.people) {
    if (person.until_us <= tick_end_us || person.measured_from_us > tick_end_us) continue;
    attendees.push_back({person.person, LastBeatUs(person, tick_end_us),
                         person.group_from_us <= tick_end_us, person.open_from_us <= tick_end_us});
  }
  std::vector<std::pair<int, int>> pairs;
  for (const PlanPair& pair : plan.pairs) {
    if (pair.from_us <= tick_end_us) pairs.emplace_back(pair.a, pair.b);
  }
  SelectContributors(attendees, pairs, plan.open_people_most, tick_end_us, &selection);
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
