// Ticks: when one closes, whom its frame is about, and the frame itself.
//
// Tick t ends at t * tick_ms and needs data up to its end plus the engine's horizon. It closes when
// its end has passed and
//   - everybody who is waited for is complete through what it needs, and there is somebody; or
//   - every source has ended; or
//   - the lateness limit has passed: need + lateness, where time before the last change of owner
//     does not count and people get kReattachGraceUs to come back after one.
//
// Waited for: who may be measured, has not left, is not finished, and is connected or was less than
// kLinkMemoryUs ago. After a change of owner nobody is connected yet: whoever has sent data is
// waited for during kReattachGraceUs, whoever has not during kFirstDataGraceUs.
//
// A frame depends on beats (by their own time), the roster, consents, pairs, practices and
// phases - never on when something arrived.
#ifndef ATTUNE_SERVICES_SESSION_TICKS_H_
#define ATTUNE_SERVICES_SESSION_TICKS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "attune/v1/live.pb.h"
#include "services/session/state.h"
#include "services/synchrony/engine.h"

namespace attune::session {

const synchrony::Params& EngineParams();
// What names the numbers in `created` and in reports.
std::string EngineVersion();

// In lab sessions every pair of so many people is shown; with more, only those who joined as one.
inline constexpr size_t kLabPairPeople = 64;

struct Closing {
  int64_t at_us = kNever;    // kNever: there is no next tick
  bool by_lateness = false;  // somebody's data is not complete now
};
Closing NextClosing(const State& state);

// When everything that may show in frames up to the end has been said: no tick is left to close.
bool AllTicksClosed(const State& state);

// Is everybody who ever sent anything finished (and somebody there)?
bool AllFinished(const State& state);

// Whom a live tick is about: people who left are gone at once; consent as it stands. (Reports: see
// plan.h.)
synchrony::Selection Select(const Book& book, int64_t tick_end_us);

// Worst timing of the beats a tick can look back on.
synchrony::Timing TimingAt(const Person& person, int64_t tick_end_us);

// Evaluates a tick: sets the timing of all selected, asks the engine, and writes it down.
struct Evaluated {
  v1::Frame frame;
  std::vector<uint32_t> contributors;
};
Evaluated Evaluate(const Book& book, uint64_t tick, synchrony::Engine& engine);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_TICKS_H_
