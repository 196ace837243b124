// The core numbers of one group at one tick.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_MEASURES_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_MEASURES_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "services/synchrony/chance/moments.h"
#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/group/crowd_sums.h"
#include "services/synchrony/group/order.h"
#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

// Contributors and the number that both group values start from: coverage, and why there is no
// value (kNone: there can be one).
struct GroupBasis {
  std::vector<int> contributors;
  std::vector<const PersonTrack*> tracks;  // of the contributors
  std::vector<size_t> places;              // of the contributors, in the group
  Number number;
};

class GroupMeasures {
 public:
  // All must outlive this; what it keeps of small groups lies in `memory`.
  GroupMeasures(const Params& params, const Kernels& kernels,
                std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // group[i] with its track (null: unknown). A contributor has contributor_min_coverage over the
  // whole span and a jitter within the limit. (An unknown constant delay can only lower the group's
  // values, so it keeps nobody out.)
  void FindBasis(std::span<const int> group, std::span<PersonTrack* const> tracks, const Span& span,
                 GroupBasis* basis) const;

  // Mean over 30 s of the order parameter. Chance: the same delays at every tick.
  Number OrderParameter(const GroupBasis& basis, int64_t tick_end_us, bool common_cause);

  // Mean of r over every usable window of every pair of contributors, for up to
  // group_max_people_chance of them. `sums`: all pairs (i, j), i < j, of the group's known members
  // in lexicographic order, null where one is unknown; `group_size` members. Each draw looks a pair
  // up at the difference of the two people's shifts.
  Number MeanPairwise(const GroupBasis& basis, std::span<const ShiftSums* const> sums,
                      size_t group_size, bool common_cause);

  // The same of a larger group, by sums over people. Every tick, or after ForgetCrowd().
  Number MeanPairwiseOfCrowd(const GroupBasis& basis, bool common_cause);
  void ForgetCrowd() { crowd_.Clear(); }

  // Somebody comes or goes; before the track goes away.
  void Forget(int person);

  size_t MemoryBytes() const;

 private:
  void ChooseShifts(size_t people, int length);
  Standing StandingOf(const GroupBasis& basis, double value,
                      std::span<const double> null_values) const;
  void AddChance(const Standing& standing, bool common_cause, Number* number) const;
  void SumPairs(const GroupBasis& basis, std::span<const ShiftSums* const> sums, size_t group_size);

  const Params& params_;
  OrderTrack order_;
  std::vector<int> order_people_;  // whom order_ stands on
  // What order_ says, until it says something else.
  bool order_any_ = false;
  double order_value_ = 0;
  Standing order_standing_;
  // Mean pairwise r and its chance level, which hold until a window of somebody changes.
  std::vector<int> pairwise_people_;
  bool pairwise_any_ = false;
  double pairwise_value_ = 0;
  Standing pairwise_standing_;
  CrowdSums crowd_;
  // Shift of each person in each draw, by person; kept, since they seldom change.
  size_t shift_people_ = 0;
  std::pmr::vector<int16_t> shifts_;
  std::vector<const PhaseRing*> rings_;  // of the contributors, for the time of a call
  std::vector<CrowdSums::Member> members_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_MEASURES_H_
