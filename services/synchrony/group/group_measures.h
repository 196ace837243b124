// The numbers of one group at one tick.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_MEASURES_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_MEASURES_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/pair/pair_measures.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

// Contributors and the number that both group values start from: coverage, and why there is no
// value (kNone: there can be one).
struct GroupBasis {
  std::vector<int> contributors;
  std::vector<const PersonTrack*> tracks;  // of the contributors
  Number number;
};

class GroupMeasures {
 public:
  explicit GroupMeasures(const Params& params) : params_(params) {}

  // group[i] with its track (null: unknown). A contributor has contributor_min_coverage over the
  // whole span and a jitter within the limit. (An unknown constant delay can only lower the group's
  // values, so it keeps nobody out.)
  GroupBasis Basis(const std::vector<int>& group, const std::vector<const PersonTrack*>& tracks,
                   const Span& span) const;

  // Mean over 30 s of the order parameter. Chance: the same draws of circular shifts at every tick.
  Number OrderParameter(const GroupBasis& basis, int64_t tick_end_us, bool common_cause);

  // Mean of r over every usable window of every pair of contributors. `sums`: all pairs (i, j),
  // i < j, of basis.tracks in lexicographic order; each draw looks a pair up at the difference of
  // the two people's shifts.
  Number MeanPairwise(const GroupBasis& basis, const std::vector<const ShiftSums*>& sums,
                      const Span& span, bool common_cause);

  // The same value for a group too large for pair sums, in O(people): per window, sum over pairs of
  // z_i . z_j = (|sum z_i|^2 - sum |z_i|^2) / 2. No chance level (kTooManyPeople).
  Number MeanPairwiseLarge(const GroupBasis& basis, const Span& span, bool common_cause) const;

 private:
  // The draws for `people` over `length` moments; kept, since they seldom change.
  struct Draws {
    int people = -1;
    int length = -1;
    std::vector<int> shifts;
  };
  const std::vector<int>& ShiftsFor(Draws* draws, int people, int length) const;

  const Params& params_;
  Draws order_draws_;
  Draws pairwise_draws_;
  std::vector<double> null_values_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_GROUP_MEASURES_H_
