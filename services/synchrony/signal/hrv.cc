#include "services/synchrony/signal/hrv.h"

#include <cmath>

#include "services/synchrony/signal/screen.h"

namespace attune::synchrony {

BeatSums SumBeats(BeatTrack* track, int64_t from_us, int64_t until_us, const Params& params) {
  BeatSums sums;
  const std::vector<Beat>& beats = track->beats();
  const size_t begin = track->UpperBound(from_us);
  const size_t end = track->UpperBound(until_us);
  const size_t known = track->UpperBound(until_us + params.horizon_us);
  sums.beats = static_cast<int32_t>(end - begin);
  bool previous_clean = false;
  for (size_t k = begin; k < end; ++k) {
    const Verdict verdict = track->Judge(k, known);
    sums.artefacts += verdict.artefact() ? 1 : 0;
    if (verdict.clean() || verdict.corrected()) {
      // An extra beat makes one interval of two, a missed one two or three of one.
      const bool merged = verdict.kind == BeatClass::kExtra && verdict.part == 1;
      sums.intervals += merged ? 0 : 1;
      if (verdict.kind == BeatClass::kMissed) sums.intervals += verdict.part;
      sums.rr_1024 += beats[k].rr_1024;
    }
    if (verdict.clean() && previous_clean && IsAdjacent(beats, k, params)) {
      const int64_t difference = int64_t{beats[k].rr_1024} - beats[k - 1].rr_1024;
      ++sums.differences;
      sums.squared_differences += difference * difference;
    }
    previous_clean = verdict.clean();
  }
  return sums;
}

double HeartRateBpm(const BeatSums& sums) {
  return 60.0 * 1024 * sums.intervals / static_cast<double>(sums.rr_1024);
}

double RmssdMs(const BeatSums& sums) {
  return std::sqrt(static_cast<double>(sums.squared_differences) / sums.differences) * 1000 / 1024;
}

}  // namespace attune::synchrony
