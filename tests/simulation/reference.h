// What a session should have come to: the same decisions of its people, and every beat that their
// agents kept, in order and in time (I4). Frames are compared tick by tick up to the first that was
// closed by lateness, the report as a whole.
#ifndef ATTUNE_TESTS_SIMULATION_REFERENCE_H_
#define ATTUNE_TESTS_SIMULATION_REFERENCE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "attune/v1/journal.pb.h"
#include "edge/client/outbox.h"

namespace attune::simulation {

struct Spool {
  std::string boot_id;
  std::vector<edge::StampedBeat> beats;
};

struct Compared {
  std::vector<std::string> problems;  // empty: equal
  uint64_t ticks = 0;                 // compared
  bool report = false;                // compared
};

// `records`: the journal of a session, by number. `spools`: by participant.
Compared CompareWithReference(const std::map<uint64_t, v1::JournalRecord>& records,
                              const std::map<uint32_t, Spool>& spools);

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_REFERENCE_H_
