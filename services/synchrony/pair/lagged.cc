#include "services/synchrony/pair/lagged.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/kernel/dot.h"

namespace attune::synchrony {

LaggedWindows::LaggedWindows(const Params& params)
    : length_(params.lagged_window),
      max_lag_(params.lagged_max_lag),
      complete_(static_cast<size_t>(params.lagged_max_lag) + 1),
      scales_(static_cast<size_t>(params.lagged_max_lag) + 1) {
  for (int i = 0; i < length_; ++i) u_.push_back(static_cast<int16_t>(2 * i - (length_ - 1)));
}

void LaggedWindows::Update(const GridTrack& grid, int64_t last) {
  values_ = grid.values(last, length_ + max_lag_);
  masks_ = grid.masks(last, length_ + max_lag_);
  int valid = 0;  // negated, in the window at hand
  const int16_t* newest = Masks(0);
  for (int i = 0; i < length_; ++i) valid += newest[i];
  for (int lag = 0; lag <= max_lag_; ++lag) {
    complete_[static_cast<size_t>(lag)] = valid == -length_ ? 1 : 0;
    if (lag < max_lag_) valid += Masks(lag + 1)[0] - Masks(lag)[length_ - 1];
  }
  ComputeLagScales(values_, length_, max_lag_, scales_.data());
}

LaggedCorrelation::LaggedCorrelation(const Params& params)
    : length_(params.lagged_window),
      max_lag_(params.lagged_max_lag),
      min_valid_(std::max(
          4, static_cast<int>(std::ceil(params.lagged_min_valid_share * params.lagged_window)))) {}

void LaggedCorrelation::Compute(const LaggedWindows& a, const LaggedWindows& b,
                                std::vector<Cell>* cells) const {
  cells->clear();
  for (int lag = -max_lag_; lag <= max_lag_; ++lag) {
    cells->push_back(One(a, std::max(lag, 0), b, std::max(-lag, 0)));
  }
}

LaggedCorrelation::Cell LaggedCorrelation::One(const LaggedWindows& a, int lag_a,
                                               const LaggedWindows& b, int lag_b) const {
  const auto at_a = static_cast<size_t>(lag_a);
  const auto at_b = static_cast<size_t>(lag_b);
  const int16_t* x = a.Values(lag_a);
  const int16_t* y = b.Values(lag_b);
  double r = 0;
  if (a.complete_[at_a] != 0 && b.complete_[at_b] != 0) {
    const LagScale& scale_a = a.scales_[at_a];
    const LagScale& scale_b = b.scales_[at_b];
    if (scale_a.inverse == 0 || scale_b.inverse == 0) return {};
    r = Correlation(Dot(x, y, length_), scale_a, scale_b);
  } else {
    const MaskedSums s = SumMasked(x, a.Masks(lag_a), y, b.Masks(lag_b), a.u_.data(), length_);
    if (s.n < min_valid_) return {};
    const double n = s.n;
    const double uu = s.uu - static_cast<double>(s.u) * s.u / n;
    const double ux = s.ux - static_cast<double>(s.u) * s.x / n;
    const double uy = s.uy - static_cast<double>(s.u) * s.y / n;
    const double xx = s.xx - static_cast<double>(s.x) * s.x / n - ux * ux / uu;
    const double yy = s.yy - static_cast<double>(s.y) * s.y / n - uy * uy / uu;
    const double xy = s.xy - static_cast<double>(s.x) * s.y / n - ux * uy / uu;
    const double inverse = InverseLength(xx) * InverseLength(yy);
    if (inverse == 0) return {};
    r = xy * inverse;
  }
  return {true, r};
}

bool FindPeak(const std::vector<LaggedCorrelation::Cell>& cells, double* r, int* lag) {
  if (cells.empty()) return false;
  for (const LaggedCorrelation::Cell& cell : cells) {
    if (!cell.valid) return false;
  }
  const int max_lag = static_cast<int>(cells.size() / 2);
  *lag = 0;
  *r = cells[static_cast<size_t>(max_lag)].r;
  for (int distance = 1; distance <= max_lag; ++distance) {
    for (int candidate : {distance, -distance}) {
      const double value = cells[static_cast<size_t>(max_lag + candidate)].r;
      if (value > *r) {
        *r = value;
        *lag = candidate;
      }
    }
  }
  *r = std::clamp(*r, -1.0, 1.0);
  return true;
}

}  // namespace attune::synchrony
