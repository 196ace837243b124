// The measures of a pair over a window or a whole recording: every pair measure of the catalogue.
//
// Sign everywhere: positive lag, positive phase difference = B FOLLOWS A.
//
// Measure: where it is defined; what it needs.
// - r_mean_windowed: windowed_r.h, windows as live; Params::span_min_window_share of the windows.
// - r_zero_lag: r of the whole, line removed; half of the samples.
// - r_peak, lag_ms: EstimateLag of wcc.h over the whole, +-5 s; half of the samples at each lag.
// - wcc_peak_*: wcc.h, 30 s windows, +-5 s, one a second; half of the windows, 10 peaks.
// - lag_span_ms: whitened_lag.h, +-5 s; segments worth 80 s and half of what there could be. From
//   it half of what b's intervals are longer than a's is taken (they stand at their ends), and its
//   error has the bounds of the beat times in it.
// - concordance_index: concordance.h; half of the windows of slopes.
// - plv_*, phase_difference_*, *_phase_share_*: phase_sync.h; half of the phases there could be.
// - coherence_*: coherence.h, 32 s segments; 8 segments.
// - wavelet_coherence_*: wavelet.h; half of the band's frequencies outside the cone.
// - susy_*: susy.h, 30 s segments, +-3 s; 5 segments.
// - crqa_*: crqa.h, 3 values 1 s apart, radius 0.5 SD; 0.8 of the samples.
// - granger_*, transfer_entropy_*: granger.h, transfer_entropy.h, differences of means of 1 s;
//   120 s.
//
// Bands: slow waves 0.04-0.15 Hz, breathing 0.12-0.40 Hz (phases: phase_sync.h), pacer +-0.03 Hz;
// plv_pacer is kNotEnoughData while there is no pacer.
//
// Absence, in this order: kNotEnoughData (either has fewer beats than Params::artefact_min_beats),
// kArtefacts (more than Params::artefact_refuse_share of either's beats), kTimingTooUncertain
// (jitter of either above Params::jitter_limit_us; for whatever tells who is first - lags, leads,
// phase differences and shares, Granger, transfer entropy - jitters and offset bounds of both
// together above Params::lag_timing_limit_us or a tenth of the band's period; an unknown constant
// delay can only lower the others), kNotEnoughData (the table). Missing samples are never filled.
//
// CHANCE. Asked for with chance_shifts > 0: b is shifted circularly by that many fixed shifts of at
// least 30 s either way (chance/shift_test.h), one-sided p. Only the measures of PairHasChance()
// have one: those whose share of p <= 0.05 on pairs of people recorded alone was measured to be
// 0.03 to 0.07 (false_positive_pairs_test.cc; coherence needs a recording of 8.5 min for it). The
// others leave it (wavelet coherence of breathing 0.09, recurrence rate 0.29: the whole plot hardly
// changes with a shift) or were looked at too little (picked peaks, phase shares). susy_es and
// susy_es_signed always have theirs, by pairing segments anew (chance/segment_shuffle.h). Under a
// common cause the chance is kCommonCause.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_STRETCH_MEASURES_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_STRETCH_MEASURES_H_

#include <memory>
#include <span>
#include <vector>

#include "services/synchrony/measure.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {

// Has a chance level in batch, when asked for.
bool PairHasChance(Measure measure);

// What `chance_shifts` should be for a recording: p down to 0.005.
inline constexpr int kPairChanceShifts = 199;

// Everything of one pair over one stretch. Each analysis is made when first asked for, and kept, so
// that six numbers of one recurrence plot cost one plot. Deterministic; not thread-safe.
class PairAnalysis {
 public:
  // The same from_us and to_us; both must outlive this. pacer_hz: of the shared pacer while one
  // runs, else 0.
  PairAnalysis(const Stretch& a, const Stretch& b, double pacer_hz, bool common_cause,
               const Params& params, int chance_shifts = 0);
  ~PairAnalysis();

  // Window: the stretch. Coverage: samples clean in both. Not of Subject::kPair: kNotEnoughData.
  Number Of(Measure measure);

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

// One number per measure, in the order given.
std::vector<Number> MeasurePairs(std::span<const Measure> measures, const Stretch& a,
                                 const Stretch& b, double pacer_hz, bool common_cause,
                                 const Params& params, int chance_shifts = 0);

// For several measures of one pair use the above.
Number MeasurePair(Measure measure, const Stretch& a, const Stretch& b, double pacer_hz,
                   bool common_cause, const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_STRETCH_MEASURES_H_
