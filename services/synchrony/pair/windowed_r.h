// Mean windowed r of two series in doubles: r of short windows, a line removed from each, averaged;
// and the same with b shifted by whole windows. The rules are those of the live form
// (signal/windows.h, chance/shift_sums.h), without its integers.
#ifndef ATTUNE_SERVICES_SYNCHRONY_PAIR_WINDOWED_R_H_
#define ATTUNE_SERVICES_SYNCHRONY_PAIR_WINDOWED_R_H_

#include <cstddef>
#include <span>
#include <vector>

namespace attune::synchrony {

// The windows of one person's series (NaN: missing), about their lines and of length 1. A window
// with a few samples missing counts them as on its line, which pulls r towards 0, never away.
class WindowRows {
 public:
  // `window` and `step` in samples; a window with fewer than min_valid_share of its samples, or
  // without variance, is not usable.
  WindowRows(std::span<const double> x, size_t window, size_t step, double min_valid_share);

  size_t count() const { return usable_.size(); }
  bool usable(size_t i) const { return usable_[i]; }
  const double* row(size_t i) const { return &values_[i * window_]; }
  size_t window() const { return window_; }

 private:
  size_t window_;
  std::vector<bool> usable_;
  std::vector<double> values_;
};

struct MeanR {
  size_t windows = 0;  // usable in both; `value` holds when > 0
  double value = 0;
};

// Mean r of a's window i with b's window i - shift, circularly. Same shape of both; shift < count.
MeanR MeanWindowedR(const WindowRows& a, const WindowRows& b, size_t shift = 0);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_PAIR_WINDOWED_R_H_
