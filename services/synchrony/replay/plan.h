// A whole session or a set of recordings, as far as its numbers depend on it: who was there when,
// with which beats, which pairs were looked at, and where its phases lie. Plain structs.
//
// A live session's report and `attunectl analyze` both make one of these and run it (replay.h);
// equal plans give equal numbers, to the last bit.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_PLAN_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// The longest look back of a core number.
inline int64_t ReachUs(const Params& params) {
  return (int64_t{params.span_seconds} + params.window_seconds) * 1'000'000;
}

struct TimedBeat {
  Beat beat;
  Timing timing;  // under which it was sent
  friend bool operator==(const TimedBeat&, const TimedBeat&) = default;
};

// Each `..._from_us` is a time from which on something holds, in ticks that end at it or later;
// kNever: it never does.
struct PlanPerson {
  int person = 0;
  // Ascending. Of several with one time the first counts, and a gap before any of them.
  std::vector<TimedBeat> beats;
  int64_t until_us = kNever;      // left: is in no tick that ends then or later
  int64_t measured_from_us = 0;   // has own values; without it, nothing below holds either
  int64_t group_from_us = 0;      // may contribute to the group
  int64_t open_from_us = kNever;  // is a pair with everybody else who is open
  int64_t counts_from_us = 0;     // own values and those of the own pairs enter the summary
  friend bool operator==(const PlanPerson&, const PlanPerson&) = default;
};

// A pair that is looked at whoever else is open.
struct PlanPair {
  int a = 0;
  int b = 0;  // larger than a
  int64_t from_us = 0;
  friend bool operator==(const PlanPair&, const PlanPair&) = default;
};

// Ticks that end in (from, to] are of this phase.
struct PlanPhase {
  uint32_t phase = 0;
  int64_t from_us = 0;
  int64_t to_us = 0;
  friend bool operator==(const PlanPhase&, const PlanPhase&) = default;
};

// A shared pacer or stimulus: chance levels say so while anything looks back on it.
struct PlanCause {
  int64_t from_us = 0;
  int64_t to_us = kNever;
  double pacer_hz = 0;  // 0: not a pacer
  friend bool operator==(const PlanCause&, const PlanCause&) = default;
};

struct Plan {
  int64_t tick_us = 1'000'000;
  int64_t length_us = 0;           // ticks end at or before it
  std::vector<PlanPerson> people;  // ascending, each once
  std::vector<PlanPair> pairs;
  size_t open_people_most = 0;    // with more of them at a tick, being open makes no pairs
  std::vector<PlanPhase> phases;  // in order, without holes, the first from 0; at least one
  std::vector<PlanCause> causes;
  // What the group is compared with; empty (0, 0]: nothing.
  int64_t baseline_from_us = 0;
  int64_t baseline_to_us = 0;
  std::vector<Measure> measures;  // beyond the core, ascending
  // Group values of a tick enter the summary only with so many contributors, unchanged for so long.
  int group_least = 0;
  int64_t group_settle_us = 0;
  friend bool operator==(const Plan&, const Plan&) = default;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_PLAN_H_
