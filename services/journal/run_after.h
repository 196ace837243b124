// Something later: a timer, or the scheduler of a simulation.
#ifndef ATTUNE_SERVICES_JOURNAL_RUN_AFTER_H_
#define ATTUNE_SERVICES_JOURNAL_RUN_AFTER_H_

#include <cstdint>
#include <functional>

namespace attune::journal {

// Calls a function once, so many microseconds later, from any thread, never before it returns.
using RunAfter = std::function<void(int64_t after_us, std::function<void()> call)>;

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_RUN_AFTER_H_
