// One person's short-time values from screened beats. Interval sums are exact integers.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_HRV_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_HRV_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

// Sums over the beats with time in (from_us, until_us], screened with what is known of the beats up
// to until_us + horizon_us.
struct BeatSums {
  int32_t beats = 0;
  int32_t clean = 0;
  int64_t clean_rr_1024 = 0;        // sum of the clean intervals
  int32_t differences = 0;          // of truly adjacent beats, both clean, both in the window
  int64_t squared_differences = 0;  // (1/1024 s)^2
};
BeatSums SumBeats(const std::vector<Beat>& beats, int64_t from_us, int64_t until_us,
                  const Params& params);

// 60 / mean interval, beats per minute; needs clean > 0.
double HeartRateBpm(const BeatSums& sums);
// sqrt(mean of squared differences of adjacent intervals), ms; needs differences > 0.
double RmssdMs(const BeatSums& sums);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_HRV_H_
