// Real hearts with artefacts put in at known places; for tests only.
#ifndef ATTUNE_SERVICES_SYNCHRONY_TESTING_INJECTION_H_
#define ATTUNE_SERVICES_SYNCHRONY_TESTING_INJECTION_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/synchrony/signal/screen.h"

namespace attune::synchrony::testing {

struct InjectedEvent {
  size_t index = 0;  // of the (first) interval it spoils
  Verdict truth;     // kMissed with part 1 or 2, kExtra, kEctopic
};

struct InjectedSeries {
  std::vector<double> rr_ms;
  std::vector<InjectedEvent> events;  // ascending
};

// The longest stretch of person `nsr` in which no interval differs from the one before it by more
// than 20 % (Malik's rule: a measure of "clean" that is not ours) nor leaves 300..2000 ms.
std::vector<double> CleanStretch(int nsr);

// Shares of beats to spoil, one kind drawn after the other; events lie `apart_min`..`apart_max`
// beats apart. `missed2`: two adjacent beats removed. Extra beats lie at 35..65 % of an interval;
// ectopic beats are 25..40 % of their interval early, the next beat unmoved.
struct InjectionMix {
  int missed = 1, missed2 = 0, extra = 1, ectopic = 1;  // weights
  int apart_min = 10, apart_max = 30;
};
InjectedSeries Inject(const std::vector<double>& rr_ms, const InjectionMix& mix, uint64_t seed);

}  // namespace attune::synchrony::testing

#endif  // ATTUNE_SERVICES_SYNCHRONY_TESTING_INJECTION_H_
