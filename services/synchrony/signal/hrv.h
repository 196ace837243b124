// One person's short-time values from corrected beats. Interval sums are exact integers.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_HRV_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_HRV_H_

#include <cstdint>

#include "services/synchrony/params.h"
#include "services/synchrony/signal/beat_track.h"

namespace attune::synchrony {

// Sums over the beats with time in (from_us, until_us], judged with what is known of the beats up
// to until_us + horizon_us.
struct BeatSums {
  int32_t beats = 0;        // as they came
  int32_t artefacts = 0;    // of these not taken as they came (Verdict::artefact)
  int64_t rr_1024 = 0;      // sum of the intervals, 1/1024 s
  int32_t intervals = 0;    // taken as they came or corrected
  int32_t differences = 0;  // of truly adjacent beats, neither corrected, both in the window
  int64_t squared_differences = 0;  // (1/1024 s)^2

  // More than this share of the beats are artefacts.
  bool ArtefactsBeyond(double share) const { return artefacts > share * beats; }
};
BeatSums SumBeats(BeatTrack* track, int64_t from_us, int64_t until_us, const Params& params);
// The same over the beats [begin, end), knowing [0, known); `window` as in BeatTrack::Tally.
BeatSums SumBeats(BeatTrack* track, size_t window, size_t begin, size_t end, size_t known);

// 60 / mean interval, beats per minute; needs intervals > 0.
double HeartRateBpm(const BeatSums& sums);
// sqrt(mean of squared differences of adjacent intervals), ms; needs differences > 0.
double RmssdMs(const BeatSums& sums);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_HRV_H_
