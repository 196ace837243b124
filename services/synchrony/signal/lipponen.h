// Artefacts after Lipponen & Tarvainen (2019), J Med Eng Technol 43:173 (doi
// 10.1080/03091902.2019.1640306), in the published batch form, for whole recordings. The form that
// runs live is signal/screen.h.
//
// Beats p_0 < p_1 < ...; rr_k = p_k - p_(k-1), rr_0 := their mean; index k is the interval that
// ends at beat k. With dRR_k = rr_k - rr_(k-1) (dRR_0 := their mean), med_k the median of rr over k
// +- 5 and mRR_k = rr_k - med_k (doubled when negative):
//   Th1_k = 5.2 (Q3 - Q1) / 2 of |dRR| over k +- 45, Th2_k the same of |mRR|; windows are cut at
//   the ends; quartiles by linear interpolation. d = dRR / Th1, m = mRR / Th2. S12_k = max(d_(k-1),
//   d_(k+1)) if d_k > 0, min(..) if < 0; S22_k = min(d_(k+1), d_(k+2)) if d_k >= 0, max(..) if < 0;
//   beyond the ends d is mirrored. Only |d_k| > 1 is looked at. Ectopic: d > 1 and S12 < -0.13 d -
//   0.17, or d < -1 and S12 > -0.13 d + 0.17. Else beat k, and k + 1 too if |d_(k+1)| < |d_(k+2)|,
//   is
//     extra     if d < -1, S22 > 1 and |rr_k + rr_(k+1) - med_k| < Th2_k,
//     missed    if d > 1, S22 < -1 and |rr_k / 2 - med_k| < Th2_k,
//     longshort if one of these two jumps, or |m| > 3, holds without the rest.
// Correction: extra beats are deleted, a beat is put in the middle of each missed interval, ectopic
// and then longshort beats are moved to the middle of their neighbours.
//
// Beat for beat what NeuroKit's signal_fixpeaks(method="Kubios") does, its order of corrections and
// its shifted indices included. Its known faults, kept because this is "the published form" that
// others report: no floor under the thresholds (quiet hearts in steps of 1/128 s are over-flagged),
// the interval beside an extra or ectopic beat is nearly always moved too, gaps are not told from
// long beats. One is not kept: where a threshold is 0 it divides by zero; here such a beat is off
// by "infinitely" much, or not at all if it does not differ.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_LIPPONEN_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_LIPPONEN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attune::synchrony {

// Indices of beats, ascending.
struct LipponenClasses {
  std::vector<size_t> ectopic;
  std::vector<size_t> missed;
  std::vector<size_t> extra;
  std::vector<size_t> longshort;

  size_t count() const { return ectopic.size() + missed.size() + extra.size() + longshort.size(); }
};

// What the classes are decided from, one value per beat; th1, th2, rr and med in seconds.
struct LipponenSeries {
  std::vector<double> rr, d, m, s12, s22, th1, th2, med;
};
LipponenSeries LipponenSeriesOf(const std::vector<int64_t>& beats_us);

// One pass. `beats_us` ascending; fewer than 4 beats have no artefacts.
LipponenClasses FindLipponen(const std::vector<int64_t>& beats_us);
std::vector<int64_t> CorrectLipponen(const std::vector<int64_t>& beats_us,
                                     const LipponenClasses& classes);

struct LipponenResult {
  std::vector<int64_t> beats_us;
  LipponenClasses classes;     // of the last pass that was applied, indices into that pass's beats
  std::vector<size_t> counts;  // of each pass; an iterative run's last was not applied
};
// `iterative`: again and again until the number of artefacts no longer falls.
LipponenResult Lipponen(std::vector<int64_t> beats_us, bool iterative);

// Beat 0 at 0 and one more at the end of each interval, rounded to microseconds; and back.
std::vector<int64_t> BeatsUsOf(const std::vector<double>& rr_ms);
std::vector<double> IntervalsMsOf(const std::vector<int64_t>& beats_us);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_LIPPONEN_H_
