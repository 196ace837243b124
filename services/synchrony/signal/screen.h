// Which beats to trust, beat by beat and without memory.
//
// The yardstick of a beat is the stretch between the median of up to screen_before intervals before
// it and the median of up to screen_after after it (in range, at most screen_reach_us away). A beat
// is rejected when its interval
//   - lies outside rr_min_ms..rr_max_ms, or
//   - leaves that stretch by more than screen_deviation_pct of the nearer median (a missed beat is
//     about +100 %, an extra one about -50 %), or
//   - leaves it by more than screen_pair_pct and the adjacent one leaves it on the other side
//     likewise, the two taken out of the medians (short-long: an ectopic beat).
// Nothing below screen_deviation_floor_ms counts, which leaves quiet hearts recorded in steps of
// 1/128 s alone; a heart that quickly changes its pace passes because its beats lie between before
// and after. With fewer than three neighbours only the range is judged. The medians are of raw
// intervals, not of accepted ones: no verdict depends on a verdict far back, so each can be
// recomputed from a few beats at any time.
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
