// The core numbers of one pair at one tick, from two people's tracks.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_MEASURES_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_MEASURES_H_

#include <cstdint>
#include <span>

#include "services/synchrony/kernel/kernels.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/pair/lagged.h"
#include "services/synchrony/pair/pair_track.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

class PairMeasures {
 public:
  PairMeasures(const Params& params, const Kernels& kernels)
      : params_(params), correlation_(params, kernels) {}

  // r_zero_lag, r_peak and lag_ms. Both windows updated to the tick.
  void Lagged(const PersonTrack& a, const PersonTrack& b, LaggedWindows& windows_a,
              LaggedWindows& windows_b, const Span& span, PairNumbers* numbers) const;

  // r_mean_windowed and plv_lf, with their chance levels (`above` still false) unless
  // `common_cause`.
  void OverSpan(const PersonTrack& a, const PersonTrack& b, PairTrack& track, const Span& span,
                bool common_cause, PairNumbers* numbers) const;

  // Every number absent, for somebody unknown.
  void Nobody(const Span& span, bool common_cause, PairNumbers* numbers) const;

 private:
  double LagUncertaintyMs(std::span<const double> r, const Timing& a, const Timing& b,
                          int lag) const;

  const Params& params_;
  LaggedCorrelation correlation_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_MEASURES_H_
