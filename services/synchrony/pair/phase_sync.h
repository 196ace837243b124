// Phases of a band, and how two people's keep together.
//
// Phase: a complex filter of finite length, as in signal/phase.h: Hann window times
// exp(-i 2 pi f t), minus its mean, over the samples around a moment. Its length alone says how far
// it looks, so near the ends of a stretch and in a hole there is no phase, elsewhere it is not
// touched by ends and holes; a zero-phase recursive filter with an analytic signal over the whole
// stretch (what most programs do) lets each sample depend on all others, cannot stand a hole, and
// on 60 s of slow waves is mostly edge. On long clean data both agree (the test says how far).
//
// DIFFERENCE: phase of a minus phase of b. POSITIVE: B FOLLOWS A (for b(t) = a(t - d) it is
// 2 pi f d).
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_PHASE_SYNC_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_PHASE_SYNC_H_

#include <cstddef>
#include <span>
#include <vector>

#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {

// The filter passes half at centre_hz +- 1 / seconds and nothing at twice that distance.
struct PhaseBand {
  double centre_hz = 0;
  double seconds = 0;

  double period_us() const { return 1e6 / centre_hz; }
};

// 0.04-0.15 Hz: the filter of the live order parameter.
PhaseBand LowFrequencyBand(const Params& params);
// Breathing: half at 0.17 and 0.37 Hz, and 0.08 of a wave of 0.1 Hz, which often is the larger one.
// A shorter filter with half at 0.12 and 0.40 Hz (the channel of signal/channel.h) would follow
// that wave: on 39 people of nsr2db its phase is locked with the person's own slow waves by 0.30,
// this one's by 0.04, that of a zero-phase Butterworth of 0.12-0.40 Hz by 0.05.
inline constexpr PhaseBand kBreathingBand = {0.27, 10};
// Half at the pacer's frequency +- 0.03 Hz.
PhaseBand PacerBand(double pacer_hz);

// Half the filter's length in samples: what each end of a stretch loses.
size_t PhaseFilterReach(const PhaseBand& band, double rate_hz);

// One unit vector exp(i phase) for each sample of x (ms); {0, 0} where there is none: within half
// a filter of an end, where fewer than min_valid_share of the samples in reach are there (NaN:
// missing; they count as the mean of the others), and where the wave drowns in rounding.
std::vector<dsp::Complex> BandPhases(std::span<const double> x, const PhaseBand& band,
                                     double rate_hz, double min_valid_share);

struct PhaseSync {
  size_t samples = 0;         // with both phases; the rest holds when > 0
  double plv = 0;             // |mean exp(i difference)|, 0..1 (Lachaux et al. 1999)
  double difference_rad = 0;  // angle of that mean, -pi..pi
  double in_phase = 0;        // share of samples with |difference| <= 45 degrees
  double anti_phase = 0;      // with |difference| >= 135 degrees
};

// Two directions that have nothing to do with each other spend a quarter of the time in either
// share; their PLV is about sqrt(pi / (4 n)), n the number of independent phases: seconds / filter
// seconds or so. So none of these says anything beside its chance level.
PhaseSync ComparePhases(std::span<const dsp::Complex> a, std::span<const dsp::Complex> b);

// |mean| as above with b later by `shift` samples, circularly; NaN with fewer than `least` samples.
double ShiftedPlv(std::span<const dsp::Complex> a, std::span<const dsp::Complex> b, int shift,
                  size_t least);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_PHASE_SYNC_H_
