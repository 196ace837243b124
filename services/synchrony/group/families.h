// Analyses of a group that give several measures at once, each as a pure function of the people's
// grids (or phases): the same function serves the people as they were and their shifted copies.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_FAMILIES_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_FAMILIES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "services/synchrony/group/table.h"
#include "services/synchrony/measure.h"
#include "services/synchrony/signal/phase.h"

namespace attune::synchrony {

enum class GroupFamily : uint8_t {
  kEigen,
  kClusterPhase,
  kRecurrence,
  kEntropy,
  kCoherence,
  kSurrogate,
  kDrivers,
};
inline constexpr size_t kGroupFamilies = 7;

// The family of a group measure or of a person's measure within the group; nothing for others.
std::optional<GroupFamily> GroupFamilyOf(Measure measure);

// The measures of the group, then those of each person, that a family gives; in this order below.
struct GroupFamilyMeasures {
  std::vector<Measure> group;
  std::vector<Measure> own;
};
GroupFamilyMeasures MeasuresOfFamily(GroupFamily family);

struct GroupFamilyValues {
  std::vector<double> group;             // NaN: no value
  std::vector<std::vector<double>> own;  // [measure][person]
};

// All pairs of more people cost more than a tick should.
inline constexpr size_t kGroupMaxPeople = 64;
size_t MaxPeople(GroupFamily family);

// Radius of the recurrence in standard deviations, times the root of the number of people:
// distances between states grow like it. Strangers' hearts come back within it in about 19 % of all
// moments of a minute for 2 people, 9 % for 4, 4 % for 8 and 2-3 % for 16 to 30.
inline constexpr double kMdrqaRadiusPerRootPerson = 0.6;

// What the analyses look at. Missing: NaN in the grid, {0, 0} among the phases.
struct GroupSignals {
  Table grid;                                   // 4 Hz, ms; for kEigen without each person's line
  std::vector<std::vector<UnitVector>> phases;  // 4 Hz, low-frequency waves, without the ends that
                                                // the filter loses; only for kClusterPhase
};

// Each person turned round the circle: sample t becomes what was at t - shift. shifts: one per
// person, in [0, length of the grid); the phases turn by as much, modulo their own length.
GroupSignals Turned(const GroupSignals& signals, const int* shifts);

// Nothing when too few samples are there (stretch_measures.h says how many each needs). Between 2
// and MaxPeople(family) people. `seed`: of the surrogate segments.
std::optional<GroupFamilyValues> AnalyseFamily(GroupFamily family, const GroupSignals& signals,
                                               uint64_t seed);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_FAMILIES_H_
