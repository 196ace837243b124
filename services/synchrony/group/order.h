// The order parameter of a group (Kuramoto): R(t) = |mean over people of exp(i phase)|, averaged
// over time. 1: all in step; N independent people give about sqrt(pi / (4 N)), which is why a value
// says nothing without its chance level.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_ORDER_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_ORDER_H_

#include <vector>

#include "services/synchrony/signal/phase.h"

namespace attune::synchrony {

// R of one moment over the vectors that are valid; -1 with fewer than `min_valid` of them.
double OrderParameter(const std::vector<UnitVector>& people, int min_valid);

// The mean of R over the last `window` of `length` moments, as observed and with each person's
// moments circularly shifted.
class OrderOverTime {
 public:
  // series[i]: person i's `length` vectors, oldest first. A moment with fewer than `min_valid`
  // valid vectors is left out.
  OrderOverTime(const std::vector<const UnitVector*>& series, int length, int window,
                int min_valid);

  // shifts: one per person in [0, length), or null for none. False when more than half of the
  // window's moments were left out.
  bool Mean(const int* shifts, double* r) const;

 private:
  size_t Stride() const { return static_cast<size_t>(length_ + window_); }

  int people_;
  int length_;
  int window_;
  int min_valid_;
  // Per person `length` values and the first `window` again, so that no shift has a seam.
  std::vector<double> re_, im_, one_;
  mutable std::vector<double> sum_re_, sum_im_, sum_one_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_ORDER_H_
