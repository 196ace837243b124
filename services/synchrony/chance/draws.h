// The fixed pseudo-random circular shifts under which a group is compared with itself.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_DRAWS_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_DRAWS_H_

#include <cstdint>
#include <vector>

namespace attune::synchrony {

// For each of `draws` draws one shift in [0, length) per person. Within a draw any two people are
// at least `apart` from each other, both ways round, as far as a few tries find room (there is none
// when people * 1.5 * apart > length; then the shifts are merely independent). Same arguments, same
// shifts: SplitMix64 (Steele, Lea & Flood 2014) from `seed`.
std::vector<int> DrawShifts(uint64_t seed, int draws, int people, int length, int apart);

// One independent shift in [0, length) of one person in one draw, whoever else there is.
int DrawShift(uint64_t seed, int draw, int person, int length);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_DRAWS_H_
