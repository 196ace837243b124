#include "services/synchrony/group/stretch_measures.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/chance/draws.h"
#include "services/synchrony/chance/null.h"
#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/signal/channel.h"

namespace attune::synchrony {
namespace {

// Fewer null values than this say nothing of a tail of 0.05.
constexpr size_t kFewestNullValues = 20;

// Unit vectors of the low-frequency band, without the ends that the filter loses.
std::vector<UnitVector> PhasesOf(const BandFilter& filter, const std::vector<double>& grid_ms) {
  std::vector<UnitVector> phases;
  const auto half = static_cast<size_t>(filter.half());
  if (grid_ms.size() <= 2 * half) return phases;
  const std::vector<dsp::Complex> band = filter.Apply(grid_ms);
  for (size_t t = half; t + half < band.size(); ++t) {
    const double size = dsp::Abs(band[t]);
    phases.push_back(size > 0 ? UnitVector{band[t].re / size, band[t].im / size} : UnitVector{});
  }
  return phases;
}

}  // namespace

bool HasChance(Measure measure) {
  switch (measure) {
    case Measure::kClusterPhaseRho:
    case Measure::kMeanCoherence:
    case Measure::kMvSusyLambdaEs:
    case Measure::kMvSusyOmegaEs:
      return true;
    default:
      return false;
  }
}

GroupAnalysis::GroupAnalysis(const std::vector<const Stretch*>& people, bool common_cause,
                             const Params& params, int chance_draws)
    : params_(params), common_cause_(common_cause), chance_draws_(chance_draws) {
  size_t artefacts = 0, timing = 0;
  double all_coverage = 0, contributing_coverage = 0;
  for (size_t i = 0; i < people.size(); ++i) {
    Number& own = own_basis_.emplace_back();
    if (people[i] == nullptr) continue;
    const Stretch& person = *people[i];
    own.window_us = basis_.window_us = person.to_us - person.from_us;
    own.coverage = dsp::CleanShare(person.grid_ms);
    own.doubtful = person.ArtefactShare() > params.artefact_doubtful_share;
    all_coverage += own.coverage;
    if (person.ArtefactShare() > params.artefact_refuse_share) {
      own.absent = Absence::kArtefacts;
      ++artefacts;
    } else if (own.coverage < params.contributor_min_coverage || person.grid_ms.empty()) {
      own.absent = Absence::kNotEnoughData;
    } else if (person.timing.jitter_us > params.jitter_limit_us) {
      own.absent = Absence::kTimingTooUncertain;
      ++timing;
    } else {
      own.absent = Absence::kNone;
      contributing_coverage += own.coverage;
      basis_.doubtful = basis_.doubtful || own.doubtful;
      contributors_.push_back(i);
      signals_.grid.push_back(person.grid_ms);
    }
  }
  if (contributors_.size() >= 2) {
    basis_.absent = Absence::kNone;
    basis_.coverage = contributing_coverage / static_cast<double>(contributors_.size());
    return;
  }
  if (!people.empty()) basis_.coverage = all_coverage / static_cast<double>(people.size());
  basis_.absent = Absence::kTooFewPeople;
  if (contributors_.size() + timing >= 2) basis_.absent = Absence::kTimingTooUncertain;
  if (contributors_.size() + artefacts >= 2) basis_.absent = Absence::kArtefacts;
}

GroupAnalysis::Known& GroupAnalysis::Know(GroupFamily family) {
  std::optional<Known>& known = known_[static_cast<size_t>(family)];
  if (!known) {
    known.emplace();
    if (family == GroupFamily::kClusterPhase) {
      const BandFilter filter(Channel::kLf, 0, params_);
      for (const std::vector<double>& grid_ms : signals_.grid) {
        signals_.phases.push_back(PhasesOf(filter, grid_ms));
      }
    }
    known->values = AnalyseFamily(family, SignalsFor(family), params_.group_seed);
  }
  return *known;
}

// Turned copies are made of the same signals, so a line is taken out once and before turning: a
// copy of what has a trend would have a step where its ends meet, and a second line taken out of
// copies only would take their slow waves along.
const GroupSignals& GroupAnalysis::SignalsFor(GroupFamily family) {
  if (family != GroupFamily::kEigen) return signals_;
  if (level_.grid.empty()) {
    level_.grid = signals_.grid;
    RemoveLinesOverGaps(&level_.grid);
  }
  return level_;
}

void GroupAnalysis::AddChance(GroupFamily family, size_t slot, Number* number) {
  if (common_cause_) {
    number->chance_absent = Absence::kCommonCause;
    return;
  }
  Known& known = Know(family);
  if (!known.has_null) {
    known.has_null = true;
    known.null_values.resize(known.values->group.size());
    const int people = static_cast<int>(contributors_.size());
    const int length = static_cast<int>(Samples(signals_.grid));
    const std::vector<int> shifts =
        DrawShifts(params_.group_seed, chance_draws_, people, length,
                   params_.group_shift_apart_seconds * kSamplesPerSecond);
    for (int draw = 0; draw < chance_draws_; ++draw) {
      const auto values = AnalyseFamily(
          family, Turned(SignalsFor(family), &shifts[static_cast<size_t>(draw * people)]),
          params_.group_seed);
      if (!values) continue;
      for (size_t k = 0; k < values->group.size(); ++k) {
        if (std::isfinite(values->group[k])) known.null_values[k].push_back(values->group[k]);
      }
    }
  }
  std::vector<double>& null_values = known.null_values[slot];
  // Copies that lack the samples for a value are left out; too many of them, and the rest may
  // differ.
  if (null_values.size() < kFewestNullValues ||
      2 * null_values.size() < static_cast<size_t>(chance_draws_)) {
    number->chance_absent = Absence::kNotEnoughData;
    return;
  }
  number->has_chance = true;
  number->chance = ChanceFrom(number->value, null_values);
}

Number GroupAnalysis::Group(Measure measure) {
  Number number = basis_;
  const std::optional<GroupFamily> family = GroupFamilyOf(measure);
  const GroupFamilyMeasures measures = family ? MeasuresOfFamily(*family) : GroupFamilyMeasures{};
  const auto at = std::find(measures.group.begin(), measures.group.end(), measure);
  const bool wants_chance = chance_draws_ > 0 && HasChance(measure);
  if (at == measures.group.end()) {
    number.absent = Absence::kNotEnoughData;
  } else if (number.absent == Absence::kNone && contributors_.size() > MaxPeople(*family)) {
    number.absent = Absence::kTooManyPeople;
  } else if (number.absent == Absence::kNone) {
    const auto slot = static_cast<size_t>(at - measures.group.begin());
    const Known& known = Know(*family);
    number.absent = Absence::kNotEnoughData;
    if (known.values && std::isfinite(known.values->group[slot])) {
      number.absent = Absence::kNone;
      number.value = known.values->group[slot];
      if (wants_chance) AddChance(*family, slot, &number);
      return number;
    }
  }
  if (wants_chance) {
    number.chance_absent = common_cause_ ? Absence::kCommonCause : number.absent;
  }
  return number;
}

Number GroupAnalysis::Own(Measure measure, size_t index) {
  Number number = own_basis_[index];
  if (number.absent != Absence::kNone) return number;
  if (basis_.absent != Absence::kNone) {
    number.absent = basis_.absent;
    return number;
  }
  number.absent = Absence::kNotEnoughData;
  const std::optional<GroupFamily> family = GroupFamilyOf(measure);
  const GroupFamilyMeasures measures = family ? MeasuresOfFamily(*family) : GroupFamilyMeasures{};
  const auto at = std::find(measures.own.begin(), measures.own.end(), measure);
  if (at == measures.own.end()) return number;
  if (contributors_.size() > MaxPeople(*family)) {
    number.absent = Absence::kTooManyPeople;
    return number;
  }
  const Known& known = Know(*family);
  if (!known.values) return number;
  const auto person = static_cast<size_t>(
      std::lower_bound(contributors_.begin(), contributors_.end(), index) - contributors_.begin());
  const double value = known.values->own[static_cast<size_t>(at - measures.own.begin())][person];
  if (!std::isfinite(value)) return number;
  number.absent = Absence::kNone;
  number.value = value;
  return number;
}

std::vector<Number> MeasureGroup(std::span<const Measure> measures,
                                 const std::vector<const Stretch*>& people, bool common_cause,
                                 const Params& params, int chance_draws) {
  GroupAnalysis analysis(people, common_cause, params, chance_draws);
  std::vector<Number> numbers;
  for (Measure measure : measures) numbers.push_back(analysis.Group(measure));
  return numbers;
}

Number MeasureInGroup(Measure measure, const std::vector<const Stretch*>& people, size_t index,
                      bool common_cause, const Params& params) {
  return GroupAnalysis(people, common_cause, params).Own(measure, index);
}

}  // namespace attune::synchrony
