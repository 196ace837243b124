// Quartile deviation of a window that slides, kept sorted: adding and removing are a search and a
// short move.
#ifndef ATTUNE_SERVICES_SYNCHRONY_SIGNAL_QUARTILES_H_
#define ATTUNE_SERVICES_SYNCHRONY_SIGNAL_QUARTILES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace attune::synchrony {

class SlidingQuartiles {
 public:
  static constexpr size_t kMost = 91;

  void Clear() { count_ = 0; }
  size_t count() const { return count_; }

  // 0..32767; at most kMost at a time.
  void Add(int32_t value) {
    const auto end = values_.begin() + static_cast<ptrdiff_t>(count_);
    const auto at = std::upper_bound(values_.begin(), end, static_cast<int16_t>(value));
    std::copy_backward(at, end, end + 1);
    *at = static_cast<int16_t>(value);
    ++count_;
  }

  // A value that is in it.
  void Remove(int32_t value) {
    const auto end = values_.begin() + static_cast<ptrdiff_t>(count_);
    const auto at = std::lower_bound(values_.begin(), end, static_cast<int16_t>(value));
    std::copy(at + 1, end, at);
    --count_;
  }

  // 4 (Q3 - Q1), quantiles at (count - 1) / 4 and 3 (count - 1) / 4 with linear interpolation; not
  // for an empty window.
  int32_t InterquartileRange4() const {
    return Quantile4(3 * (count_ - 1)) - Quantile4(count_ - 1);
  }

 private:
  int32_t Quantile4(size_t position4) const {
    const size_t at = position4 / 4;
    const auto part = static_cast<int32_t>(position4 % 4);
    return values_[at] * (4 - part) + (part == 0 ? 0 : values_[at + 1] * part);
  }

  std::array<int16_t, kMost> values_{};
  size_t count_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_QUARTILES_H_
