#include "services/synchrony/pair/pair_measures.h"

#include <algorithm>

#include "services/synchrony/chance/null.h"

namespace attune::synchrony {
namespace {

double JointCoverage(const GridTrack& a, const GridTrack& b, int64_t last, int count) {
  const int16_t* x = a.masks(last, count);
  const int16_t* y = b.masks(last, count);
  int valid = 0;
  for (int i = 0; i < count; ++i) valid -= static_cast<int16_t>(x[i] & y[i]);
  return static_cast<double>(valid) / count;
}

bool JitterTooLarge(const PersonTrack& a, const PersonTrack& b, const Params& params) {
  return std::max(a.timing.jitter_us, b.timing.jitter_us) > params.jitter_limit_us;
}

}  // namespace

Span SpanAt(int64_t tick_end_us, const Params& params) {
  Span span;
  span.last_sample = tick_end_us / kSampleUs;
  span.end = tick_end_us / 1'000'000 + 1;
  // The first window that lies wholly within the session ends at window_seconds.
  span.begin = std::max<int64_t>(params.window_seconds, span.end - SpanWindows(params));
  span.begin = std::min(span.begin, span.end);
  if (span.end > span.begin) {
    span.seconds = static_cast<int>(span.end - span.begin) + params.window_seconds - 1;
  }
  return span;
}

void PairMeasures::Lagged(const PersonTrack& a, const PersonTrack& b, int64_t last_sample,
                          PairNumbers* numbers) {
  Number base;
  base.window_us = params_.lagged_window * kSampleUs;
  base.coverage = JointCoverage(a.grid(), b.grid(), last_sample, params_.lagged_window);
  numbers->r_zero_lag = numbers->r_peak = numbers->lag_ms = base;
  if (JitterTooLarge(a, b, params_)) {
    for (Number* number : {&numbers->r_zero_lag, &numbers->r_peak, &numbers->lag_ms}) {
      number->absent = Absence::kTimingTooUncertain;
    }
    return;
  }
  const bool too_many = a.hrv_artefacts().too_many || b.hrv_artefacts().too_many;
  const bool doubtful = a.hrv_artefacts().doubtful || b.hrv_artefacts().doubtful;
  for (Number* number : {&numbers->r_zero_lag, &numbers->r_peak, &numbers->lag_ms}) {
    number->absent = too_many ? Absence::kArtefacts : Absence::kNotEnoughData;
    number->doubtful = doubtful;
  }
  if (too_many) return;
  // Before the window fits into the session, its samples before the start are missing: wait.
  if (last_sample < params_.lagged_window + params_.lagged_max_lag) return;

  correlation_.Compute(a.lagged(), b.lagged(), &cells_);
  const LaggedCorrelation::Cell& zero = cells_[static_cast<size_t>(params_.lagged_max_lag)];
  if (zero.valid) {
    numbers->r_zero_lag.absent = Absence::kNone;
    numbers->r_zero_lag.value = std::clamp(zero.r, -1.0, 1.0);
  }
  int lag = 0;
  double peak = 0;
  if (!FindPeak(cells_, &peak, &lag)) return;
  numbers->r_peak.absent = Absence::kNone;
  numbers->r_peak.value = peak;
  const int64_t uncertainty_us = int64_t{a.timing.jitter_us} + b.timing.jitter_us +
                                 a.timing.offset_bound_us + b.timing.offset_bound_us;
  if (uncertainty_us > params_.lag_timing_limit_us) {
    numbers->lag_ms.absent = Absence::kTimingTooUncertain;
    return;
  }
  numbers->lag_ms.absent = Absence::kNone;
  numbers->lag_ms.value = lag * static_cast<double>(kSampleUs / 1000);
}

Number PairMeasures::Windowed(const PersonTrack& a, const PersonTrack& b, const ShiftSums& sums,
                              const Span& span, bool common_cause) {
  Number number;
  number.window_us = span.window_us();
  number.doubtful = a.span_artefacts().doubtful || b.span_artefacts().doubtful;
  if (span.seconds > 0) {
    number.coverage =
        JointCoverage(a.grid(), b.grid(), span.last_sample, span.seconds * kSamplesPerSecond);
  }
  const int shortest = params_.span_min_seconds - params_.window_seconds + 1;
  const ShiftSums::Sum observed = span.end > span.begin ? sums.At(0) : ShiftSums::Sum{};
  if (JitterTooLarge(a, b, params_)) {
    number.absent = Absence::kTimingTooUncertain;
  } else if (!span.LongEnough(params_)) {
    number.absent = Absence::kNotEnoughData;
  } else if (a.span_artefacts().too_many || b.span_artefacts().too_many) {
    number.absent = Absence::kArtefacts;
  } else if (observed.count < params_.span_min_window_share * shortest) {
    number.absent = Absence::kNotEnoughData;
  } else {
    number.absent = Absence::kNone;
    number.value = static_cast<double>(observed.r) * kRScale / observed.count;
  }
  if (number.absent != Absence::kNone || common_cause) {
    number.chance_absent = common_cause ? Absence::kCommonCause : number.absent;
    return number;
  }

  null_values_.clear();
  for (int k = params_.shift_min_seconds; k <= sums.windows() - params_.shift_min_seconds; ++k) {
    const ShiftSums::Sum shifted = sums.At(k);
    if (shifted.count < params_.shift_min_window_share * observed.count) continue;
    null_values_.push_back(static_cast<double>(shifted.r) * kRScale / shifted.count);
  }
  if (static_cast<int>(null_values_.size()) < std::max(1, params_.shifts_min)) {
    number.chance_absent = Absence::kNotEnoughData;
    return number;
  }
  number.has_chance = true;
  number.chance = ChanceFrom(number.value, null_values_);
  return number;
}

}  // namespace attune::synchrony
