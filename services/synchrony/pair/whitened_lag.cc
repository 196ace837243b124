#include "services/synchrony/pair/whitened_lag.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/complex.h"
#include "services/synchrony/dsp/fft.h"
#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/spectrum.h"
#include "services/synchrony/dsp/varies.h"

namespace attune::synchrony {
namespace {

constexpr size_t kSteps = 4;  // of the lags, within a sample
// No lag is known better than this.
constexpr double kLeastVariance = 1e-6;  // s^2

// What so many segments, one after the other, are worth in samples: one Hann window alone half of
// its length, each further one what it moves on.
double Worth(int segments, const WhitenedLagShape& shape) {
  return segments == 0 ? 0 : (segments - 1) * (shape.segment - shape.overlap) + shape.segment / 2;
}

struct Coherencies {
  double worth = 0;  // samples
  std::vector<dsp::Complex> g;
};

Coherencies CoherenciesOf(std::span<const double> a, std::span<const double> b,
                          const WhitenedLagShape& shape) {
  Coherencies out;
  std::vector<double> sxx, syy;
  for (const dsp::CleanRun& run : dsp::CleanRuns(a, b)) {
    const dsp::CrossSpectrum part =
        dsp::WelchCross(a.subspan(run.begin, run.count), b.subspan(run.begin, run.count),
                        shape.rate_hz, shape.segment, shape.overlap, shape.padded);
    if (part.segments == 0) continue;
    out.worth += Worth(part.segments, shape);
    sxx.resize(part.sxx.size());
    syy.resize(part.sxx.size());
    out.g.resize(part.sxx.size());
    for (size_t k = 0; k < sxx.size(); ++k) {
      sxx[k] += part.segments * part.sxx[k];
      syy[k] += part.segments * part.syy[k];
      out.g[k] += static_cast<double>(part.segments) * part.sxy[k];
    }
  }
  for (size_t k = 0; k < sxx.size(); ++k) {
    const double power = sxx[k] * syy[k];
    out.g[k] = power > 0 ? (1 / std::sqrt(power)) * out.g[k] : dsp::Complex{};
  }
  return out;
}

// Autocorrelation of a Hann window, `share` of its length apart.
double HannOverlap(double share) {
  const dsp::SinCos turn = dsp::SinCosPi(2 * share);
  return (1 - share) * (2 + turn.cos) / 3 + turn.sin / (2 * dsp::kPi);
}

}  // namespace

WhitenedLag EstimateWhitenedLag(std::span<const double> a, std::span<const double> b,
                                const WhitenedLagShape& shape) {
  WhitenedLag result;
  const int possible =
      (static_cast<int>(a.size()) - shape.segment) / (shape.segment - shape.overlap) + 1;
  if (a.size() != b.size() || static_cast<int>(a.size()) < shape.segment) return result;
  if (!dsp::Varies(a) || !dsp::Varies(b)) return result;
  const Coherencies coherencies = CoherenciesOf(a, b, shape);
  const double time_s = coherencies.worth / shape.rate_hz;
  if (time_s < shape.least_s || coherencies.worth < Worth(possible, shape) / 2) return result;

  // R by lag: a transform back over bins that are not there makes the steps finer.
  const double df_hz = shape.rate_hz / shape.padded;
  const dsp::Fft fft(static_cast<size_t>(shape.padded) * kSteps);
  std::vector<dsp::Complex> by_lag(fft.length());
  std::vector<size_t> bins;
  for (size_t k = 0; k < coherencies.g.size(); ++k) {
    const double hz = static_cast<double>(k) * df_hz;
    if (hz < shape.low_hz || hz >= shape.high_hz) continue;
    by_lag[k] = coherencies.g[k];
    bins.push_back(k);
  }
  if (bins.empty()) return result;
  fft.Inverse(by_lag);
  const double scale = static_cast<double>(fft.length()) / static_cast<double>(bins.size());
  const double step_s = 1 / (shape.rate_hz * kSteps);
  const auto reach = static_cast<int>(std::floor(shape.max_lag_s / step_s));
  std::vector<double> r;
  for (int lag = -reach; lag <= reach; ++lag) {
    const size_t at = lag < 0 ? fft.length() - static_cast<size_t>(-lag) : static_cast<size_t>(lag);
    const double apart = std::abs(lag) / static_cast<double>(kSteps) / shape.segment;
    r.push_back(by_lag[at].re * scale / HannOverlap(apart));
  }
  // Of equals the one nearest 0.
  size_t top = static_cast<size_t>(reach);
  for (size_t away = 1; away <= static_cast<size_t>(reach); ++away) {
    const size_t later = static_cast<size_t>(reach) + away;
    const size_t earlier = static_cast<size_t>(reach) - away;
    if (r[later] > r[top]) top = later;
    if (r[earlier] > r[top]) top = earlier;
  }
  if (top == 0 || top + 1 == r.size() || !(r[top] > 0)) return result;
  const double bend = r[top - 1] - 2 * r[top] + r[top + 1];
  const double shift = bend < 0 ? std::clamp(0.5 * (r[top - 1] - r[top + 1]) / bend, -0.5, 0.5) : 0;
  result.found = true;
  result.lag_s = (static_cast<double>(top) - reach + shift) * step_s;
  result.height = r[top] - 0.25 * (r[top - 1] - r[top + 1]) * shift;

  // How sure it is.
  const double bias = shape.segment / (2 * coherencies.worth);
  double noise = 0, curvature = 0;
  for (const size_t k : bins) {
    const double hz = static_cast<double>(k) * df_hz;
    const double omega = 2 * dsp::kPi * hz;
    const dsp::Complex g = coherencies.g[k];
    const dsp::SinCos turn = dsp::SinCosPi(2 * hz * result.lag_s);
    const double shared = std::clamp((dsp::SquaredAbs(g) - bias) / (1 - bias), 0.0, 1.0);
    noise += omega * omega * (1 - shared) * df_hz;
    curvature += omega * omega * (g.re * turn.cos - g.im * turn.sin) * df_hz;
  }
  const double unknown_s = shape.max_lag_s / std::sqrt(3.0);
  const double variance =
      curvature > 0 ? std::max(kLeastVariance, noise / (2 * time_s * curvature * curvature))
                    : unknown_s * unknown_s;
  const double width_hz = static_cast<double>(bins.size()) * df_hz;
  const double steepness = curvature > 0 ? width_hz / (curvature * variance) : 0;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < r.size(); ++i) {
    const double odds = dsp::Exp(steepness * (r[i] - r[top]));
    const double away_s = (static_cast<double>(i) - static_cast<double>(top)) * step_s;
    sum += odds;
    squares += odds * away_s * away_s;
  }
  result.se_s = std::min(std::sqrt(std::max(variance, squares / sum)), unknown_s);
  return result;
}

}  // namespace attune::synchrony
