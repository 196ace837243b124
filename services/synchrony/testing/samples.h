// Chance levels of people who never met: what the tail (tail.h) is fitted to and checked on.
//
// The 54 people of tests/data/nsr2db are played to the engine together, everybody from a random
// moment of their hour on, in two halves: a pair or a group is taken from one half alone, so that a
// choice made on one half can be judged on the other.
#ifndef ATTUNE_SERVICES_SYNCHRONY_TESTING_SAMPLES_H_
#define ATTUNE_SERVICES_SYNCHRONY_TESTING_SAMPLES_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

struct Samples {
  // Numbers with a chance level; looks at one and the same pair share no data.
  std::vector<Number> r_mean_windowed, plv_lf, order_parameter, r_mean_pairwise;
};

inline constexpr int kHalfPeople = 27;

// `half`: 0 or 1. Looks after `first_s` seconds, then every 180 s up to `seconds`; all of `rounds`
// with other moments. Deterministic in `seed`.
Samples SamplePairs(int half, int rounds, int first_s, int seconds, uint64_t seed);

// The same for groups of `size` (2..27) people of one half.
Samples SampleGroups(int half, int size, int rounds, int first_s, int seconds, uint64_t seed);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_TESTING_SAMPLES_H_
