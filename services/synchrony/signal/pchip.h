// Monotone piecewise cubic interpolation (PCHIP; Fritsch & Butland 1984, the weighted harmonic mean
// of neighbouring slopes), one interval at a time.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PCHIP_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PCHIP_H_

namespace attune::synchrony {

struct Knot {
  double t = 0;
  double y = 0;
};

// Slope at `b` between its neighbours a < b < c: 0 at an extremum, else
// (w1 + w2) / (w1/s1 + w2/s2) with w1 = 2 h2 + h1, w2 = h2 + 2 h1.
double PchipSlope(const Knot& a, const Knot& b, const Knot& c);

// Slope at `a`, the end of the data, from the next two knots (three-point formula, limited so that
// the curve stays monotone).
double PchipEndSlope(const Knot& a, const Knot& b, const Knot& c);

// The curve between two knots, its slopes worked out once. `before` and `after` are the knots
// beyond them or null: then the end slope is used, and a straight line if both are null.
class PchipPiece {
 public:
  PchipPiece() = default;
  PchipPiece(const Knot* before, const Knot& left, const Knot& right, const Knot* after);
  // left.t <= t <= right.t
  double At(double t) const;

 private:
  Knot left_;
  double width_ = 1;
  double right_y_ = 0;
  double left_slope_ = 0;
  double right_slope_ = 0;
};

// The curve between `left` and `right` (left.t <= t <= right.t), for one moment.
double PchipAt(double t, const Knot* before, const Knot& left, const Knot& right,
               const Knot* after);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_PCHIP_H_
