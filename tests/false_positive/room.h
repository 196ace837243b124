// A lab session in which everything is shared, played through the session core on a clock of its
// own. What comes out is what a facilitator gets: Project() of every closed tick.
#ifndef ATTUNE_TESTS_FALSE_POSITIVE_ROOM_H_
#define ATTUNE_TESTS_FALSE_POSITIVE_ROOM_H_

#include <functional>
#include <vector>

#include "attune/v1/live.pb.h"
#include "tests/false_positive/people.h"

namespace attune::false_positive {

// Person i of `hearts` is participant i + 1. `look` gets the facilitator's frame of every second up
// to `seconds`, in order. `measures` are computed beyond those of every frame. Ends the program
// when the session refuses anything.
void PlayRoom(const std::vector<Heart>& hearts, int seconds,
              const std::function<void(const v1::Frame&)>& look,
              const std::vector<v1::Measure>& measures = {});

}  // namespace attune::false_positive

#endif  // ATTUNE_TESTS_FALSE_POSITIVE_ROOM_H_
