// What is looked at of the 4 Hz grid: all of it, or one band of waves.
//
// | channel   | what                                        | delay  | lost at each end |
// |-----------|---------------------------------------------|--------|------------------|
// | raw       | the grid                                    | 0      | 0                |
// | detrended | minus the least-squares line of the window  | 0      | 0                |
// | rsa       | breathing, -6 dB at 0.12 and 0.40 Hz        | 3.25 s | 3.25 s           |
// | lf        | slow waves, -6 dB at 0.045 and 0.145 Hz     | 10 s   | 10 s             |
// | pacer     | -6 dB at the pacer's frequency +- 0.03 Hz   | 16.5 s | 16.5 s           |
//
// The bands are the complex Hann filters of signal/phase.h (lf is the one of the live phase) with
// integer coefficients that sum to exactly 0: symmetric, so that all frequencies are delayed by the
// same time. Here, over a window, that delay is taken out: sample i of a band belongs to the time
// of sample i of the grid. Live, a band is known so much later. The gain is 1 at the centre and
// falls off like a Hann window's lobe: right for phases, and for the amplitude of a wave at the
// centre (a pacer's); the amplitude of breathing anywhere in its band is in person/rsa.h.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_CHANNEL_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_CHANNEL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/phase.h"

namespace attune::synchrony {

enum class Channel : uint8_t { kRaw, kDetrended, kRsa, kLf, kPacer };

inline constexpr double kPacerHalfWidthHz = 0.03;

// A pacer at this frequency has a band of its own.
inline bool IsPacerHz(double pacer_hz) { return pacer_hz >= 0.04 && pacer_hz <= 0.5; }

class BandFilter {
 public:
  // kRsa, kLf or kPacer (needs IsPacerHz(pacer_hz)).
  BandFilter(Channel channel, double pacer_hz, const Params& params);

  int half() const { return (filter_.length() - 1) / 2; }  // samples
  int64_t delay_us() const { return half() * kSampleUs; }

  // A wave a cos(2 pi f t + p) at the centre gives a exp(i (2 pi f t + p)); grid in ms, NaN where
  // missing. Same size as the grid; both parts NaN where the filter reaches beyond the window or
  // finds fewer than Params::phase_min_valid_share clean samples (missing ones otherwise count as
  // the mean of the clean). Linear in grid size times filter length.
  std::vector<dsp::Complex> Apply(std::span<const double> grid_ms) const;

 private:
  PhaseFilter filter_;
  double min_valid_share_;
  double scale_;
};

// The channel as a real signal of the same size and unit, NaN where missing: bands are the real
// part of the above.
std::vector<double> ChannelOf(Channel channel, std::span<const double> grid_ms, double pacer_hz,
                              const Params& params);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_CHANNEL_H_
