// Faults that are planted on purpose, to see that the checker finds them. Never in shipped code: in
// what stands between it and the simulation.
#ifndef ATTUNE_TESTS_SIMULATION_PLANTED_H_
#define ATTUNE_TESTS_SIMULATION_PLANTED_H_

namespace attune::simulation {

struct Planted {
  bool ack_before_append = false;  // the journal says OK when it is asked
  bool never_fence = false;        // leases seem never to end on the owner's clock
  bool ignore_floor = false;       // acquire.lua does not look at the epoch floor
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_PLANTED_H_
