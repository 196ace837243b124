#include "services/synchrony/pair/phase_sync.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/synchrony/dsp/math.h"

namespace attune::synchrony {
namespace {

using dsp::Complex;

// Below this, summed through a filter of peak 1, there is no wave: one step of the live grid.
constexpr double kLeastSum_ms = 0.5;
constexpr double kPacerHalfWidthHz = 0.03;

bool There(Complex z) { return z.re != 0 || z.im != 0; }

std::vector<Complex> Filter(const PhaseBand& band, double rate_hz) {
  const int half = static_cast<int>(PhaseFilterReach(band, rate_hz));
  std::vector<Complex> filter;
  std::vector<double> window;
  Complex sum;
  double window_sum = 0;
  for (int k = -half; k <= half; ++k) {
    window.push_back(0.5 + 0.5 * dsp::CosPi(static_cast<double>(k) / (half + 1)));
    const dsp::SinCos turn = dsp::SinCosPi(2 * band.centre_hz * k / rate_hz);
    filter.push_back({window.back() * turn.cos, -window.back() * turn.sin});
    sum += filter.back();
    window_sum += window.back();
  }
  // A constant has no phase: take out what the window's own mean lets through.
  for (size_t i = 0; i < filter.size(); ++i) {
    filter[i] = filter[i] - (window[i] / window_sum) * sum;
  }
  return filter;
}

}  // namespace

PhaseBand LowFrequencyBand(const Params& params) {
  return {params.phase_centre_hz, static_cast<double>(params.phase_filter_seconds)};
}

size_t PhaseFilterReach(const PhaseBand& band, double rate_hz) {
  return static_cast<size_t>(std::floor(band.seconds * rate_hz / 2));
}

PhaseBand PacerBand(double pacer_hz) { return {pacer_hz, 1 / kPacerHalfWidthHz}; }

std::vector<Complex> BandPhases(std::span<const double> x, const PhaseBand& band, double rate_hz,
                                double min_valid_share) {
  const std::vector<Complex> filter = Filter(band, rate_hz);
  const size_t length = filter.size(), half = length / 2;
  std::vector<Complex> phases(x.size());
  for (size_t from = 0; from + length <= x.size(); ++from) {
    double count = 0, mean = 0;
    for (size_t i = 0; i < length; ++i) {
      if (std::isnan(x[from + i])) continue;
      count += 1;
      mean += x[from + i];
    }
    if (count == 0 || count < min_valid_share * static_cast<double>(length)) continue;
    mean /= count;
    Complex sum;
    for (size_t i = 0; i < length; ++i) {
      if (!std::isnan(x[from + i])) sum += (x[from + i] - mean) * filter[i];
    }
    const double size = dsp::Abs(sum);
    if (size >= kLeastSum_ms) phases[from + half] = {sum.re / size, sum.im / size};
  }
  return phases;
}

PhaseSync ComparePhases(std::span<const Complex> a, std::span<const Complex> b) {
  PhaseSync sync;
  Complex sum;
  size_t in_phase = 0, anti_phase = 0;
  const double limit = std::sqrt(0.5);  // cos 45 degrees
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!There(a[i]) || !There(b[i])) continue;
    const Complex difference = a[i] * dsp::Conj(b[i]);
    sum += difference;
    ++sync.samples;
    if (difference.re >= limit) ++in_phase;
    if (difference.re <= -limit) ++anti_phase;
  }
  if (sync.samples == 0) return sync;
  const double n = static_cast<double>(sync.samples);
  sync.plv = std::min(1.0, dsp::Abs(sum) / n);
  sync.difference_rad = dsp::Atan2(sum.im, sum.re);
  sync.in_phase = static_cast<double>(in_phase) / n;
  sync.anti_phase = static_cast<double>(anti_phase) / n;
  return sync;
}

double ShiftedPlv(std::span<const Complex> a, std::span<const Complex> b, int shift, size_t least) {
  const size_t n = std::min(a.size(), b.size()), later = static_cast<size_t>(shift);
  Complex sum;
  size_t count = 0;
  for (size_t i = 0; i < n; ++i) {
    const Complex other = b[i >= later ? i - later : i + n - later];
    if (!There(a[i]) || !There(other)) continue;
    sum += a[i] * dsp::Conj(other);
    ++count;
  }
  if (count == 0 || count < least) return std::numeric_limits<double>::quiet_NaN();
  return std::min(1.0, dsp::Abs(sum) / static_cast<double>(count));
}

}  // namespace attune::synchrony
