// Who counts at a tick: the same rule for live ticks and for reports, which differ only in how they
// know what holds at the tick. Pure.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_CONTRIBUTORS_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_CONTRIBUTORS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// A person without a beat for so long is no longer in the frames.
inline constexpr int64_t kAbsentUs = 60'000'000;

// A person who takes part at the tick and may be measured.
struct Attendee {
  int person = 0;
  // Newest beat at or before the tick's end. Without one nobody counts: nobody appears by
  // connecting alone.
  std::optional<int64_t> last_beat_us;
  bool group = false;  // may contribute to the group
  bool open = false;   // is a pair with everybody else who is open
};

// Writes people, group and pairs of a selection.
// `attendees`: ascending by person, each once. `pairs`: looked at whoever else is open, smaller
// number first, in any order; counted when both have begun. With more than `open_people_most` who
// are open and have begun, being open makes no pairs.
void SelectContributors(const std::vector<Attendee>& attendees,
                        const std::vector<std::pair<int, int>>& pairs, size_t open_people_most,
                        int64_t tick_end_us, Selection* selection);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_CONTRIBUTORS_H_
