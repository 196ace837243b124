// The numbers of one pair at one tick, from two people's tracks.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_MEASURES_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_MEASURES_H_

#include <cstdint>
#include <vector>

#include "services/synchrony/chance/shift_sums.h"
#include "services/synchrony/numbers.h"
#include "services/synchrony/pair/lagged.h"
#include "services/synchrony/params.h"
#include "services/synchrony/person_track.h"

namespace attune::synchrony {

// The part of the session a windowed statistic looks back on at a tick.
struct Span {
  int64_t last_sample = 0;
  int64_t begin = 0;  // windows [begin, end)
  int64_t end = 0;
  int seconds = 0;  // covered by those windows

  bool LongEnough(const Params& params) const { return seconds >= params.span_min_seconds; }
  int64_t window_us() const { return int64_t{seconds} * 1'000'000; }
};
Span SpanAt(int64_t tick_end_us, const Params& params);

class PairMeasures {
 public:
  explicit PairMeasures(const Params& params) : params_(params), correlation_(params) {}

  // r_zero_lag, r_peak and lag_ms.
  void Lagged(const PersonTrack& a, const PersonTrack& b, int64_t last_sample,
              PairNumbers* numbers);

  // The mean windowed r; with its chance level (`above` still false) unless `common_cause`.
  Number Windowed(const PersonTrack& a, const PersonTrack& b, const ShiftSums& sums,
                  const Span& span, bool common_cause);

 private:
  const Params& params_;
  LaggedCorrelation correlation_;
  std::vector<LaggedCorrelation::Cell> cells_;
  std::vector<double> null_values_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_PAIR_MEASURES_H_
