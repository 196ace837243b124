// Every number that shapes a result. Two engines with the same version and the same Hash() give
// the same frames for the same calls.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PARAMS_H_
#define ATTUNE_SERVICES_SYNCHRONY_PARAMS_H_

#include <cstdint>

namespace attune::synchrony {

// Raised with every change that can alter a bit of a frame.
inline constexpr int kEngineVersion = 3;

// Fixed by the arithmetic (see signal/grid.h), not to be chosen.
inline constexpr int64_t kSampleUs = 250'000;  // 4 Hz
inline constexpr int kSamplesPerSecond = 4;

struct Params {
  // What is said of time x knows the beats up to x + horizon_us and nothing later.
  int64_t horizon_us = 3'000'000;

  // Artefacts (signal/screen.h).
  int32_t rr_min_ms = 300;
  int32_t rr_max_ms = 2000;
  int32_t screen_before = 5;                    // neighbours before, at most
  int32_t screen_after = 3;                     // beats a verdict looks ahead
  int64_t screen_reach_us = 10'000'000;         // neighbours are no further away than this
  int32_t screen_alpha_pct = 520;               // threshold / quartile deviation
  int32_t screen_window = 91;                   // beats before, at most, in the quartiles
  int32_t screen_window_min = 20;               // fewer: the ceiling is the threshold
  int64_t screen_window_reach_us = 60'000'000;  // and no further away than this
  int32_t screen_floor_ms = 60;                 // thresholds are no lower than this
  int32_t screen_floor_pct = 15;                // nor than this of the median
  int32_t screen_ceiling_pct = 25;              // and no higher than this of the median
  int64_t adjacency_tolerance_us = 250'000;     // |beat distance - RR| of adjacent beats
  int32_t bridge_rejected = 1;                  // rejected beats the grid may pass over
  int64_t bridge_us = 3'000'000;                // and the longest distance between its knots

  // Person.
  int64_t hr_window_us = 15'000'000;
  int32_t hr_min_beats = 5;
  int64_t hrv_window_us = 60'000'000;
  int32_t rmssd_min_differences = 20;
  int32_t artefact_min_beats = 10;
  double artefact_refuse_share = 0.20;
  double artefact_doubtful_share = 0.05;

  // Pair, lagged: a window of 60 s and lags of up to 5 s.
  int32_t lagged_window = 240;          // samples
  int32_t lagged_max_lag = 20;          // samples
  double lagged_min_valid_share = 0.5;  // of the window, clean in both
  // A tenth of the period that carries the measure (4 s: breathing, 10 s: low-frequency waves).
  int64_t jitter_limit_us = 400'000;        // per person, for every r
  int64_t lag_timing_limit_us = 1'000'000;  // both offset bounds and both jitters together

  // Windows and phases are taken once a moment. Neighbouring windows overlap in all but two of 15
  // seconds, and a slow wave takes ten: taking them each second costs four times as much and tells
  // hardly more.
  int32_t moment_seconds = 2;

  // Pair, windowed.
  int32_t window_seconds = 15;          // one window each moment
  double window_min_valid_share = 0.8;  // of each person's samples
  int32_t span_seconds = 180;
  int32_t span_min_seconds = 120;
  double span_min_window_share = 0.7;  // of the windows of the shortest span, clean in both

  // Chance.
  int32_t shift_min_seconds = 30;           // from 0, both ways round
  int32_t shifts_min = 20;                  // fewer usable shifts: no chance level
  double shift_min_window_share = 1.0 / 3;  // a shift with fewer windows than this of the value's
                                            // is not used
  double alpha = 0.05;
  int64_t persistence_us = 35'000'000;
  int64_t persistence_break_us = 5'000'000;  // ticks further apart than this begin anew

  // Group.
  int32_t order_window_seconds = 30;
  int32_t phase_filter_seconds = 20;  // length of the filter; delays by half of it
  double phase_centre_hz = 0.095;     // band 0.04-0.15 Hz
  double phase_min_valid_share = 0.8;
  double contributor_min_coverage = 0.8;  // over the whole span
  int32_t group_draws = 99;
  int32_t group_shift_apart_seconds = 10;
  uint64_t group_seed = 0x5eed0fa77e5e1ea1;
  int32_t group_max_people_chance = 64;  // for r_mean_pairwise

  // Within what the integer arithmetic and the buffers can hold (params.cc says which limits).
  bool Valid() const;

  // Stable over platforms and runs; covers every field above and kEngineVersion.
  uint64_t Hash() const;
};

// The newest moment at or before `time_us`; moment m is second m * moment_seconds.
inline int64_t MomentAt(int64_t time_us, const Params& params) {
  return time_us / (int64_t{params.moment_seconds} * 1'000'000);
}

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PARAMS_H_
