#include "services/synchrony/dsp/spline.h"

namespace attune::synchrony::dsp {
namespace {

// Slopes at the knots: a tridiagonal system whose first and last rows, the not-a-knot conditions,
// reach over two unknowns each (both already brought to that form).
std::vector<double> SplineSlopes(std::span<const Knot> knots) {
  const size_t n = knots.size();
  std::vector<double> h(n - 1), s(n - 1);
  for (size_t i = 0; i + 1 < n; ++i) {
    h[i] = knots[i + 1].t - knots[i].t;
    s[i] = (knots[i + 1].y - knots[i].y) / h[i];
  }
  std::vector<double> below(n), diagonal(n), above(n), right(n);
  const double d0 = h[0] + h[1];
  diagonal[0] = h[1];
  above[0] = d0;
  right[0] = ((h[0] + 2 * d0) * h[1] * s[0] + h[0] * h[0] * s[1]) / d0;
  for (size_t i = 1; i + 1 < n; ++i) {
    below[i] = h[i];
    diagonal[i] = 2 * (h[i - 1] + h[i]);
    above[i] = h[i - 1];
    right[i] = 3 * (h[i] * s[i - 1] + h[i - 1] * s[i]);
  }
  const double d1 = h[n - 2] + h[n - 3];
  below[n - 1] = d1;
  diagonal[n - 1] = h[n - 3];
  right[n - 1] = (h[n - 2] * h[n - 2] * s[n - 3] + (2 * d1 + h[n - 2]) * h[n - 3] * s[n - 2]) / d1;
  for (size_t i = 1; i < n; ++i) {
    const double factor = below[i] / diagonal[i - 1];
    diagonal[i] -= factor * above[i - 1];
    right[i] -= factor * right[i - 1];
  }
  std::vector<double> slopes(n);
  slopes[n - 1] = right[n - 1] / diagonal[n - 1];
  for (size_t i = n - 1; i-- > 0;) slopes[i] = (right[i] - above[i] * slopes[i + 1]) / diagonal[i];
  return slopes;
}

// Moves `left` on to the piece that holds t.
void Seek(std::span<const Knot> knots, double t, size_t* left) {
  while (*left + 2 < knots.size() && knots[*left + 1].t < t) ++*left;
}

}  // namespace

std::vector<double> SplineOnGrid(std::span<const Knot> knots, double first_t, double step,
                                 size_t count) {
  if (knots.size() < 4) return {};
  const std::vector<double> slopes = SplineSlopes(knots);
  std::vector<double> out;
  out.reserve(count);
  size_t left = 0;
  for (size_t i = 0; i < count; ++i) {
    const double t = first_t + static_cast<double>(i) * step;
    Seek(knots, t, &left);
    const Knot& a = knots[left];
    const Knot& b = knots[left + 1];
    const double h = b.t - a.t;
    const double mean = (b.y - a.y) / h;
    const double x = t - a.t;
    const double bend = (slopes[left] + slopes[left + 1] - 2 * mean) / h;
    const double square = (mean - slopes[left]) / h - bend;
    out.push_back(a.y + x * (slopes[left] + x * (square + x * (bend / h))));
  }
  return out;
}

std::vector<double> PchipOnGrid(std::span<const Knot> knots, double first_t, double step,
                                size_t count) {
  if (knots.size() < 2) return {};
  std::vector<double> out;
  out.reserve(count);
  size_t left = 0;
  for (size_t i = 0; i < count; ++i) {
    const double t = first_t + static_cast<double>(i) * step;
    Seek(knots, t, &left);
    out.push_back(PchipAt(t, left == 0 ? nullptr : &knots[left - 1], knots[left], knots[left + 1],
                          left + 2 == knots.size() ? nullptr : &knots[left + 2]));
  }
  return out;
}

}  // namespace attune::synchrony::dsp
