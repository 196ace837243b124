#include "services/synchrony/pair/lagged.h"

#include <emmintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/synchrony/kernel/layout.h"

namespace attune::synchrony {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Sum of u u with u = 2 i - (length - 1).
int64_t SumUu(int64_t length) { return length * (length * length - 1) / 3; }

}  // namespace

LaggedWindows::LaggedWindows(const Params& params, std::pmr::memory_resource* memory)
    : length_(params.lagged_window),
      max_lag_(params.lagged_max_lag),
      back_(PackedBackSize(params.lagged_window, params.lagged_max_lag + 1), memory),
      missing_(memory),
      scales_(static_cast<size_t>(params.lagged_max_lag) + 1, memory),
      x_(memory),
      ux_(memory),
      xx_(memory) {}

size_t LaggedWindows::Bytes(const Params& params) {
  return PackedBackSize(params.lagged_window, params.lagged_max_lag + 1) * sizeof(int32_t) +
         (static_cast<size_t>(params.lagged_max_lag) + 1) * sizeof(LagScale);
}

void LaggedWindows::Update(const GridTrack& grid, int64_t last) {
  const int count = length_ + max_lag_;
  values_ = grid.values(last, count);
  masks_ = grid.masks(last, count);
  PackBack(values_, length_, max_lag_ + 1, back_.data());
  summed_up_ = false;
  missing_.clear();
  if (grid.CountValid(last, count) == count) {
    ComputeLagScales(values_, length_, max_lag_, scales_.data());
    flat_ = std::any_of(scales_.begin(), scales_.end(),
                        [](const LagScale& scale) { return scale.inverse == 0; });
    return;
  }
  for (int i = 0; i < count; ++i) {
    if (masks_[i] == 0) missing_.push_back(i);
  }
}

void LaggedWindows::SumUp() {
  if (summed_up_) return;
  summed_up_ = true;
  const auto lags = static_cast<size_t>(max_lag_) + 1;
  for (auto* sums : {&x_, &ux_, &xx_}) sums->resize(lags);
  for (size_t l = 0; l < lags; ++l) {
    const int16_t* window = values_ + (max_lag_ - static_cast<int>(l));
    int32_t x = 0, ix = 0, xx = 0;
    for (int i = 0; i < length_; ++i) {
      x += window[i];
      ix += i * window[i];
      xx += window[i] * window[i];
    }
    x_[l] = x;
    ux_[l] = 2 * int64_t{ix} - int64_t{length_ - 1} * x;
    xx_[l] = xx;
  }
}

LaggedCorrelation::LaggedCorrelation(const Params& params, const Kernels& kernels)
    : kernels_(kernels),
      length_(params.lagged_window),
      max_lag_(params.lagged_max_lag),
      min_valid_(std::max(
          4, static_cast<int>(std::ceil(params.lagged_min_valid_share * params.lagged_window)))),
      uu_(SumUu(params.lagged_window)) {}

void LaggedCorrelation::Compute(LaggedWindows& a, LaggedWindows& b, double* r) const {
  double* zero = r + max_lag_;
  OneSide(a, b, zero, -1);
  OneSide(b, a, zero, 1);  // lag 0 of both is the same cell
}

void LaggedCorrelation::OneSide(LaggedWindows& base, LaggedWindows& past, double* r,
                                int step) const {
  alignas(64) int32_t dots[RoundUp(kMostLag + 1, kLagLanes)];
  kernels_.lagged_dots(base.values_ + max_lag_, past.back_.data(), length_, max_lag_ + 1, dots);
  if (base.missing_.empty() && past.missing_.empty()) {
    const LagScale now = base.scales_[0];
    if (!base.flat_ && !past.flat_) {
      for (int lag = 0; lag <= max_lag_; ++lag) {
        const auto l = static_cast<size_t>(lag);
        r[lag * step] = Correlation(dots[l], now, past.scales_[l]);
      }
      return;
    }
    for (int lag = 0; lag <= max_lag_; ++lag) {
      const LagScale& then = past.scales_[static_cast<size_t>(lag)];
      const double value = Correlation(dots[lag], now, then);
      r[lag * step] =
          now.inverse == 0 || then.inverse == 0 ? kNone : std::min(std::max(value, -1.0), 1.0);
    }
    return;
  }
  base.SumUp();
  past.SumUp();
  for (int lag = 0; lag <= max_lag_; ++lag) {
    r[lag * step] = WithoutMissing(base, past, lag, dots[lag]);
  }
}

