// Statistics of intervals and of their successive differences (Task Force 1996; Poincare plot:
// Brennan, Palaniswami & Kamen 2001).
//
// Differences are given apart, because only those of truly adjacent intervals count: with a gap or
// a correction between them there are fewer than intervals - 1.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PERSON_TIME_DOMAIN_H_
#define ATTUNE_SERVICES_SYNCHRONY_PERSON_TIME_DOMAIN_H_

#include <span>
#include <vector>

#include "services/synchrony/signal/stretch.h"

namespace attune::synchrony {

struct Intervals {
  std::vector<double> nn_ms;           // as they came; corrected ones are left out
  std::vector<double> differences_ms;  // nn minus the one before it, adjacent ones only
};
Intervals IntervalsOf(const Stretch& stretch);

// NaN where there are too few.
struct IntervalStatistics {
  double mean_nn_ms = 0;
  double sdnn_ms = 0;    // n - 1
  double rmssd_ms = 0;   // sqrt(mean d^2)
  double sdsd_ms = 0;    // standard deviation of d, n - 1
  double pnn50_pct = 0;  // 100 x share of |d| > 50 ms among the differences
  double pnn20_pct = 0;
  double sd1_ms = 0;  // sdsd / sqrt 2
  double sd2_ms = 0;  // sqrt(2 sdnn^2 - sdsd^2 / 2); 0 when that is negative
};
IntervalStatistics StatisticsOf(std::span<const double> nn_ms,
                                std::span<const double> differences_ms);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PERSON_TIME_DOMAIN_H_
