#include "services/synchrony/person/coherence_ratio.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/spectrum.h"
#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/person/half_seconds.h"

namespace attune::synchrony {
namespace {

constexpr double kPeakLowHz = 0.04, kPeakHighHz = 0.26;
constexpr double kTotalLowHz = 0.0033, kTotalHighHz = 0.40;
constexpr double kPeakHalfWidthHz = 0.015;
constexpr double kEdge = 1e-12;
constexpr size_t kMinRun = 103;  // 51.5 s, 0.8 of a window
constexpr int kPadded = 1024;

bool HasNan(std::span<const double> x) {
  for (double v : x) {
    if (std::isnan(v)) return true;
  }
  return false;
}

}  // namespace

std::optional<CoherenceRatio> CoherenceOf(std::span<const double> half_seconds_ms) {
  const int segment = static_cast<int>(half_seconds_ms.size());
  if (segment < 2 || segment > kCoherenceSamples) return std::nullopt;
  const dsp::Spectrum s = dsp::Welch(half_seconds_ms, kHalfSecondHz, segment, 0, kPadded);
  size_t peak = 0;
  for (size_t k = 1; k < s.density.size(); ++k) {
    if (s.hz(k) < kPeakLowHz || s.hz(k) > kPeakHighHz) continue;
    if (peak == 0 || s.density[k] > s.density[peak]) peak = k;
  }
  CoherenceRatio out;
  out.peak_hz = s.hz(peak);
  for (size_t k = 1; k < s.density.size(); ++k) {
    if (std::fabs(s.hz(k) - out.peak_hz) <= kPeakHalfWidthHz + kEdge) {
      out.peak_ms2 += s.density[k] * s.df_hz;
    }
    if (s.hz(k) >= kTotalLowHz && s.hz(k) <= kTotalHighHz) {
      out.total_ms2 += s.density[k] * s.df_hz;
    }
  }
  const double rest = out.total_ms2 - out.peak_ms2;
  if (!(out.peak_ms2 > 0) || !(rest > 0)) return std::nullopt;
  out.ratio = out.peak_ms2 / rest;
  return out;
}

std::optional<double> CoherenceOfGrid(std::span<const double> half_seconds_ms) {
  if (half_seconds_ms.size() <= kCoherenceSamples) {
    const std::span<const double> run = dsp::UsableRun(half_seconds_ms);
    if (run.size() < kMinRun) return std::nullopt;
    const auto one = CoherenceOf(run);
    return one.has_value() ? std::optional(one->ratio) : std::nullopt;
  }
  std::vector<double> ratios;
  int windows = 0;
  for (size_t start = 0; start + kCoherenceSamples <= half_seconds_ms.size();
       start += kCoherenceHop) {
    ++windows;
    const std::span<const double> window = half_seconds_ms.subspan(start, kCoherenceSamples);
    if (HasNan(window)) continue;
    if (const auto one = CoherenceOf(window); one.has_value()) ratios.push_back(one->ratio);
  }
  if (static_cast<double>(ratios.size()) < dsp::kMinRunShare * windows) return std::nullopt;
  return dsp::Quantile(ratios, 0.5);
}

}  // namespace attune::synchrony
