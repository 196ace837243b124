// What every lagged correlation of one person needs beside the products: sums of the windows 0, 1,
// ... samples back, from one pass.
//
// A window of n samples x, positions u = 2 i - (n - 1), from which its least-squares line is
// removed: the products of two residuals sum up to
//   sum x y - mean_x mean_y - slope_x slope_y,
// mean = sum x / sqrt(n), slope = sum u x / sqrt(sum u u): the projections on the constant and on
// the centred line, both of length 1.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_LAG_SCALES_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_LAG_SCALES_H_

#include <cstdint>

namespace attune::synchrony {

struct LagScale {
  double mean = 0;
  double slope = 0;
  double inverse = 0;  // 1 / sqrt(sum of squares about the line); 0: too flat to be told from
                       // rounding (a sum below 4 squared steps of 1/2048 s)
};

// 1 / sqrt of a sum of squares about the line, 0 where it is flat.
double InverseLength(double squares);

// r of two windows from the sum of their products; one expression for every path.
inline double Correlation(double product, const LagScale& x, const LagScale& y) {
  const double covariance = (product - x.mean * y.mean) - x.slope * y.slope;
  return covariance * (x.inverse * y.inverse);
}

// scales[k], k = 0..max_lag: of samples[max_lag - k .. max_lag - k + length). Sums are exact
// integers (|x| <= 2047, length and max_lag <= 500), so it does not matter that they slide.
void ComputeLagScales(const int16_t* samples, int length, int max_lag, LagScale* scales);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_LAG_SCALES_H_
