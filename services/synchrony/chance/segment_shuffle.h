// Chance by pairing anew: does what belongs together go together better than what does not?
//
// A matrix holds a statistic of every row with every column; row i belongs to column i. The value
// is the mean of the diagonal; the null values are the means under other pairings (permutations),
// one column for each row. Of one pair of people: rows are a's segments and columns b's (Ramseyer &
// Tschacher 2010). Of a room of couples: rows are the first partners, columns the second ones, so
// the null is made of pseudo-couples who were in the same room at the same time but not together.
//
// Exact as long as the pairing is the only thing that could make the diagonal special: what all
// couples of a room share (a pacer, a film, the time since the beginning) is in the null as well.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_SEGMENT_SHUFFLE_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_SEGMENT_SHUFFLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace attune::synchrony {

struct PairingNull {
  double observed = 0;
  std::vector<double> null_values;
};

// `matrix`: size x size, row-major, no NaN. Up to 6 rows: every pairing once, but for the observed
// one (6 rows: 719); more: `draws` pairings by SplitMix64 (Steele, Lea & Flood 2014) from `seed`,
// the observed one not excepted. p = (1 + #null >= observed) / (1 + n) is then exact, its smallest
// value 1 / size! or 1 / (1 + draws). Fewer than 2 rows: no null values.
PairingNull PairingTest(std::span<const double> matrix, size_t size, int draws, uint64_t seed);

// Everyone with everyone of another couple: the pseudo-couples of a room, (first, second) with
// first < second, ascending. People of several couples are never paired with a partner of theirs.
std::vector<std::pair<int, int>> PseudoPairs(std::span<const std::pair<int, int>> couples);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_SEGMENT_SHUFFLE_H_
