#include "services/synchrony/signal/pchip.h"

#include <cmath>

namespace attune::synchrony {

double PchipSlope(const Knot& a, const Knot& b, const Knot& c) {
  const double h1 = b.t - a.t;
  const double h2 = c.t - b.t;
  const double s1 = (b.y - a.y) / h1;
  const double s2 = (c.y - b.y) / h2;
  if (s1 * s2 <= 0) return 0;
  const double w1 = 2 * h2 + h1;
  const double w2 = h2 + 2 * h1;
  return (w1 + w2) / (w1 / s1 + w2 / s2);
}

double PchipEndSlope(const Knot& a, const Knot& b, const Knot& c) {
  const double h0 = b.t - a.t;
  const double h1 = c.t - b.t;
  const double s0 = (b.y - a.y) / h0;
  const double s1 = (c.y - b.y) / h1;
  const double slope = ((2 * h0 + h1) * s0 - h0 * s1) / (h0 + h1);
  if (slope * s0 <= 0) return 0;
  if (s0 * s1 <= 0 && std::fabs(slope) > std::fabs(3 * s0)) return 3 * s0;
  return slope;
}

PchipPiece::PchipPiece(const Knot* before, const Knot& left, const Knot& right, const Knot* after)
    : left_(left), width_(right.t - left.t), right_y_(right.y) {
  if (before == nullptr && after == nullptr) {
    left_slope_ = right_slope_ = (right.y - left.y) / width_;
    return;
  }
  left_slope_ =
      before != nullptr ? PchipSlope(*before, left, right) : PchipEndSlope(left, right, *after);
  right_slope_ =
      after != nullptr ? PchipSlope(left, right, *after) : PchipEndSlope(right, left, *before);
}

double PchipPiece::At(double t) const {
  const double x = (t - left_.t) / width_;
  const double x2 = x * x;
  const double x3 = x2 * x;
  return (2 * x3 - 3 * x2 + 1) * left_.y + (x3 - 2 * x2 + x) * width_ * left_slope_ +
         (3 * x2 - 2 * x3) * right_y_ + (x3 - x2) * width_ * right_slope_;
}

double PchipAt(double t, const Knot* before, const Knot& left, const Knot& right,
               const Knot* after) {
  return PchipPiece(before, left, right, after).At(t);
}

}  // namespace attune::synchrony
