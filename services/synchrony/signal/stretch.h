// One person's signal over a stretch of time: what every measure of a window or of a whole
// recording reads. Live windows and recordings are the same thing here, so the same code serves
// both.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_STRETCH_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_STRETCH_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

// A normal-to-normal interval after correction.
struct NnInterval {
  int64_t end_us = 0;  // the beat that ends it
  double nn_ms = 0;
  bool corrected = false;  // made or moved by the correction
  bool adjacent = false;  // continues the one before it with nothing missing and neither corrected:
                          // only such differences count
};

struct Stretch {
  int64_t from_us = 0;  // (from_us, to_us]
  int64_t to_us = 0;
  std::vector<NnInterval> nn;  // ascending
  // 4 Hz: element k stands for the time from_us + (k + 1) * kSampleUs. In ms; NaN where missing.
  std::vector<double> grid_ms;
  // The intervals of `beats` beats, as they came: what rules over raw beats judge.
  std::vector<double> raw_rr_ms;
  int beats = 0;      // as they came
  int artefacts = 0;  // of these not taken as they came
  Timing timing;

  double ArtefactShare() const { return beats == 0 ? 0 : static_cast<double>(artefacts) / beats; }
};

// The stretch (from_us, to_us] of one person's beats (any order; those outside the stretch decide
// verdicts and slopes near its ends; of two at the same time the shorter interval and any gap win).
// A pure function, linear in the number of beats and samples.
//
// grid_ms: the curve of signal/grid.h, unrounded doubles: what the live grid holds, before that
// rounds to 1/2048 s. Each sample knows the beats up to its time + Params::horizon_us, as live.
// nn, beats, artefacts: judged knowing the beats up to to_us + Params::horizon_us.
// Empty when to_us <= from_us. Times must be within 0..Engine::kMaxTimeUs; the grid is as long as
// the stretch, so the caller bounds it.
Stretch BuildStretch(const std::vector<Beat>& beats, const Timing& timing, int64_t from_us,
                     int64_t to_us, const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_STRETCH_H_
