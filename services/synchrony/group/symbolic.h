// Symbolic entropy of a group: each person's samples as low, middle or high (terciles of that
// person's own window), the joint pattern of everybody at each sample, and the Shannon entropy of
// the patterns, in nats. Low: the group keeps to few joint states. (As multiSyncPy.)
//
// At most N ln 3, and at most ln of the number of samples: with many people nearly every sample has
// a pattern of its own, and the value only says how many samples there were. Compare windows of
// equal length and equal people only.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_SYMBOLIC_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_SYMBOLIC_H_

#include <optional>

#include "services/synchrony/group/table.h"

namespace attune::synchrony {

// 3^40 patterns have room in 64 bits; the entropy has long said nothing by then.
inline constexpr size_t kSymbolicMaxPeople = 40;

// Terciles by linear interpolation between order statistics: below the first is low, else below the
// second is middle. Nothing with nobody, no sample, or too many people.
std::optional<double> SymbolicEntropy(const Table& people);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_SYMBOLIC_H_
