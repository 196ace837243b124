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

constexpr double kMinPairsShare = 0.8;

bool AllThere(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
}

// The spectra of one person's segments, of the bins that are wanted.
struct Spectra {
  std::vector<bool> there;      // per segment
  std::vector<Complex> values;  // [segment][bin]; 0 where not there
  std::vector<double> power;    // [segment][bin]
};

}  // namespace

std::optional<GroupCoherence> MeasureGroupCoherence(const Table& people, double rate_hz,
                                                    size_t segment, int min_segments, double low_hz,
                                                    double high_hz) {
  if (people.size() < 2 || segment < 2 || Samples(people) < segment) return std::nullopt;
  const size_t step = segment - segment / 2;
  const size_t segments = (Samples(people) - segment) / step + 1;
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
  std::vector<Spectra> spectra(people.size());
  std::vector<double> x(segment);
  for (size_t i = 0; i < people.size(); ++i) {
    Spectra& person = spectra[i];
    person.values.resize(segments * bins);
    person.power.resize(segments * bins);
    for (size_t s = 0; s < segments; ++s) {
      const std::span<const double> from(&people[i][s * step], segment);
      person.there.push_back(AllThere(from));
      if (!person.there[s]) continue;
      const double mean = dsp::Mean(from);
      for (size_t t = 0; t < segment; ++t) x[t] = (from[t] - mean) * window[t];
      const std::vector<Complex> spectrum = fft.Forward(x);
      for (size_t k = 0; k < bins; ++k) {
        person.values[s * bins + k] = spectrum[first + k];
        person.power[s * bins + k] = dsp::SquaredAbs(spectrum[first + k]);
      }
    }
  }
  // One-sided densities count every frequency twice but 0 and half the rate.
  std::vector<double> weight(bins, 4.0);
  for (size_t k = 0; k < bins; ++k) {
    if (first + k == 0 || 2 * (first + k) == segment) weight[k] = 1;
  }
  // Many segments of one pair and few of another would be of unlike bias.
  const size_t needed =
      std::max(static_cast<size_t>(std::max(min_segments, 1)), (segments + 1) / 2);
  GroupCoherence result;
  std::vector<double> re(bins), im(bins), xx(bins), yy(bins);
  for (size_t i = 0; i < people.size(); ++i) {
    for (size_t j = i + 1; j < people.size(); ++j) {
      for (std::vector<double>* sums : {&re, &im, &xx, &yy}) {
        std::fill(sums->begin(), sums->end(), 0.0);
      }
      size_t used = 0;
      for (size_t s = 0; s < segments; ++s) {
        if (!spectra[i].there[s] || !spectra[j].there[s]) continue;
        ++used;
        const Complex* a = &spectra[i].values[s * bins];
        const Complex* b = &spectra[j].values[s * bins];
        const double* a_power = &spectra[i].power[s * bins];
        const double* b_power = &spectra[j].power[s * bins];
        for (size_t k = 0; k < bins; ++k) {
          re[k] += a[k].re * b[k].re + a[k].im * b[k].im;
          im[k] += a[k].re * b[k].im - a[k].im * b[k].re;
          xx[k] += a_power[k];
          yy[k] += b_power[k];
        }
      }
      if (used < needed) continue;
      double coherence = 0, cross = 0, product = 0;
      for (size_t k = 0; k < bins; ++k) {
        const double squared = re[k] * re[k] + im[k] * im[k];
        const double both = xx[k] * yy[k];
        if (!(both > 0)) return std::nullopt;
        coherence += squared / both;
        cross += weight[k] * squared;
        product += weight[k] * both;
      }
      ++result.pairs;
      result.segments += static_cast<double>(used);
      result.mean_coherence += coherence / static_cast<double>(bins);
      result.sum_normalised_csd += cross / product;
    }
  }
  const double n = static_cast<double>(people.size());
  if (result.pairs == 0 || result.pairs < kMinPairsShare * n * (n - 1) / 2) return std::nullopt;
  result.segments /= result.pairs;
  result.mean_coherence /= result.pairs;
  result.sum_normalised_csd /= result.pairs;
  return result;
}

}  // namespace attune::synchrony
