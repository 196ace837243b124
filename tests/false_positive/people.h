// Real hearts that never met: the people of tests/data/nsr2db, any stretch of each, whole or
// damaged.
#ifndef ATTUNE_TESTS_FALSE_POSITIVE_PEOPLE_H_
#define ATTUNE_TESTS_FALSE_POSITIVE_PEOPLE_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::false_positive {

using Heart = std::vector<synchrony::Beat>;

inline constexpr int kPeople = 54;
inline constexpr int kRecordedSeconds = 3590;  // of everybody

// What goes wrong on the way. Beats are chosen at random, each kind by itself.
struct Damage {
  double missed = 0;        // share of beats not noticed: one interval in place of two
  double ectopic = 0;       // share of beats that come 30 % early, with a pause after
  int dropout_every_s = 0;  // 10 s without any beat, on average so far apart; 0: none
};

// `seconds` of person 0..53 from `from_s` on, as session time 0... Ends the program when there is
// no such recording.
Heart Stretch(int person, int from_s, int seconds);

// The same with damage; deterministic in `seed`.
Heart Damaged(const Heart& heart, const Damage& damage, uint64_t seed);

// Who sits together, and which stretch of each is played: rooms of `size` different people. With
// more people than there are, everybody comes twice, stretches at least 20 minutes apart.
struct Seat {
  int person = 0;
  int from_s = 0;
};
std::vector<std::vector<Seat>> Seating(int size, int rooms, int seconds, uint64_t seed);

}  // namespace attune::false_positive

#endif  // ATTUNE_TESTS_FALSE_POSITIVE_PEOPLE_H_
