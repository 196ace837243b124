#include "services/synchrony/signal/stretch.h"

#include <algorithm>
#include <limits>

#include "services/synchrony/signal/grid.h"
#include "services/synchrony/signal/screen.h"

namespace attune::synchrony {
namespace {

size_t FirstAfter(const std::vector<Beat>& beats, int64_t time_us) {
  return static_cast<size_t>(
      std::upper_bound(beats.begin(), beats.end(), time_us,
                       [](int64_t time, const Beat& beat) { return time < beat.time_us; }) -
      beats.begin());
}

void FillIntervals(const std::vector<Beat>& beats, const Params& params, Stretch* stretch) {
  const size_t begin = FirstAfter(beats, stretch->from_us);
  const size_t end = FirstAfter(beats, stretch->to_us);
  const size_t known = FirstAfter(beats, stretch->to_us + params.horizon_us);
  bool previous_clean = false;
  for (size_t k = begin; k < end; ++k) {
    ++stretch->beats;
    const bool clean = IsClean(beats, k, known, params);
    if (clean) {
      NnInterval interval;
      interval.end_us = beats[k].time_us;
      interval.nn_ms = beats[k].rr_1024 * 1000.0 / 1024;
      interval.adjacent = previous_clean && IsAdjacent(beats, k, params);
      stretch->nn.push_back(interval);
    } else {
      ++stretch->artefacts;
    }
    previous_clean = clean;
  }
}

void FillGrid(const std::vector<Beat>& beats, const Params& params, Stretch* stretch) {
  const int64_t samples = (stretch->to_us - stretch->from_us) / kSampleUs;
  stretch->grid_ms.assign(static_cast<size_t>(samples), std::numeric_limits<double>::quiet_NaN());
  size_t hint = FirstAfter(beats, stretch->from_us);
  for (int64_t k = 0; k < samples; ++k) {
    double units = 0;
    if (CurveAt(beats, stretch->from_us + (k + 1) * kSampleUs, params, &hint, &units)) {
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
  FillIntervals(beats, params, &stretch);
  FillGrid(beats, params, &stretch);
  return stretch;
}

}  // namespace attune::synchrony
