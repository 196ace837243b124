#include "services/synchrony/group/families.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/synchrony/group/cluster_phase.h"
#include "services/synchrony/group/eigen.h"
#include "services/synchrony/group/group_coherence.h"
#include "services/synchrony/group/mdrqa.h"
#include "services/synchrony/group/mvsusy.h"
#include "services/synchrony/group/symbolic.h"
#include "services/synchrony/group/sync_index.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr double kMinCommonShare = 0.5;  // samples at which everybody is there
constexpr double kMinRunShare = 0.8;     // without a break
constexpr double kMinPeopleShare = 0.8;  // who have a phase at a moment

constexpr size_t kCoherenceSegment = 30 * kSamplesPerSecond;
constexpr int kCoherenceMinSegments = 8;  // independent signals give about 1 / segments
constexpr double kCoherenceLowHz = 0.04;
constexpr double kCoherenceHighHz = 0.40;

constexpr size_t kShortSegment = 15 * kSamplesPerSecond;
constexpr size_t kLongSegment = 30 * kSamplesPerSecond;
constexpr size_t kLongSegmentsFrom = 600 * kSamplesPerSecond;
constexpr double kMinSegmentShare = 0.8;
constexpr int kMinSegments = 6;
constexpr int kSegmentDraws = 100;

constexpr size_t kDriverLag = 5 * kSamplesPerSecond;  // as far as pairs are looked at

bool AllThere(const Table& grid, size_t t) {
  return std::all_of(grid.begin(), grid.end(), [t](const auto& x) { return std::isfinite(x[t]); });
}

bool Enough(size_t samples, size_t of, double share) {
  return of > 0 && static_cast<double>(samples) >= share * static_cast<double>(of);
}

// The samples at which everybody is there, one after the other.
std::optional<Table> Common(const Table& grid) {
  Table common(grid.size());
  for (size_t t = 0; t < Samples(grid); ++t) {
    if (!AllThere(grid, t)) continue;
    for (size_t i = 0; i < grid.size(); ++i) common[i].push_back(grid[i][t]);
  }
  if (!Enough(Samples(common), Samples(grid), kMinCommonShare)) return std::nullopt;
  return common;
}

// The longest stretch in which everybody is there without a break, the first of equals.
std::optional<Table> CommonRun(const Table& grid) {
  size_t begin = 0, count = 0, from = 0;
  for (size_t t = 0; t < Samples(grid); ++t) {
    if (!AllThere(grid, t)) {
      from = t + 1;
    } else if (t + 1 - from > count) {
      begin = from;
      count = t + 1 - from;
    }
  }
  if (!Enough(count, Samples(grid), kMinRunShare)) return std::nullopt;
  Table run;
  for (const std::vector<double>& x : grid) {
    const auto first = x.begin() + static_cast<ptrdiff_t>(begin);
    run.emplace_back(first, first + static_cast<ptrdiff_t>(count));
  }
  return run;
}

std::optional<GroupFamilyValues> AnalyseEigen(const Table& grid) {
  std::optional<Table> people = Common(grid);
  // With no more samples than people the correlations are degenerate.
  if (!people || Samples(*people) <= 2 * people->size()) return std::nullopt;
  const std::optional<dsp::Matrix> r = Correlations(std::move(*people));
  if (!r) return std::nullopt;
  const EigenMeasures measures = MeasureEigenvalues(*r);
  return GroupFamilyValues{{measures.leading_pct, measures.s_estimator, Omega(*r)},
                           {LeaveOneOutR(*r)}};
}

std::optional<GroupFamilyValues> AnalyseClusterPhase(const GroupSignals& signals) {
  const std::optional<ClusterPhase> result = MeasureClusterPhase(signals.phases, kMinPeopleShare);
  if (!result ||
      !Enough(static_cast<size_t>(result->moments), signals.phases[0].size(), kMinCommonShare)) {
    return std::nullopt;
  }
  return GroupFamilyValues{{result->rho}, {result->rho_own}};
}

std::optional<GroupFamilyValues> AnalyseRecurrence(const Table& grid) {
  std::optional<Table> run = CommonRun(grid);
  if (!run) return std::nullopt;
  const double radius = kMdrqaRadiusPerRootPerson * std::sqrt(static_cast<double>(grid.size()));
  const auto result = MultidimensionalRecurrence(std::move(*run), {1, 1, radius});
  if (!result) return std::nullopt;
  const double line_max = static_cast<double>(result->line_max);
  GroupFamilyValues values{{100 * result->recurrence_rate, kNan, kNan, line_max, kNan}, {}};
  // What is said of points or of lines needs one.
  if (result->recurrence_rate > 0) values.group[1] = 100 * result->determinism;
  if (result->line_max > 0) {
    values.group[2] = result->line_mean;
    values.group[4] = result->entropy;
  }
  return values;
}

std::optional<GroupFamilyValues> AnalyseEntropy(const Table& grid) {
  const std::optional<Table> people = Common(grid);
  if (!people) return std::nullopt;
  const std::optional<double> entropy = SymbolicEntropy(*people);
  if (!entropy) return std::nullopt;
  return GroupFamilyValues{{*entropy}, {}};
}

