// Filters with a finite response: exact symmetry, hence a pure delay.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_FIR_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_FIR_H_

#include <span>
#include <vector>

namespace attune::synchrony::dsp {

// Hamming-windowed sinc band-pass, gain 1 at the middle of the band: scipy.signal.firwin(taps,
// [low, high], pass_zero=False, fs=rate). taps odd; 0 < low_hz < high_hz < rate_hz / 2.
std::vector<double> FirBandPass(int taps, double low_hz, double high_hz, double rate_hz);

// Where the filter lies wholly inside x: x.size() - taps + 1 samples, empty if there are none.
// Sample i belongs to the time of x[i + (taps - 1) / 2].
std::vector<double> ConvolveValid(std::span<const double> x, std::span<const double> filter);

// The moving cubic of `points` (odd, >= 5) samples, at its middle (Savitzky & Golay 1964); the
// first and last points / 2 samples from the cubics of the first and last `points`. Empty when x is
// shorter than that.
std::vector<double> MovingCubic(std::span<const double> x, int points);

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_FIR_H_
