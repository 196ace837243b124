#include "services/synchrony/pair/wavelet.h"

#include <cmath>
#include <limits>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/dsp/fft.h"
#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/dsp/varies.h"

namespace attune::synchrony {
namespace {

using dsp::Complex;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kOmega0 = 6;
constexpr int kPerOctave = 12;
constexpr double kBoxOctaves = 0.6;
constexpr double kLeastRunSeconds = 20;

// Scale in seconds = this / frequency in Hz.
double ScaleTimesHz() { return (kOmega0 + std::sqrt(2 + kOmega0 * kOmega0)) / (4 * dsp::kPi); }

// Weights 0..m of the box about its middle.
std::vector<double> Box() {
  const double half = kBoxOctaves * kPerOctave / 2;
  std::vector<double> weights;
  for (int k = 0;; ++k) {
    const double covered = std::fmin(half, k + 0.5) - std::fmax(-half, k - 0.5);
    if (covered <= 0) return weights;
    weights.push_back(covered);
  }
}

struct Plane {  // of one run: scales x samples, smoothed in time
  std::vector<std::vector<double>> aa, bb;
  std::vector<std::vector<Complex>> ab;
};

// The parts of one run, for scales in seconds.
Plane Transform(std::span<const double> a, std::span<const double> b,
                const std::vector<double>& scales, double rate_hz) {
  const size_t n = a.size();
  size_t length = 1;
  while (length < n + n / 4) length *= 2;
  const dsp::Fft fft(length);
  const auto spectrum = [&](std::span<const double> x) {
    std::vector<double> flat(x.begin(), x.end());
    dsp::RemoveLine(flat);
    std::vector<Complex> out(length);
    for (size_t i = 0; i < n; ++i) out[i].re = flat[i];
    fft.Forward(out);
    return out;
  };
  const std::vector<Complex> fa = spectrum(a), fb = spectrum(b);
  const double step = 2 * dsp::kPi * rate_hz / static_cast<double>(length);  // rad/s per bin

  Plane plane;
  std::vector<Complex> wa(length), wb(length), powers(length), cross(length);
  for (double scale : scales) {
    for (size_t k = 0; k < length; ++k) {
      // Only positive frequencies; the constant in front cancels in R^2, but for sqrt(s), which
      // cancels the division by s.
      const double x = scale * step * static_cast<double>(k) - kOmega0;
      const double gain = k > 0 && k < length / 2 && x * x < 80 ? dsp::Exp(-0.5 * x * x) : 0;
      wa[k] = gain * fa[k];
      wb[k] = gain * fb[k];
    }
    fft.Inverse(wa);
    fft.Inverse(wb);
    for (size_t i = 0; i < length; ++i) {
      // Beyond the run there is nothing.
      const bool inside = i < n;
      powers[i] = inside ? Complex{dsp::SquaredAbs(wa[i]), dsp::SquaredAbs(wb[i])} : Complex{};
      cross[i] = inside ? wa[i] * dsp::Conj(wb[i]) : Complex{};
    }
    // A real, even filter leaves the two real series of `powers` apart.
    fft.Forward(powers);
    fft.Forward(cross);
    for (size_t k = 0; k < length; ++k) {
      const double w = step * static_cast<double>(k <= length / 2 ? k : length - k) * scale;
      const double gain = w * w < 80 ? dsp::Exp(-0.5 * w * w) : 0;
      powers[k] = gain * powers[k];
      cross[k] = gain * cross[k];
    }
    fft.Inverse(powers);
    fft.Inverse(cross);
    std::vector<double>& aa = plane.aa.emplace_back(n);
    std::vector<double>& bb = plane.bb.emplace_back(n);
    for (size_t i = 0; i < n; ++i) aa[i] = powers[i].re, bb[i] = powers[i].im;
    plane.ab.emplace_back(cross.begin(), cross.begin() + static_cast<ptrdiff_t>(n));
  }
  return plane;
}

}  // namespace

double WaveletCoherence::BandMean(double low, double high) const {
  double sum = 0;
  int there = 0, all = 0;
  for (size_t k = 0; k < hz.size(); ++k) {
    if (hz[k] < low || hz[k] >= high) continue;
    ++all;
    if (std::isnan(squared[k])) continue;
    ++there;
    sum += squared[k];
  }
  return there > 0 && 2 * there >= all ? sum / there : kNaN;
}

WaveletCoherence WaveletCoherenceOf(std::span<const double> a, std::span<const double> b,
                                    const WaveletShape& shape) {
  const std::vector<double> box = Box();
  const int margin = static_cast<int>(box.size()) - 1;
  const int inner =
      static_cast<int>(std::floor(kPerOctave * dsp::Log2(shape.high_hz / shape.low_hz) + 1e-9)) + 1;
  // Ascending frequencies, with room for the box at both ends.
  std::vector<double> scales;
  WaveletCoherence result;
  for (int k = -margin; k < inner + margin; ++k) {
    const double hz = shape.low_hz * dsp::Pow(2, static_cast<double>(k) / kPerOctave);
    scales.push_back(ScaleTimesHz() / hz);
    if (k >= 0 && k < inner) result.hz.push_back(hz);
  }
  const size_t bins = result.hz.size();
  std::vector<double> sum(bins), used(bins);
  std::vector<Complex> mean_cross(bins);
  for (const dsp::CleanRun& run : dsp::CleanRuns(a, b)) {
    if (static_cast<double>(run.count) < kLeastRunSeconds * shape.rate_hz) continue;
    if (!dsp::Varies(a.subspan(run.begin, run.count))) continue;
    if (!dsp::Varies(b.subspan(run.begin, run.count))) continue;
    const Plane plane = Transform(a.subspan(run.begin, run.count), b.subspan(run.begin, run.count),
                                  scales, shape.rate_hz);
    for (size_t bin = 0; bin < bins; ++bin) {
      const size_t middle = bin + static_cast<size_t>(margin);
      const double cone = std::sqrt(2.0) * scales[middle] * shape.rate_hz;
      for (size_t i = 0; i < run.count; ++i) {
        const double to_end = static_cast<double>(std::min(i + 1, run.count - i));
        if (to_end <= cone) continue;
        double aa = 0, bb = 0;
        Complex ab;
        for (int k = -margin; k <= margin; ++k) {
          const size_t at = middle + static_cast<size_t>(k + margin) - static_cast<size_t>(margin);
          const double weight = box[static_cast<size_t>(k < 0 ? -k : k)];
          aa += weight * plane.aa[at][i];
          bb += weight * plane.bb[at][i];
          ab += weight * plane.ab[at][i];
        }
        used[bin] += 1;
        if (!(aa > 0 && bb > 0)) continue;
        sum[bin] += std::fmin(1, dsp::SquaredAbs(ab) / (aa * bb));
        mean_cross[bin] += (1 / std::sqrt(aa * bb)) * ab;
      }
    }
  }
  const double all = static_cast<double>(a.size());
  for (size_t bin = 0; bin < bins; ++bin) {
    const double masked = all > 0 ? 1 - used[bin] / all : 1;
    result.masked_share.push_back(masked);
    const bool there = masked <= 0.5;
    result.squared.push_back(there ? sum[bin] / used[bin] : kNaN);
    result.phase_rad.push_back(there ? dsp::Atan2(mean_cross[bin].im, mean_cross[bin].re) : kNaN);
  }
  return result;
}

}  // namespace attune::synchrony
