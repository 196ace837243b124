#include "services/synchrony/signal/hrv.h"

#include <cmath>

namespace attune::synchrony {

BeatSums SumBeats(BeatTrack* track, int64_t from_us, int64_t until_us, const Params& params) {
  return SumBeats(track, 0, track->UpperBound(from_us), track->UpperBound(until_us),
                  track->UpperBound(until_us + params.horizon_us));
}

BeatSums SumBeats(BeatTrack* track, size_t window, size_t begin, size_t end, size_t known) {
  BeatSums sums;
  if (end <= begin) return sums;
  const BeatTally tally = track->Tally(window, begin, end, known);
  sums.beats = static_cast<int32_t>(end - begin);
  sums.artefacts = static_cast<int32_t>(tally.artefacts);
  sums.intervals = static_cast<int32_t>(tally.intervals);
  sums.rr_1024 = tally.rr_1024;
  sums.differences = static_cast<int32_t>(tally.differences);
  sums.squared_differences = static_cast<int64_t>(tally.squared_differences);
  return sums;
}

double HeartRateBpm(const BeatSums& sums) {
  return 60.0 * 1024 * sums.intervals / static_cast<double>(sums.rr_1024);
}

double RmssdMs(const BeatSums& sums) {
  return std::sqrt(static_cast<double>(sums.squared_differences) / sums.differences) * 1000 / 1024;
}

}  // namespace attune::synchrony