// From the sums over everything the few positions are taken out that the other person lacks.
double LaggedCorrelation::WithoutMissing(const LaggedWindows& base, const LaggedWindows& past,
                                         int lag, int32_t dot) const {
  const auto l = static_cast<size_t>(lag);
  const int16_t* x = base.values_ + max_lag_;
  const int16_t* y = past.values_ + max_lag_ - lag;
  int64_t n = length_, su = 0, uu = uu_;
  int64_t sx = base.x_[0], ux = base.ux_[0], xx = base.xx_[0];
  int64_t sy = past.x_[l], uy = past.ux_[l], yy = past.xx_[l];
  const auto lost = [&](int64_t u) {
    --n;
    su -= u;
    uu -= u * u;
  };
  for (const int32_t position : base.missing_) {
    const int i = position - max_lag_;
    if (i < 0) continue;
    const int64_t u = 2 * i - (length_ - 1);
    lost(u);
    sy -= y[i];  // 0 if missing there too
    uy -= u * y[i];
    yy -= int64_t{y[i]} * y[i];
  }
  for (const int32_t position : past.missing_) {
    const int i = position - max_lag_ + lag;
    if (i < 0 || i >= length_) continue;
    const int64_t u = 2 * i - (length_ - 1);
    if (base.masks_[max_lag_ + i] != 0) lost(u);
    sx -= x[i];
    ux -= u * x[i];
    xx -= int64_t{x[i]} * x[i];
  }
  if (n < min_valid_) return kNone;
  const auto count = static_cast<double>(n);
  const auto u1 = static_cast<double>(su);
  const auto x1 = static_cast<double>(sx);
  const auto y1 = static_cast<double>(sy);
  const double u2 = static_cast<double>(uu) - u1 * u1 / count;
  const double xu = static_cast<double>(ux) - u1 * x1 / count;
  const double yu = static_cast<double>(uy) - u1 * y1 / count;
  const double x2 = static_cast<double>(xx) - x1 * x1 / count - xu * xu / u2;
  const double y2 = static_cast<double>(yy) - y1 * y1 / count - yu * yu / u2;
  const double inverse = InverseLength(x2) * InverseLength(y2);
  if (inverse == 0) return kNone;
  const double xy = dot - x1 * y1 / count - xu * yu / u2;
  return xy * inverse;
}

bool FindPeak(std::span<const double> r, double* peak, int* lag) {
  if (r.empty()) return false;
  // An odd number of them: the first, then two at a time.
  const auto two = [&r](size_t i) { return _mm_loadu_pd(&r[i]); };
  __m128d largest = _mm_set1_pd(r[0]), other = largest;
  __m128d absent = _mm_cmpunord_pd(largest, largest);
  size_t i = 1;
  for (; i + 4 <= r.size(); i += 4) {
    largest = _mm_max_pd(two(i), largest);
    other = _mm_max_pd(two(i + 2), other);
    absent = _mm_or_pd(absent, _mm_cmpunord_pd(two(i), two(i + 2)));
  }
  for (; i + 2 <= r.size(); i += 2) {
    largest = _mm_max_pd(two(i), largest);
    absent = _mm_or_pd(absent, _mm_cmpunord_pd(two(i), two(i)));
  }
  if (_mm_movemask_pd(absent) != 0) return false;
  largest = _mm_max_pd(largest, other);
  const double top = _mm_cvtsd_f64(_mm_max_sd(_mm_unpackhi_pd(largest, largest), largest));
  *peak = std::clamp(top, -1.0, 1.0);
  // Of those that are as large the first of 0, 1, -1, 2, -2 ...
  const auto zero = static_cast<int>(r.size() / 2);
  int first = std::numeric_limits<int>::max();
  const auto take = [&](size_t at) {
    const int of = static_cast<int>(at) - zero;
    const int place = of > 0 ? 2 * of - 1 : -2 * of;
    if (place < first) {
      first = place;
      *lag = of;
    }
  };
  if (r[0] == top) take(0);
  const __m128d tops = _mm_set1_pd(top);
  for (i = 1; i + 2 <= r.size(); i += 2) {
    const int equal = _mm_movemask_pd(_mm_cmpeq_pd(two(i), tops));
    if (equal == 0) continue;
    if ((equal & 1) != 0) take(i);
    if ((equal & 2) != 0) take(i + 1);
  }
  return true;
}

double LagStandardError(std::span<const double> r, int lag, int window) {
  const auto max_lag = static_cast<int>(r.size() / 2);
  const double unknown = max_lag / std::sqrt(3.0);  // of a lag that may be anywhere
  const double top = r[static_cast<size_t>(max_lag + lag)];
  if (lag <= -max_lag || lag >= max_lag || top <= 0) return unknown;
  const double before = r[static_cast<size_t>(max_lag + lag - 1)];
  const double after = r[static_cast<size_t>(max_lag + lag + 1)];
  const double bandwidth = ((top - before) + (top - after)) / top;
  if (!(bandwidth > 0)) return unknown;
  constexpr double kPi = 3.14159265358979323846;
  const double independent = window * std::sqrt(bandwidth / kPi);
  const double variance = std::max(0.0, 1 - top * top) / (top * top * bandwidth * independent);
  return std::min(std::sqrt(variance), unknown);
}

}  // namespace attune::synchrony
