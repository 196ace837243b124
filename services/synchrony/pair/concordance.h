// The concordance index of Marci, Ham, Moran & Orr 2007: do the two go up and down together?
//
// Slope: the least-squares slope over `slope_window` samples (5 s, both ends included), every
// `slope_step` (1 s). r: Pearson's over `r_window` consecutive slopes (15 s), every slope.
// Index = ln(sum of the positive r / |sum of the negative r|), held within +-10.
//
// The windows of neighbouring steps share 14 of 15 slopes: the index of two strangers scatters
// widely, and means nothing beside 0 without a chance level.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_CONCORDANCE_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_CONCORDANCE_H_

#include <span>
#include <vector>

namespace attune::synchrony {

struct ConcordanceShape {
  int slope_window = 21;       // samples, odd
  int slope_step = 4;          // samples
  int r_window = 15;           // slopes
  double limit = 10;           // of the index
  int min_slopes = 12;         // of r_window, there in both
  double ms_per_sample = 250;  // time between samples
};

// Slopes per second, at slope_window / 2, + slope_step, ...; NaN where a sample is missing (NaN).
std::vector<double> Slopes(std::span<const double> x, const ConcordanceShape& shape);

struct Concordance {
  int windows = 0;  // r values used; the rest holds when > 0
  double index = 0;
  double mean_r = 0;
};

// From two people's slopes at the same times. A window with fewer than min_slopes pairs, or with no
// variance, is not used.
Concordance ConcordanceOfSlopes(std::span<const double> a, std::span<const double> b,
                                const ConcordanceShape& shape);

// The r of each window, NaN where it is not used.
std::vector<double> RollingR(std::span<const double> a, std::span<const double> b, int window,
                             int min_pairs);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_CONCORDANCE_H_
