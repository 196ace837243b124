#include "services/synchrony/group/order.h"

#include <algorithm>
#include <cmath>

namespace attune::synchrony {

double OrderParameter(const std::vector<UnitVector>& people, int min_valid) {
  double re = 0, im = 0;
  int n = 0;
  for (const UnitVector& unit : people) {
    re += unit.re;
    im += unit.im;
    n += unit.valid() ? 1 : 0;
  }
  return n < min_valid || n == 0 ? -1 : std::sqrt(re * re + im * im) / n;
}

OrderOverTime::OrderOverTime(const std::vector<const UnitVector*>& series, int length, int window,
                             int min_valid)
    : people_(static_cast<int>(series.size())),
      length_(length),
      window_(window),
      min_valid_(min_valid),
      sum_re_(static_cast<size_t>(window)),
      sum_im_(static_cast<size_t>(window)),
      sum_one_(static_cast<size_t>(window)) {
  const size_t total = series.size() * Stride();
  re_.reserve(total);
  im_.reserve(total);
  one_.reserve(total);
  for (const UnitVector* person : series) {
    for (int i = 0; i < length_ + window_; ++i) {
      const UnitVector& unit = person[i % length_];
      re_.push_back(unit.re);
      im_.push_back(unit.im);
      one_.push_back(unit.valid() ? 1 : 0);
    }
  }
}

bool OrderOverTime::Mean(const int* shifts, double* r) const {
  std::fill(sum_re_.begin(), sum_re_.end(), 0.0);
  std::fill(sum_im_.begin(), sum_im_.end(), 0.0);
  std::fill(sum_one_.begin(), sum_one_.end(), 0.0);
  for (int person = 0; person < people_; ++person) {
    // Moment t of the shifted series is moment t - shift of the original.
    const int shift = shifts == nullptr ? 0 : shifts[person];
    const int start = (length_ - window_ - shift % length_ + length_) % length_;
    const size_t from = static_cast<size_t>(person) * Stride() + static_cast<size_t>(start);
    for (size_t i = 0; i < static_cast<size_t>(window_); ++i) sum_re_[i] += re_[from + i];
    for (size_t i = 0; i < static_cast<size_t>(window_); ++i) sum_im_[i] += im_[from + i];
    for (size_t i = 0; i < static_cast<size_t>(window_); ++i) sum_one_[i] += one_[from + i];
  }
  double sum = 0;
  int used = 0;
  for (size_t i = 0; i < static_cast<size_t>(window_); ++i) {
    if (sum_one_[i] < min_valid_) continue;
    sum += std::sqrt(sum_re_[i] * sum_re_[i] + sum_im_[i] * sum_im_[i]) / sum_one_[i];
    ++used;
  }
  if (used == 0 || 2 * used < window_) return false;
  *r = sum / used;
  return true;
}

}  // namespace attune::synchrony
