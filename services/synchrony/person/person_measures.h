// One person's measures beyond the core set, each from one stretch of signal: a live window or a
// recording, no difference.
//
// | measure | needs | clean beat times |
// |---|---|---|
// | mean_nn_ms sdnn_ms | 20 intervals | |
// | ln_rmssd sdsd_ms pnn50_pct pnn20_pct sd1_ms | 20 differences of adjacent intervals | |
// | sd2_ms | both | |
// | corrected_share malik_share kamath_share karlsson_share acar_share lipponen_share | 10 beats |
// | | rsa_band_ms | 40 s unbroken (20 s + 33 s while a pacer runs) | yes | |
// rsa_porges_bohrer_ln_ms2 | 56 s unbroken | yes | | rsa_peak_to_trough_ms | 40 s unbroken, 3
// breaths | yes | | breathing_per_min breathing_peak_share | 51 s unbroken (0.8 of 64 s) | yes | |
// coherence_ratio | 51 s unbroken | yes | | welch_hf_ms2 lomb_hf_ms2 | 60 s clean, 0.8 of the
// stretch | yes | | welch_lf_ms2 welch_lf_nu lomb_lf_ms2 | 120 s clean, 0.8 of the stretch | yes |
//
// Absence, in this order: kNotEnoughData (fewer beats than Params::artefact_min_beats), kArtefacts
// (more than Params::artefact_refuse_share of the beats were not taken as they came; not for
// the shares), kTimingTooUncertain (where clean beat times are needed and the jitter exceeds
// Params::jitter_limit_us), kNotEnoughData. breathing_per_min is also absent (kNotEnoughData) when
// the spectrum is higher at the band's edge than at its peak, or the peak holds less than
// kMinBreathingShare of the band. Logarithms of 0 are absent.
//
// corrected_share: intervals that the correction of signal/screen.h made or moved, of those that
// stand in for beats. The rules' shares: beats that one pass over the raw intervals removes
// (signal/percent_rules.h; rows out of range are not taken out first) or flags
// (signal/lipponen.h), of all beats. They know no gaps.
//
// Every Number has its window (the whole stretch) and coverage (clean samples of its 4 Hz grid);
// `doubtful` from Params::artefact_doubtful_share on.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_PERSON_MEASURES_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_PERSON_MEASURES_H_

#include "services/synchrony/measure.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {

// Whether MeasurePerson knows it: all measures of Subject::kPerson beyond the core, but those of a
// person within a group.
bool IsPersonMeasure(Measure measure);

// pacer_hz: of the shared pacer while one runs, else 0: the breathing bands follow it. A pure
// function, O(n log n) in the stretch. Absent as kNotEnoughData when not IsPersonMeasure(measure).
Number MeasurePerson(Measure measure, const Stretch& stretch, double pacer_hz,
                     const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_PERSON_MEASURES_H_
