#include "services/synchrony/pair/pair_measures.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "services/synchrony/chance/moments.h"

namespace attune::synchrony {
namespace {

constexpr double kSampleMs = kSampleUs / 1000.0;

// No more than slots of the largest circle.
constexpr int kMostShifts = 256;

double JointCoverage(const PersonTrack& a, const PersonTrack& b, int64_t last, int count) {
  if (a.clean_samples() >= count && b.clean_samples() >= count) return 1;
  return static_cast<double>(a.grid().CountBoth(b.grid(), last, count)) / count;
}

bool JitterTooLarge(const PersonTrack& a, const PersonTrack& b, const Params& params) {
  return std::max(a.timing.jitter_us, b.timing.jitter_us) > params.jitter_limit_us;
}

double Square(double x) { return x * x; }

struct MeanR {
  const ShiftSums& sums;
  // Of shift k, resting on `cells`.
  double operator()(size_t k, double per_cell) const {
    // Exact below 2^51, and unlike a conversion the compiler can do it in vectors.
    const double r = std::bit_cast<double>(sums.r()[k] + std::bit_cast<int64_t>(kShift)) - kShift;
    return r * (kRScale * per_cell);
  }
  static constexpr double kShift = 0x1.8p52;
};

// |S_k| over what it would be if all cells agreed.
struct Locking {
  const PhaseSums& sums;
  // In float, which keeps more digits than the rounded unit vectors have: four roots at a time.
  double operator()(size_t k, double per_cell) const {
    const auto re = static_cast<float>(sums.re()[k]);
    const auto im = static_cast<float>(sums.im()[k]);
    return double{std::sqrt(re * re + im * im)} * (kPerUnit * per_cell);
  }
  static constexpr double kPerUnit = 1.0 / (double{kPhaseScale} * kPhaseScale);
};

// The null values: those of every shift at least shift_min_seconds either way round that counts
// enough cells.
template <typename Value>
int NullValues(const Value& value, const Params& params, double* values) {
  const auto& sums = value.sums;
  const int begin = (params.shift_min_seconds + params.moment_seconds - 1) / params.moment_seconds;
  const int end = sums.size() - begin;
  if (sums.complete()) {
    const double per_cell = 1.0 / sums.size();
    const int count = std::max(0, end - begin + 1);
    for (int i = 0; i < count; ++i) values[i] = value(static_cast<size_t>(begin + i), per_cell);
    return count;
  }
  // Values of fewer cells scatter more: brought to the footing of the observed one (tail.h).
  const double observed = sums.count(0);
  const double enough = params.shift_min_window_share * observed;
  int count = 0;
  for (int k = begin; k <= end; ++k) {
    const int cells = sums.count(k);
    if (cells == 0 || cells < enough) continue;
    values[count++] = value(static_cast<size_t>(k), std::sqrt(cells / observed) / cells);
  }
  return count;
}

// The observed value, of `fewest` cells at least, if there may be one.
template <typename Value>
void Observe(const Value& value, double fewest, PairTrack::Kept* kept, Number* number) {
  if (number->absent != Absence::kNone) return;
  if (kept->cells < 0) {
    kept->cells = value.sums.count(0);
    kept->value = kept->cells > 0 ? value(0, 1.0 / kept->cells) : 0;
  }
  if (kept->cells < fewest) {
    number->absent = Absence::kNotEnoughData;
  } else {
    number->value = kept->value;
  }
}

template <typename Value>
void AddChance(Statistic statistic, const Value& value, const Params& params, bool common_cause,
               Standing* standing, Number* number) {
  if (number->absent != Absence::kNone || common_cause) {
    number->chance_absent = common_cause ? Absence::kCommonCause : number->absent;
    return;
  }
  const int fewest = std::max(2, params.shifts_min);
  if (!standing->known) {
    double values[kMostShifts];
    const int count = NullValues(value, params, values);
    *standing = {true, count, {}};
    if (count >= fewest) {
      standing->chance = ChanceAgainst(statistic, number->value, values, count);
    }
  }
  if (standing->shifts < fewest) {
    number->chance_absent = Absence::kNotEnoughData;
    return;
  }
  number->has_chance = true;
  number->chance = standing->chance;
}

}  // namespace

void PairMeasures::Lagged(const PersonTrack& a, const PersonTrack& b, LaggedWindows& windows_a,
                          LaggedWindows& windows_b, const Span& span, PairNumbers* numbers) const {
  Number base;
  base.window_us = params_.lagged_window * kSampleUs;
  base.coverage = JointCoverage(a, b, span.last_sample, params_.lagged_window);
  base.doubtful = a.hrv_artefacts().doubtful || b.hrv_artefacts().doubtful;
  if (JitterTooLarge(a, b, params_)) {
    base.absent = Absence::kTimingTooUncertain;
  } else if (a.hrv_artefacts().too_many || b.hrv_artefacts().too_many) {
    base.absent = Absence::kArtefacts;
  }
  numbers->r_zero_lag = numbers->r_peak = numbers->lag_ms = base;
  if (base.absent != Absence::kNotEnoughData) return;
  // Before the window fits into the session, its samples before the start are missing: wait.
  if (span.last_sample < params_.lagged_window + params_.lagged_max_lag) return;

  double values[2 * kMostLag + 1];
  const std::span<const double> r(values, static_cast<size_t>(2 * params_.lagged_max_lag + 1));
  correlation_.Compute(windows_a, windows_b, values);
  const double zero = r[static_cast<size_t>(params_.lagged_max_lag)];
  if (!std::isnan(zero)) {
    numbers->r_zero_lag.absent = Absence::kNone;
    numbers->r_zero_lag.value = std::clamp(zero, -1.0, 1.0);
  }
  int lag = 0;
  double peak = 0;
  if (!FindPeak(r, &peak, &lag)) return;
  numbers->r_peak.absent = Absence::kNone;
  numbers->r_peak.value = peak;
  const int64_t uncertainty_us = int64_t{a.timing.jitter_us} + b.timing.jitter_us +
                                 a.timing.offset_bound_us + b.timing.offset_bound_us;
  if (uncertainty_us > params_.lag_timing_limit_us) {
    numbers->lag_ms.absent = Absence::kTimingTooUncertain;
    return;
  }
  numbers->lag_ms.absent = Absence::kNone;
  numbers->lag_ms.value = lag * kSampleMs;
  numbers->lag_ms.uncertainty = LagUncertaintyMs(r, a.timing, b.timing, lag);
}

// Noise, the steps of the lags, and what is not known of the beat times: the bounds count as the
// half widths of even distributions.
double PairMeasures::LagUncertaintyMs(std::span<const double> r, const Timing& a, const Timing& b,
                                      int lag) const {
  const double noise = LagStandardError(r, lag, params_.lagged_window) * kSampleMs;
  const double bounds = Square(a.jitter_us * 1e-3) + Square(b.jitter_us * 1e-3) +
                        Square(a.offset_bound_us * 1e-3) + Square(b.offset_bound_us * 1e-3);
  return std::sqrt(Square(noise) + Square(kSampleMs) / 12 + bounds / 3);
}

void PairMeasures::OverSpan(const PersonTrack& a, const PersonTrack& b, PairTrack& track,
                            const Span& span, bool common_cause, PairNumbers* numbers) const {
  Number base;
  base.window_us = span.window_us();
  base.doubtful = a.span_artefacts().doubtful || b.span_artefacts().doubtful;
  if (span.seconds > 0) {
    base.coverage = JointCoverage(a, b, span.last_sample, span.seconds * kSamplesPerSecond);
  }
  if (JitterTooLarge(a, b, params_)) {
    base.absent = Absence::kTimingTooUncertain;
  } else if (span.LongEnough(params_)) {
    const bool too_many = a.span_artefacts().too_many || b.span_artefacts().too_many;
    base.absent = too_many ? Absence::kArtefacts : Absence::kNone;
  }

  Number& windowed = numbers->r_mean_windowed = base;
  const MeanR mean_r{track.shifts()};
  const int shortest =
      (params_.span_min_seconds - params_.window_seconds) / params_.moment_seconds + 1;
  Observe(mean_r, params_.span_min_window_share * shortest, &track.of_shifts, &windowed);
  windowed.value = std::clamp(windowed.value, -1.0, 1.0);
  AddChance(Statistic::kMeanR, mean_r, params_, common_cause, &track.of_shifts.standing, &windowed);

  Number& locking = numbers->plv_lf = base;
  const Locking locked{track.phases()};
  const int fewest =
      (params_.span_min_seconds - params_.phase_filter_seconds) / params_.moment_seconds;
  Observe(locked, params_.span_min_window_share * fewest, &track.of_phases, &locking);
  locking.value = std::min(locking.value, 1.0);
  AddChance(Statistic::kPhaseLocking, locked, params_, common_cause, &track.of_phases.standing,
            &locking);
}

void PairMeasures::Nobody(const Span& span, bool common_cause, PairNumbers* numbers) const {
  Number number;
  number.window_us = params_.lagged_window * kSampleUs;
  numbers->r_zero_lag = numbers->r_peak = numbers->lag_ms = number;
  number.window_us = span.window_us();
  number.chance_absent = common_cause ? Absence::kCommonCause : Absence::kNotEnoughData;
  numbers->r_mean_windowed = numbers->plv_lf = number;
}

}  // namespace attune::synchrony
