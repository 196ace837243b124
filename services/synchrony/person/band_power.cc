#include "services/synchrony/person/band_power.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "services/synchrony/dsp/clean_run.h"
#include "services/synchrony/dsp/spectrum.h"
#include "services/synchrony/dsp/spline.h"
#include "services/synchrony/params.h"

namespace attune::synchrony {
namespace {

constexpr int kSegment = 256;
constexpr double kLfLowHz = 0.04, kLfHighHz = 0.15, kHfHighHz = 0.40;
// The same edges in steps of 0.001 Hz.
constexpr double kStepHz = 0.001;
constexpr int kLfLow = 40, kLfHigh = 150, kHfHigh = 400;
constexpr size_t kMinIntervals = 20;
constexpr int64_t kLombMaxUs = 360'000'000;
constexpr int64_t kLombPieceUs = 180'000'000;

double Sum(std::span<const double> x) {
  double sum = 0;
  for (double v : x) sum += v;
  return sum;
}

}  // namespace

std::vector<double> SplineGrid(const Stretch& stretch) {
  std::vector<double> out(stretch.grid_ms.size(), std::numeric_limits<double>::quiet_NaN());
  // In seconds since the stretch began: sample k stands at (k + 1) / 4, exactly.
  const auto seconds = [&stretch](int64_t time_us) {
    return static_cast<double>(time_us - stretch.from_us) / 1e6;
  };
  size_t next = 0;  // interval
  for (const dsp::CleanRun& run : dsp::CleanRuns(stretch.grid_ms)) {
    const double first_s = static_cast<double>(run.begin + 1) / kSamplesPerSecond;
    const double last_s = static_cast<double>(run.begin + run.count) / kSamplesPerSecond;
    // From the last interval at or before the run to the first at or after it.
    while (next + 1 < stretch.nn.size() && seconds(stretch.nn[next + 1].end_us) <= first_s) ++next;
    std::vector<Knot> knots;
    for (size_t i = next; i < stretch.nn.size(); ++i) {
      knots.push_back({seconds(stretch.nn[i].end_us), stretch.nn[i].nn_ms});
      if (knots.back().t >= last_s) break;
    }
    if (knots.size() < 4) continue;
    size_t begin = run.begin, end = run.begin + run.count;
    while (begin < end && static_cast<double>(begin + 1) / kSamplesPerSecond < knots.front().t) {
      ++begin;
    }
    while (end > begin && static_cast<double>(end) / kSamplesPerSecond > knots.back().t) --end;
    const std::vector<double> curve =
        dsp::SplineOnGrid(knots, static_cast<double>(begin + 1) / kSamplesPerSecond,
                          1.0 / kSamplesPerSecond, end - begin);
    std::copy(curve.begin(), curve.end(), out.begin() + static_cast<ptrdiff_t>(begin));
  }
  return out;
}

std::optional<BandPowers> WelchPowers(const Stretch& stretch) {
  if (dsp::CleanShare(stretch.grid_ms) < dsp::kMinRunShare) return std::nullopt;
  const std::vector<double> grid = SplineGrid(stretch);
  std::vector<std::span<const double>> runs;
  size_t samples = 0;
  for (const dsp::CleanRun& run : dsp::CleanRuns(grid)) {
    if (run.count < kSegment) continue;
    runs.push_back(std::span(grid).subspan(run.begin, run.count));
    samples += run.count;
  }
  const dsp::Spectrum s = dsp::WelchOfRuns(runs, kSamplesPerSecond, kSegment, kSegment / 2);
  if (s.segments == 0) return std::nullopt;
  return BandPowers{dsp::BandPower(s, kLfLowHz, kLfHighHz), dsp::BandPower(s, kLfHighHz, kHfHighHz),
                    static_cast<double>(samples) / kSamplesPerSecond};
}

std::optional<BandPowers> LombPowers(const Stretch& stretch) {
  const double share = dsp::CleanShare(stretch.grid_ms);
  if (share < dsp::kMinRunShare) return std::nullopt;
  const bool whole = stretch.to_us - stretch.from_us <= kLombMaxUs;
  BandPowers sum;
  int pieces = 0;
  std::vector<double> t_s, nn_ms;
  size_t k = 0;
  for (int64_t start_us = stretch.from_us; start_us < stretch.to_us;) {
    const int64_t end_us = whole ? stretch.to_us : start_us + kLombPieceUs;
    if (end_us > stretch.to_us) break;
    t_s.clear();
    nn_ms.clear();
    for (; k < stretch.nn.size() && stretch.nn[k].end_us <= end_us; ++k) {
      if (stretch.nn[k].corrected) continue;
      t_s.push_back(static_cast<double>(stretch.nn[k].end_us - start_us) / 1e6);
      nn_ms.push_back(stretch.nn[k].nn_ms);
    }
    const size_t first = static_cast<size_t>((start_us - stretch.from_us) / kSampleUs);
    const size_t samples = static_cast<size_t>((end_us - start_us) / kSampleUs);
    start_us = end_us;
    if (nn_ms.size() < kMinIntervals ||
        dsp::CleanShare(std::span(stretch.grid_ms).subspan(first, samples)) < dsp::kMinRunShare) {
      continue;
    }
    const std::vector<double> density = dsp::LombScargle(t_s, nn_ms, kStepHz, kLfLow, kHfHigh - 1);
    sum.lf_ms2 += kStepHz * Sum(std::span(density).first(kLfHigh - kLfLow));
    sum.hf_ms2 += kStepHz * Sum(std::span(density).subspan(kLfHigh - kLfLow));
    ++pieces;
  }
  if (pieces == 0) return std::nullopt;
  return BandPowers{sum.lf_ms2 / pieces, sum.hf_ms2 / pieces,
                    share * static_cast<double>(stretch.to_us - stretch.from_us) / 1e6};
}

}  // namespace attune::synchrony
