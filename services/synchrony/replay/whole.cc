#include "services/synchrony/replay/whole.h"

#include <algorithm>
#include <map>
#include <utility>

#include "services/synchrony/group/stretch_measures.h"
#include "services/synchrony/pair/stretch_measures.h"
#include "services/synchrony/person/person_measures.h"
#include "services/synchrony/replay/select.h"
#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {
namespace {

// p of a group down to 0.005.
constexpr int kGroupDraws = 199;

struct Subjects {
  std::vector<Measure> person;
  std::vector<Measure> within;  // of a person within the group
  std::vector<Measure> pair;
  std::vector<Measure> group;
};

// What only a whole recording has, and what has a chance level of its own over one.
bool HasWhole(const MeasureInfo& info) {
  switch (info.subject) {
    case Subject::kPerson:
      return info.availability == Availability::kBatch;
    case Subject::kPair:
      return info.availability == Availability::kBatch || PairHasChance(info.measure);
    case Subject::kGroup:
      return info.availability == Availability::kBatch || HasChance(info.measure);
  }
  return false;
}

Subjects BySubject(const std::vector<Measure>& measures) {
  Subjects out;
  for (const Measure measure : measures) {
    const MeasureInfo* info = FindMeasure(measure);
    if (info == nullptr || !HasWhole(*info)) continue;
    if (measure == Measure::kDriverScore || measure == Measure::kEmpathScore) {
      out.within.push_back(measure);
    } else if (info->subject == Subject::kPerson) {
      out.person.push_back(measure);
    } else if (info->subject == Subject::kPair) {
      out.pair.push_back(measure);
    } else {
      out.group.push_back(measure);
    }
  }
  return out;
}

Stretch SignalOf(const PlanPerson& person, const Plan& plan, const Params& params) {
  const auto taken = [&](int64_t time_us) {
    return time_us >= person.measured_from_us && time_us < person.until_us;
  };
  Timing timing;
  for (const TimedBeat& timed : person.beats) {
    if (!taken(timed.beat.time_us)) continue;
    timing.jitter_us = std::max(timing.jitter_us, timed.timing.jitter_us);
    timing.offset_bound_us = std::max(timing.offset_bound_us, timed.timing.offset_bound_us);
  }
  std::vector<Beat> beats;
  for (const Beat& beat : EngineBeats(person)) {
    if (taken(beat.time_us)) beats.push_back(beat);
  }
  return BuildStretch(beats, timing, 0, plan.length_us, params);
}

size_t IndexOf(const Plan& plan, int person) {
  const auto it =
      std::lower_bound(plan.people.begin(), plan.people.end(), person,
                       [](const PlanPerson& other, int number) { return other.person < number; });
  return static_cast<size_t>(it - plan.people.begin());
}

// All that a tick of the plan may hold, ascending.
std::vector<PlanPair> PairsOf(const Plan& plan) {
  std::map<std::pair<int, int>, PlanPair> pairs;
  for (const PlanPair& pair : plan.pairs) {
    if (pair.from_us != kNever) pairs[{pair.a, pair.b}] = pair;
  }
  std::vector<int> open;
  for (const PlanPerson& person : plan.people) {
    if (person.open_from_us != kNever && person.measured_from_us != kNever) {
      open.push_back(person.person);
    }
  }
  for (size_t i = 0; open.size() <= plan.open_people_most && i < open.size(); ++i) {
    for (size_t j = i + 1; j < open.size(); ++j) {
      pairs.try_emplace({open[i], open[j]}, PlanPair{open[i], open[j], 0});
    }
  }
  std::vector<PlanPair> out;
  for (const auto& [key, pair] : pairs) out.push_back(pair);
  return out;
}

}  // namespace

std::vector<Measure> OverTheWhole(const std::vector<Measure>& measures, int64_t length_us) {
  std::vector<Measure> out;
  for (const Measure measure : measures) {
    const MeasureInfo* info = FindMeasure(measure);
    if (info == nullptr || !HasWhole(*info)) continue;
    if (length_us > kWholeMostUs && info->availability != Availability::kBatch) continue;
    out.push_back(measure);
  }
  return out;
}

std::vector<WholeNumbers> MeasureWhole(const Plan& plan, const std::vector<Measure>& measures,
                                       const Params& params,
                                       const std::function<void(double)>& progress) {
  std::vector<WholeNumbers> out;
  const Subjects subjects = BySubject(measures);
  if (plan.length_us > kWholeMostUs || subjects.person.empty() + subjects.within.empty() +
                                               subjects.pair.empty() + subjects.group.empty() ==
                                           4) {
    return out;
  }
  std::vector<Stretch> signals;
  std::vector<const Stretch*> group_signals;
  for (const PlanPerson& person : plan.people) signals.push_back(SignalOf(person, plan, params));
  for (size_t i = 0; i < plan.people.size(); ++i) {
    const bool contributes =
        plan.people[i].group_from_us != kNever && plan.people[i].measured_from_us != kNever;
    group_signals.push_back(contributes ? &signals[i] : nullptr);
  }
  bool common_cause = false;
  for (const PlanCause& cause : plan.causes) common_cause |= cause.from_us < plan.length_us;
  GroupAnalysis group(group_signals, common_cause, params, kGroupDraws);

  for (size_t i = 0; i < plan.people.size(); ++i) {
    WholeNumbers person;
    person.a = plan.people[i].person;
    for (const Measure measure : subjects.person) {
      person.numbers.push_back(
          {measure, plan.length_us, MeasurePerson(measure, signals[i], /*pacer_hz=*/0, params)});
    }
    for (const Measure measure : subjects.within) {
      person.numbers.push_back({measure, plan.length_us, group.Own(measure, i)});
    }
    if (!person.numbers.empty()) out.push_back(std::move(person));
  }
  if (progress) progress(0.1);
  const auto pairs = subjects.pair.empty() ? std::vector<PlanPair>{} : PairsOf(plan);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Stretch& a = signals[IndexOf(plan, pairs[i].a)];
    const Stretch& b = signals[IndexOf(plan, pairs[i].b)];
    const std::vector<Number> numbers =
        MeasurePairs(subjects.pair, a, b, /*pacer_hz=*/0, common_cause, params, kPairChanceShifts);
    WholeNumbers pair{pairs[i].a, pairs[i].b, {}};
    for (size_t k = 0; k < numbers.size(); ++k) {
      pair.numbers.push_back({subjects.pair[k], plan.length_us, numbers[k]});
    }
    out.push_back(std::move(pair));
    if (progress) {
      progress(0.1 + 0.7 * static_cast<double>(i + 1) / static_cast<double>(pairs.size()));
    }
  }
  WholeNumbers of_group;
  for (const Measure measure : subjects.group) {
    of_group.numbers.push_back({measure, plan.length_us, group.Group(measure)});
  }
  if (!of_group.numbers.empty()) out.push_back(std::move(of_group));
  if (progress) progress(1);
  return out;
}

}  // namespace attune::synchrony
