// Curves through unevenly spaced knots, read off at even times.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_SPLINE_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_SPLINE_H_

#include <cstddef>
#include <span>
#include <vector>

#include "services/synchrony/signal/pchip.h"

namespace attune::synchrony::dsp {

// Cubic spline with continuous second derivative, not-a-knot ends (the third derivative is
// continuous at the second and the last but one knot; de Boor 1978): scipy's CubicSpline. It keeps
// the power of fast waves better than PCHIP, and overshoots at jumps: for spectra of clean beats.
// Values at first_t + i * step, i = 0..count-1; knots ascending in t; times outside the knots
// follow the end pieces. Empty with fewer than 4 knots.
std::vector<double> SplineOnGrid(std::span<const Knot> knots, double first_t, double step,
                                 size_t count);

// The monotone curve of signal/pchip.h, likewise; times must lie within the knots. Empty with fewer
// than 2 knots.
std::vector<double> PchipOnGrid(std::span<const Knot> knots, double first_t, double step,
                                size_t count);

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_SPLINE_H_
