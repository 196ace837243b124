#include "services/synchrony/signal/stretch.h"

#include <algorithm>
#include <limits>

#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/curve.h"
#include "services/synchrony/signal/grid.h"
#include "services/synchrony/signal/screen.h"

namespace attune::synchrony {
namespace {

void FillIntervals(BeatTrack* track, const Params& params, Stretch* stretch) {
  const PackedBeats& beats = track->beats();
  const size_t begin = track->UpperBound(stretch->from_us);
  const size_t end = track->UpperBound(stretch->to_us);
  const size_t known = track->UpperBound(stretch->to_us + params.horizon_us);
  stretch->beats = static_cast<int>(end - begin);
  for (size_t k = begin; k < end; ++k) {
    stretch->raw_rr_ms.push_back(beats[k].rr_1024 * 1000.0 / 1024);
  }
  // The beat after the end may make knots before it.
  for (size_t k = begin; k < std::min(end + 1, known); ++k) {
    const Verdict verdict = track->Judge(k, known);
    if (k < end && verdict.artefact()) ++stretch->artefacts;
    BeatKnot knots[3];
    const int count = KnotsOf(beats, k, verdict, knots);
    for (int i = 0; i < count; ++i) {
      if (knots[i].time_us <= stretch->from_us || knots[i].time_us > stretch->to_us) continue;
      NnInterval interval;
      interval.end_us = knots[i].time_us;
      interval.nn_ms = knots[i].units() * 1000.0 / kGridUnitsPerSecond;
      interval.corrected = !verdict.clean();
      interval.adjacent = verdict.clean() && k > begin && track->Judge(k - 1, known).clean() &&
                          IsAdjacent(beats, k, params);
      stretch->nn.push_back(interval);
    }
  }
}

void FillGrid(BeatTrack* track, const Params& params, Stretch* stretch) {
  const int64_t samples = (stretch->to_us - stretch->from_us) / kSampleUs;
  stretch->grid_ms.assign(static_cast<size_t>(samples), std::numeric_limits<double>::quiet_NaN());
  Curve curve;
  for (int64_t k = 0; k < samples; ++k) {
    double units = 0;
    if (curve.At(stretch->from_us + (k + 1) * kSampleUs, track, params, &units)) {
      stretch->grid_ms[static_cast<size_t>(k)] = units * 1000.0 / kGridUnitsPerSecond;
    }
  }
}

}  // namespace

Stretch BuildStretch(const std::vector<Beat>& beats, const Timing& timing, int64_t from_us,
                     int64_t to_us, const Params& params) {
  Stretch stretch;
  stretch.from_us = from_us;
  stretch.to_us = to_us;
  stretch.timing = timing;
  if (to_us <= from_us) return stretch;
  BeatTrack track(params, beats);
  FillGrid(&track, params, &stretch);
  FillIntervals(&track, params, &stretch);
  return stretch;
}

}  // namespace attune::synchrony
