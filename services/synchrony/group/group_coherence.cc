#include "services/synchrony/group/group_coherence.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/dsp/fft.h"
#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

using dsp::Complex;

std::vector<size_t> SegmentStarts(const Table& people, size_t segment) {
  std::vector<size_t> starts;
  size_t run = 0;  // begin of the stretch where everybody is there
  for (size_t t = 0; t < Samples(people); ++t) {
    for (const std::vector<double>& x : people) {
      if (!std::isfinite(x[t])) run = t + 1;
    }
    // The segments of a run begin at multiples of half a segment, and end here.
    const size_t length = t + 1 - run;
    if (length >= segment && (length - segment) % (segment - segment / 2) == 0) {
      starts.push_back(t + 1 - segment);
    }
  }
  return starts;
}

}  // namespace

std::optional<GroupCoherence> MeasureGroupCoherence(const Table& people, double rate_hz,
                                                    size_t segment, int min_segments, double low_hz,
                                                    double high_hz) {
  if (people.size() < 2 || segment < 2) return std::nullopt;
  const std::vector<size_t> starts = SegmentStarts(people, segment);
  if (starts.empty() || static_cast<int>(starts.size()) < min_segments) return std::nullopt;
  const dsp::RealFft fft(segment);
  const double df_hz = rate_hz / static_cast<double>(segment);
  size_t first = fft.bins(), last = 0;
  for (size_t k = 0; k < fft.bins(); ++k) {
    const double hz = static_cast<double>(k) * df_hz;
    if (hz < low_hz || hz > high_hz) continue;
    first = std::min(first, k);
    last = k;
  }
  if (first > last) return std::nullopt;
  const size_t bins = last - first + 1;

  std::vector<double> window(segment);
  for (size_t t = 0; t < segment; ++t) {
    window[t] = 0.5 - 0.5 * dsp::CosPi(2 * static_cast<double>(t) / static_cast<double>(segment));
  }
  // spectra[person][segment * bins + bin], and their power summed over the segments.
  std::vector<std::vector<Complex>> spectra(people.size());
  std::vector<std::vector<double>> power(people.size(), std::vector<double>(bins, 0.0));
  std::vector<double> x(segment);
  for (size_t i = 0; i < people.size(); ++i) {
    for (size_t start : starts) {
      const std::span<const double> from(&people[i][start], segment);
      const double mean = dsp::Mean(from);
      for (size_t t = 0; t < segment; ++t) x[t] = (from[t] - mean) * window[t];
      const std::vector<Complex> spectrum = fft.Forward(x);
      for (size_t k = 0; k < bins; ++k) {
        spectra[i].push_back(spectrum[first + k]);
        power[i][k] += dsp::SquaredAbs(spectrum[first + k]);
      }
    }
    for (double p : power[i]) {
      if (!(p > 0)) return std::nullopt;
    }
  }
  // One-sided densities count every frequency twice but 0 and half the rate.
  std::vector<double> weight(bins, 4.0);
  for (size_t k = 0; k < bins; ++k) {
    if (first + k == 0 || 2 * (first + k) == segment) weight[k] = 1;
  }
  GroupCoherence result;
  result.segments = static_cast<int>(starts.size());
  std::vector<double> re(bins), im(bins);
  for (size_t i = 0; i < people.size(); ++i) {
    for (size_t j = i + 1; j < people.size(); ++j) {
      std::fill(re.begin(), re.end(), 0.0);
      std::fill(im.begin(), im.end(), 0.0);
      const Complex* a = spectra[i].data();
      const Complex* b = spectra[j].data();
      for (size_t s = 0; s < starts.size(); ++s, a += bins, b += bins) {
        for (size_t k = 0; k < bins; ++k) {
          re[k] += a[k].re * b[k].re + a[k].im * b[k].im;
          im[k] += a[k].re * b[k].im - a[k].im * b[k].re;
        }
      }
      double coherence = 0, cross = 0, product = 0;
      for (size_t k = 0; k < bins; ++k) {
        const double squared = re[k] * re[k] + im[k] * im[k];
        const double both = power[i][k] * power[j][k];
        coherence += squared / both;
        cross += weight[k] * squared;
        product += weight[k] * both;
      }
      result.mean_coherence += coherence / static_cast<double>(bins);
      result.sum_normalised_csd += cross / product;
    }
  }
  const double n = static_cast<double>(people.size());
  result.mean_coherence /= n * (n - 1) / 2;
  result.sum_normalised_csd /= n * (n - 1) / 2;
  return result;
}

}  // namespace attune::synchrony
