// Quartile deviation of a window that slides, kept sorted: adding and removing are a count and a
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
  size_t count() const { return static_cast<size_t>(count_); }

  // 0..32767; at most kMost at a time.
  void Add(int32_t value) {
    const auto at = Place(value);
    std::copy_backward(at, values_.begin() + count_, values_.begin() + count_ + 1);
    *at = static_cast<int16_t>(value);
    ++count_;
  }

  // A value that is in it.
  void Remove(int32_t value) {
    const auto at = Place(value);
    std::copy(at + 1, values_.begin() + count_, at);
    --count_;
  }

  // 4 (Q3 - Q1), quantiles at (count - 1) / 4 and 3 (count - 1) / 4 with linear interpolation; not
  // for an empty window.
  int32_t InterquartileRange4() const {
    return Quantile4(3 * (count() - 1)) - Quantile4(count() - 1);
  }

 private:
  int32_t Quantile4(size_t position4) const {
    const size_t at = position4 / 4;
    const auto part = static_cast<int32_t>(position4 % 4);
    return values_[at] * (4 - part) + (part == 0 ? 0 : values_[at + 1] * part);
  }

  // How many are less: counted, which a vector does faster than a search finds it.
  std::array<int16_t, kMost>::iterator Place(int32_t value) {
    int16_t less = 0;
    for (int16_t i = 0; i < count_; ++i) {
      less = static_cast<int16_t>(less + (values_[static_cast<size_t>(i)] < value ? 1 : 0));
    }
    return values_.begin() + less;
  }

  std::array<int16_t, kMost> values_{};
  int16_t count_ = 0;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_SIGNAL_QUARTILES_H_
