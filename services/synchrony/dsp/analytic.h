// The analytic signal: x plus i times its Hilbert transform, whose size is the momentary amplitude
// and whose angle the momentary phase of a narrow band.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_ANALYTIC_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_ANALYTIC_H_

#include <span>
#include <vector>

#include "services/synchrony/dsp/complex.h"

namespace attune::synchrony::dsp {

// By the transform over all of x, negative frequencies taken out, as scipy.signal.hilbert. x counts
// as periodic, so values near the ends depend on the other end. Band-pass x first. Empty for empty.
std::vector<Complex> AnalyticSignal(std::span<const double> x);

// The angle in (-pi, pi]; a cosine has 0 at its crest.
double Phase(Complex z);

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_ANALYTIC_H_
