// Quality of one person's beats.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_QUALITY_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_QUALITY_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/replay/summary.h"

namespace attune::synchrony {

// Of the beats up to `end_us`, each judged as it was live: with what was known of it one horizon
// later. `rejudged` counts the beats whose verdict was not the same all the way from knowing
// nothing after the beat to then, one beat more at a time. `beats`: ascending, one per time. The
// coverage is left to the caller.
DataQuality QualityOf(const std::vector<Beat>& beats, int64_t end_us, const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_QUALITY_H_
