#include "services/synchrony/person/rsa.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "services/synchrony/dsp/analytic.h"
#include "services/synchrony/dsp/butterworth.h"
#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/fir.h"
#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/person/half_seconds.h"
#include "services/synchrony/signal/channel.h"

namespace attune::synchrony {
namespace {

constexpr int kMovingCubic = 21;          // 2 Hz samples
constexpr int kTaps = 53;                 // 2 Hz samples
constexpr size_t kEdge2Hz = 10;           // 5 s
constexpr size_t kEpoch = 60;             // 30 s of 2 Hz
constexpr double kMinVarianceMs2 = 1e-6;  // below: rounding, not a heart
constexpr size_t kEdge4Hz = 20;           // 5 s
constexpr size_t kMinBand = 80;           // 20 s of 4 Hz inside the edges
constexpr size_t kMinRun = 160;           // 40 s
constexpr size_t kOneWindow = 720;        // 180 s: up to here the stretch is one window
constexpr size_t kMinBreath = 8;          // 2 s
constexpr size_t kMaxBreath = 60;         // 15 s
constexpr int kMinBreaths = 3;

// The runs to measure: of one window its longest if that is long enough, of more all of them.
std::vector<std::span<const double>> RunsToUse(std::span<const double> grid, size_t one_window) {
  std::vector<std::span<const double>> runs;
  if (grid.size() <= one_window) {
    const std::span<const double> run = dsp::UsableRun(grid);
    if (!run.empty()) runs.push_back(run);
    return runs;
  }
  if (dsp::CleanShare(grid) < dsp::kMinRunShare) return runs;
  for (const dsp::CleanRun& run : dsp::CleanRuns(grid)) {
    runs.push_back(grid.subspan(run.begin, run.count));
  }
  return runs;
}

std::vector<double> BandPassed(std::span<const double> run, int order, double low_hz,
                               double high_hz, double rate_hz) {
  const double mean = dsp::Mean(run);
  std::vector<double> x(run.begin(), run.end());
  for (double& v : x) v -= mean;
  const std::vector<dsp::Section> sections =
      dsp::ButterworthBandPass(order, low_hz, high_hz, rate_hz);
  return dsp::SosFiltFilt(sections, x, dsp::DefaultPad(sections));
}

std::vector<double> Detrended(std::span<const double> run) {
  std::vector<double> trend = dsp::MovingCubic(run, kMovingCubic);
  for (size_t i = 0; i < trend.size(); ++i) trend[i] = run[i] - trend[i];
  return trend;
}

struct Sum {
  double value = 0;
  size_t count = 0;
};

// Sizes of the band's waves in one run.
Sum BandAmplitudes(std::span<const double> run) {
  Sum sum;
  if (run.size() < kMinRun) return sum;
  const std::vector<dsp::Complex> z =
      dsp::AnalyticSignal(BandPassed(run, 4, kRsaLowHz, kRsaHighHz, kSamplesPerSecond));
  for (size_t i = kEdge4Hz; i + kEdge4Hz < z.size(); ++i) {
    sum.value += dsp::Abs(z[i]);
    ++sum.count;
  }
  return sum;
}

Sum PacerAmplitudes(std::span<const double> run, const BandFilter& filter) {
  Sum sum;
  if (run.size() < 2 * static_cast<size_t>(filter.half()) + kMinBand) return sum;
  for (const dsp::Complex& z : filter.Apply(run)) {
    if (std::isnan(z.re)) continue;
    sum.value += dsp::Abs(z);
    ++sum.count;
  }
  return sum;
}

// Largest minus smallest, about the line from the first to the last sample.
double Swing(std::span<const double> breath) {
  const double step = (breath.back() - breath.front()) / static_cast<double>(breath.size() - 1);
  double low = 0, high = 0;
  for (size_t i = 0; i < breath.size(); ++i) {
    const double x = breath[i] - (breath.front() + step * static_cast<double>(i));
    low = std::min(low, x);
    high = std::max(high, x);
  }
  return high - low;
}

// Swings of the breaths in one run.
Sum Swings(std::span<const double> run, double pacer_hz) {
  Sum sum;
  if (run.size() < kMinRun) return sum;
  const bool paced = IsPacerHz(pacer_hz);
  // A band as narrow as the pacer's rings less with half the order.
  const std::vector<double> band =
      BandPassed(run, paced ? 2 : 4, paced ? pacer_hz - kPacerHalfWidthHz : kRsaLowHz,
                 paced ? pacer_hz + kPacerHalfWidthHz : kRsaHighHz, kSamplesPerSecond);
  size_t last = 0;  // the last upward crossing; 0: none yet
  for (size_t i = 1; i < band.size(); ++i) {
    if (!(band[i - 1] < 0 && band[i] >= 0)) continue;
    if (last > 0 && i - last >= kMinBreath && i - last <= kMaxBreath) {
      sum.value += Swing(run.subspan(last, i - last + 1));
      ++sum.count;
    }
    last = i;
  }
  return sum;
}

}  // namespace

std::vector<double> PorgesBohrerEpochs(std::span<const double> half_seconds_ms,
                                       PorgesBohrerFilter filter) {
  const std::vector<double> x = Detrended(half_seconds_ms);
  std::vector<double> band;
  if (filter == PorgesBohrerFilter::kFir53) {
    band = dsp::ConvolveValid(x, dsp::FirBandPass(kTaps, kRsaLowHz, kRsaHighHz, kHalfSecondHz));
  } else if (x.size() > 2 * kEdge2Hz) {
    const std::vector<dsp::Section> sections =
        dsp::ButterworthBandPass(4, kRsaLowHz, kRsaHighHz, kHalfSecondHz);
    band = dsp::SosFiltFilt(sections, x, dsp::DefaultPad(sections));
    if (!band.empty()) band = {band.begin() + kEdge2Hz, band.end() - kEdge2Hz};
  }
  std::vector<double> epochs;
  for (size_t start = 0; start + kEpoch <= band.size(); start += kEpoch) {
    const double variance = dsp::Variance(std::span(band).subspan(start, kEpoch), 1);
    if (variance > kMinVarianceMs2) epochs.push_back(dsp::Log(variance));
  }
  return epochs;
}

std::optional<double> PorgesBohrer(std::span<const double> half_seconds_ms) {
  std::vector<double> epochs;
  for (std::span<const double> run : RunsToUse(half_seconds_ms, kOneWindow / 2)) {
    const std::vector<double> more = PorgesBohrerEpochs(run, PorgesBohrerFilter::kFir53);
    epochs.insert(epochs.end(), more.begin(), more.end());
  }
  if (epochs.empty()) return std::nullopt;
  return dsp::Mean(epochs);
}

std::optional<double> RsaAmplitude(std::span<const double> grid_ms, double pacer_hz,
                                   const Params& params) {
  Sum all;
  const auto add = [&all](const Sum& sum) {
    all.value += sum.value;
    all.count += sum.count;
  };
  if (IsPacerHz(pacer_hz)) {
    const BandFilter filter(Channel::kPacer, pacer_hz, params);
    for (std::span<const double> run : RunsToUse(grid_ms, kOneWindow)) {
      add(PacerAmplitudes(run, filter));
    }
  } else {
    for (std::span<const double> run : RunsToUse(grid_ms, kOneWindow)) add(BandAmplitudes(run));
  }
  if (all.count == 0) return std::nullopt;
  return all.value / static_cast<double>(all.count);
}

std::optional<double> PeakToTrough(std::span<const double> grid_ms, double pacer_hz) {
  Sum all;
  for (std::span<const double> run : RunsToUse(grid_ms, kOneWindow)) {
    const Sum sum = Swings(run, pacer_hz);
    all.value += sum.value;
    all.count += sum.count;
  }
  if (all.count < kMinBreaths) return std::nullopt;
  return all.value / static_cast<double>(all.count);
}

}  // namespace attune::synchrony
