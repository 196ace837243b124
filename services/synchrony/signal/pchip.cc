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

double PchipAt(double t, const Knot* before, const Knot& left, const Knot& right,
               const Knot* after) {
  const double h = right.t - left.t;
  const double x = (t - left.t) / h;
  if (before == nullptr && after == nullptr) return left.y + x * (right.y - left.y);
  const double d0 =
      before != nullptr ? PchipSlope(*before, left, right) : PchipEndSlope(left, right, *after);
  const double d1 =
      after != nullptr ? PchipSlope(left, right, *after) : PchipEndSlope(right, left, *before);
  const double x2 = x * x;
  const double x3 = x2 * x;
  return (2 * x3 - 3 * x2 + 1) * left.y + (x3 - 2 * x2 + x) * h * d0 + (3 * x2 - 2 * x3) * right.y +
         (x3 - x2) * h * d1;
}

}  // namespace attune::synchrony
