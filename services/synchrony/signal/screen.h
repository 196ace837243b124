// Which beats to trust, beat by beat and without memory.
//
// A beat is rejected when its interval
//   - lies outside rr_min_ms..rr_max_ms, or
//   - differs from the median of its neighbours by more than screen_deviation_pct (a missed beat is
//     about +100 %, an extra one about -50 %), or
//   - and the adjacent one lie on opposite sides of that median, each by more than
//     screen_pair_pct (short-long: an ectopic beat).
// No deviation below screen_deviation_floor_ms counts, which leaves quiet hearts recorded in steps
// of 1/128 s alone. Neighbours: up to screen_before intervals before and screen_after after, in
// range, at most screen_reach_us away; with fewer than three only the range is judged. The median
// is of raw neighbours, not of accepted ones: the verdict on one beat never depends on a verdict
// far back, so it can be recomputed from a few beats at any time.
//
// Own rule, with the usual percentage limits (Malik 20 %, Kamath 32.5/24.5 %) as the yardstick.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SCREEN_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SCREEN_H_

#include <cstddef>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

// Is beat k to be trusted, knowing only beats[0, known)? k < known <= beats.size(); beats
// ascending.
bool IsClean(const std::vector<Beat>& beats, size_t k, size_t known, const Params& params);

// Does beat k continue beat k - 1 without anything missing between them? False for k = 0.
bool IsAdjacent(const std::vector<Beat>& beats, size_t k, const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_SCREEN_H_
