// What a tick of a plan holds. Pure functions.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_SELECT_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_SELECT_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/replay/plan.h"

namespace attune::synchrony {

Selection SelectAt(const Plan& plan, int64_t tick_end_us, const Params& params);

// Worst timing of the beats that a tick can look back on.
Timing TimingAt(const PlanPerson& person, int64_t tick_end_us, const Params& params);

// First beat at or before the tick: nobody appears by connecting alone.
bool HasBegun(const PlanPerson& person, int64_t tick_end_us);

// Index in Plan::phases.
size_t PhaseIndexAt(const Plan& plan, int64_t tick_end_us);

// As the engine keeps them: one beat per time.
std::vector<Beat> EngineBeats(const PlanPerson& person);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_SELECT_H_