std::optional<GroupFamilyValues> AnalyseCoherence(const Table& grid) {
  const auto result =
      MeasureGroupCoherence(grid, kSamplesPerSecond, kCoherenceSegment, kCoherenceMinSegments,
                            kCoherenceLowHz, kCoherenceHighHz);
  if (!result) return std::nullopt;
  return GroupFamilyValues{{result->mean_coherence, result->sum_normalised_csd}, {}};
}

std::optional<GroupFamilyValues> AnalyseSurrogate(const Table& grid, uint64_t seed) {
  const bool is_long = Samples(grid) >= kLongSegmentsFrom;
  const MvSusySegments segments(grid, is_long ? kLongSegment : kShortSegment, kMinSegmentShare);
  if (segments.usable() < kMinSegments) return std::nullopt;
  const auto result = segments.Measure(
      DrawSegments(seed, kSegmentDraws, static_cast<int>(grid.size()), segments.usable()));
  if (!result) return std::nullopt;
  return GroupFamilyValues{{result->leading_pct.effect_size, result->omega.effect_size}, {}};
}

std::optional<GroupFamilyValues> AnalyseDrivers(const Table& grid) {
  auto result = MeasureDrivers(grid, kDriverLag);
  if (!result || !Enough(result->moments, Samples(grid), kMinCommonShare)) return std::nullopt;
  return GroupFamilyValues{{}, {std::move(result->driver), std::move(result->empath)}};
}

}  // namespace

std::optional<GroupFamily> GroupFamilyOf(Measure measure) {
  for (size_t f = 0; f < kGroupFamilies; ++f) {
    const GroupFamilyMeasures measures = MeasuresOfFamily(static_cast<GroupFamily>(f));
    if (std::count(measures.group.begin(), measures.group.end(), measure) +
            std::count(measures.own.begin(), measures.own.end(), measure) >
        0) {
      return static_cast<GroupFamily>(f);
    }
  }
  return std::nullopt;
}

GroupFamilyMeasures MeasuresOfFamily(GroupFamily family) {
  switch (family) {
    case GroupFamily::kEigen:
      return {{Measure::kLeadingEigenvaluePct, Measure::kSEstimator, Measure::kOmega},
              {Measure::kLeaveOneOutR}};
    case GroupFamily::kClusterPhase:
      return {{Measure::kClusterPhaseRho}, {Measure::kClusterPhaseRhoOwn}};
    case GroupFamily::kRecurrence:
      return {{Measure::kMdrqaRecPct, Measure::kMdrqaDetPct, Measure::kMdrqaLineMean,
               Measure::kMdrqaLineMax, Measure::kMdrqaEntropy},
              {}};
    case GroupFamily::kEntropy:
      return {{Measure::kSymbolicEntropy}, {}};
    case GroupFamily::kCoherence:
      return {{Measure::kMeanCoherence, Measure::kSumNormalisedCsd}, {}};
    case GroupFamily::kSurrogate:
      return {{Measure::kMvSusyLambdaEs, Measure::kMvSusyOmegaEs}, {}};
    case GroupFamily::kDrivers:
      return {{}, {Measure::kDriverScore, Measure::kEmpathScore}};
  }
  return {};
}

size_t MaxPeople(GroupFamily family) {
  return family == GroupFamily::kEntropy ? kSymbolicMaxPeople : kGroupMaxPeople;
}

GroupSignals Turned(const GroupSignals& signals, const int* shifts) {
  GroupSignals turned;
  turned.grid = Shifted(signals.grid, shifts);
  for (size_t i = 0; i < signals.phases.size(); ++i) {
    std::vector<UnitVector> phases = signals.phases[i];
    if (!phases.empty()) {
      const auto shift = static_cast<ptrdiff_t>(static_cast<size_t>(shifts[i]) % phases.size());
      std::rotate(phases.begin(), phases.end() - shift, phases.end());
    }
    turned.phases.push_back(std::move(phases));
  }
  return turned;
}

std::optional<GroupFamilyValues> AnalyseFamily(GroupFamily family, const GroupSignals& signals,
                                               uint64_t seed) {
  if (signals.grid.size() < 2 || signals.grid.size() > MaxPeople(family)) return std::nullopt;
  switch (family) {
    case GroupFamily::kEigen:
      return AnalyseEigen(signals.grid);
    case GroupFamily::kClusterPhase:
      return AnalyseClusterPhase(signals);
    case GroupFamily::kRecurrence:
      return AnalyseRecurrence(signals.grid);
    case GroupFamily::kEntropy:
      return AnalyseEntropy(signals.grid);
    case GroupFamily::kCoherence:
      return AnalyseCoherence(signals.grid);
    case GroupFamily::kSurrogate:
      return AnalyseSurrogate(signals.grid, seed);
    case GroupFamily::kDrivers:
      return AnalyseDrivers(signals.grid);
  }
  return std::nullopt;
}

}  // namespace attune::synchrony
