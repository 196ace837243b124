#include "services/synchrony/signal/hrv.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/signal/screen.h"

namespace attune::synchrony {
namespace {

size_t FirstAfter(const std::vector<Beat>& beats, int64_t time_us) {
  return static_cast<size_t>(
      std::upper_bound(beats.begin(), beats.end(), time_us,
                       [](int64_t time, const Beat& beat) { return time < beat.time_us; }) -
      beats.begin());
}

}  // namespace

BeatSums SumBeats(const std::vector<Beat>& beats, int64_t from_us, int64_t until_us,
                  const Params& params) {
  BeatSums sums;
  const size_t begin = FirstAfter(beats, from_us);
  const size_t end = FirstAfter(beats, until_us);
  const size_t known = FirstAfter(beats, until_us + params.horizon_us);
  bool previous_clean = false;
  for (size_t k = begin; k < end; ++k) {
    ++sums.beats;
    const bool clean = IsClean(beats, k, known, params);
    if (clean) {
      ++sums.clean;
      sums.clean_rr_1024 += beats[k].rr_1024;
      if (previous_clean && IsAdjacent(beats, k, params)) {
        const int64_t difference = int64_t{beats[k].rr_1024} - beats[k - 1].rr_1024;
        ++sums.differences;
        sums.squared_differences += difference * difference;
      }
    }
    previous_clean = clean;
  }
  return sums;
}

double HeartRateBpm(const BeatSums& sums) {
  return 60.0 * 1024 * sums.clean / static_cast<double>(sums.clean_rr_1024);
}

double RmssdMs(const BeatSums& sums) {
  return std::sqrt(static_cast<double>(sums.squared_differences) / sums.differences) * 1000 / 1024;
}

}  // namespace attune::synchrony
