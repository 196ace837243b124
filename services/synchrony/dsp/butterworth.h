// Butterworth band-pass as second-order sections, and its forward-backward (zero-phase) use.
#ifndef ATTUNE_SERVICES_SYNCHRONY_DSP_BUTTERWORTH_H_
#define ATTUNE_SERVICES_SYNCHRONY_DSP_BUTTERWORTH_H_

#include <span>
#include <vector>

namespace attune::synchrony::dsp {

// (b0 + b1/z + b2/z^2) / (1 + a1/z + a2/z^2)
struct Section {
  double b0 = 0, b1 = 0, b2 = 0;
  double a1 = 0, a2 = 0;
};

// `order` sections (2 * order poles): analogue prototype of that order, low-pass to band-pass,
// bilinear with the edges (-3 dB) pre-warped; the design of scipy.signal.butter(order, [low, high],
// "bandpass"), gain 1 at the geometric centre of the warped edges. Each section has its zeros at +1
// and -1. order >= 1; 0 < low_hz < high_hz < rate_hz / 2.
std::vector<Section> ButterworthBandPass(int order, double low_hz, double high_hz, double rate_hz);

// What scipy.signal.sosfiltfilt takes when nothing is said, for sections with a2 != 0: 3 (2 n + 1).
int DefaultPad(std::span<const Section> sections);

// Forward, then backward: the squared magnitude, no phase. Like scipy.signal.sosfiltfilt: the ends
// extended by `pad` samples of the odd reflection about the end sample, each pass started in the
// steady state of its first sample. Empty unless x.size() > pad. Samples must be finite.
std::vector<double> SosFiltFilt(std::span<const Section> sections, std::span<const double> x,
                                int pad);

}  // namespace attune::synchrony::dsp

#endif  // ATTUNE_SERVICES_SYNCHRONY_DSP_BUTTERWORTH_H_
