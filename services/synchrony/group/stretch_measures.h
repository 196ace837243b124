// The measures of a group over a window or a whole recording: all that the catalogue has on request
// or in batch for a group, and for a person within it.
//
// Contributors: people with clean samples for Params::contributor_min_coverage of the stretch, at
// most Params::artefact_refuse_share of artefacts, and a jitter within Params::jitter_limit_us. The
// group's values are those of its contributors. Nothing is interpolated; the samples that count:
//   leading eigenvalue, S-estimator, omega, leave-one-out r: those at which all contributors are
//     there, at least half of the stretch; each person's own line is taken out first
//   symbolic entropy: the same samples as they are
//   multidimensional recurrence: the longest part where all are there without a break, at least 0.8
//     of the stretch; at most 68 minutes (its cost grows with the square)
//   cluster phase: moments at which 0.8 of the contributors have a phase of the low-frequency waves
//     (signal/channel.h; 10 s are lost at each end), at least half of those there could be
//   coherence: per pair the segments of 30 s (half overlapping) in which both are there without a
//     gap, at least 8 and half of all; at least 0.8 of the pairs; 0.04-0.40 Hz
//   surrogate synchrony: segments of 15 s (30 s in stretches of 10 min and more) of which everybody
//     has 0.8, at least 6 of them; a missing sample counts as at the person's mean of the segment
//   drivers and empaths: moments at which all are there, now and 5 s before, at least half
//
// Chance: circular shifts of each person by fixed draws (chance/draws.h), each person at another
// place; one-sided p. Only the measures of HasChance() have one, and only where it is asked for.
//
// Absent with kTooFewPeople: fewer than two contributors (kTimingTooUncertain or kArtefacts when
// only that kept people out); kTooManyPeople: above MaxPeople() of families.h; kNotEnoughData: too
// few samples by the above.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_STRETCH_MEASURES_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_STRETCH_MEASURES_H_

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "services/synchrony/group/families.h"
#include "services/synchrony/measure.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {

// Whose false-positive rate on independent people has been held (false_positive_test.cc).
bool HasChance(Measure measure);

// Everything of one group over one stretch. Each analysis is made when first asked for, and kept.
// Deterministic; not thread-safe.
class GroupAnalysis {
 public:
  // people[i] is null when nothing is known of that person; all others have the same from_us and
  // to_us. They are not needed after the constructor. chance_draws: null values per measure, each
  // as dear as the measure's analysis; 0: no chance levels.
  GroupAnalysis(const std::vector<const Stretch*>& people, bool common_cause, const Params& params,
                int chance_draws = 0);

  // Indices into people, ascending.
  const std::vector<size_t>& contributors() const { return contributors_; }

  // Of the group: any on request or in batch; others are kNotEnoughData. Coverage: the mean of the
  // contributors' shares of clean samples. Doubtful: any contributor is.
  Number Group(Measure measure);

  // kLeaveOneOutR, kClusterPhaseRhoOwn, kDriverScore or kEmpathScore of people[index]. Who does not
  // contribute: kArtefacts, kTimingTooUncertain or kNotEnoughData. Coverage: the person's own.
  Number Own(Measure measure, size_t index);

 private:
  struct Known {  // of one family
    std::optional<GroupFamilyValues> values;
    bool has_null = false;
    std::vector<std::vector<double>> null_values;  // [measure][draw]
  };

  const GroupSignals& SignalsFor(GroupFamily family);
  Known& Know(GroupFamily family);
  void AddChance(GroupFamily family, size_t slot, Number* number);

  const Params params_;
  const bool common_cause_;
  const int chance_draws_;
  std::vector<Number> own_basis_;  // of each person: window, coverage, why not contributing
  Number basis_;                   // of the group
  std::vector<size_t> contributors_;
  GroupSignals signals_;  // of the contributors
  GroupSignals level_;    // their grids without their lines
  std::array<std::optional<Known>, kGroupFamilies> known_;
};

// One number per measure, in the order given.
std::vector<Number> MeasureGroup(std::span<const Measure> measures,
                                 const std::vector<const Stretch*>& people, bool common_cause,
                                 const Params& params, int chance_draws = 0);

// One number of people[index] within the group. For several use GroupAnalysis.
Number MeasureInGroup(Measure measure, const std::vector<const Stretch*>& people, size_t index,
                      bool common_cause, const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_STRETCH_MEASURES_H_
