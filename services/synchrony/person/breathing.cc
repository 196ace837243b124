#include "services/synchrony/person/breathing.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/channel.h"

namespace attune::synchrony {
namespace {

constexpr size_t kMinRun = 205;  // 51.25 s, 0.8 of a segment
constexpr double kPeakHalfWidthHz = 0.02;
// Bins are whole multiples of 1 / 512 Hz; an edge is met whatever its last bit.
constexpr double kEdge = 1e-12;

}  // namespace

BreathingBand BreathingBandOf(double pacer_hz) {
  BreathingBand band;
  if (IsPacerHz(pacer_hz)) {
    band.low_hz = std::min(band.low_hz, pacer_hz - kPacerHalfWidthHz);
    band.high_hz = std::max(band.high_hz, pacer_hz + kPacerHalfWidthHz);
  }
  return band;
}

std::optional<BreathingPeak> FindBreathing(const dsp::Spectrum& spectrum,
                                           const BreathingBand& band) {
  const std::vector<double>& p = spectrum.density;
  size_t peak = 0;
  double highest = 0, in_band = 0;
  for (size_t k = 1; k + 1 < p.size(); ++k) {
    const double hz = spectrum.hz(k);
    if (hz < band.low_hz - kEdge || hz > band.high_hz + kEdge) continue;
    in_band += p[k];
    highest = std::max(highest, p[k]);
    if (p[k] > p[k - 1] && p[k] >= p[k + 1] && (peak == 0 || p[k] > p[peak])) peak = k;
  }
  if (peak == 0) return std::nullopt;
  BreathingPeak out;
  out.bin_hz = spectrum.hz(peak);
  const double bend = p[peak - 1] - 2 * p[peak] + p[peak + 1];
  const double shift = bend < 0 ? 0.5 * (p[peak - 1] - p[peak + 1]) / bend : 0;
  out.hz = (static_cast<double>(peak) + shift) * spectrum.df_hz;
  double near = 0;
  for (size_t k = 1; k + 1 < p.size(); ++k) {
    const double hz = spectrum.hz(k);
    if (hz < band.low_hz - kEdge || hz > band.high_hz + kEdge) continue;
    if (std::fabs(hz - out.bin_hz) <= kPeakHalfWidthHz + kEdge) near += p[k];
  }
  out.share = near / in_band;
  out.highest = p[peak] >= highest;
  return out;
}

dsp::Spectrum BreathingSpectrum(std::span<const double> grid_ms) {
  if (grid_ms.size() <= kBreathingSegment) {
    const std::span<const double> run = dsp::UsableRun(grid_ms);
    if (run.size() < kMinRun) return {};
    const int segment = static_cast<int>(run.size());
    return dsp::Welch(run, kSamplesPerSecond, segment, segment / 2, kBreathingPadded);
  }
  if (dsp::CleanShare(grid_ms) < dsp::kMinRunShare) return {};
  std::vector<std::span<const double>> runs;
  for (const dsp::CleanRun& run : dsp::CleanRuns(grid_ms)) {
    runs.push_back(grid_ms.subspan(run.begin, run.count));
  }
  return dsp::WelchOfRuns(runs, kSamplesPerSecond, kBreathingSegment, kBreathingSegment / 2,
                          kBreathingPadded);
}

}  // namespace attune::synchrony
