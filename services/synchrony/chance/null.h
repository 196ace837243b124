// From null values to a chance level, and from many p values to which of them to believe.
#ifndef ATTUNE_SERVICES_SYNCHRONY_CHANCE_NULL_H_
#define ATTUNE_SERVICES_SYNCHRONY_CHANCE_NULL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

// Mean, 2.5 and 97.5 percentiles (linear interpolation at position (n - 1) q) and one-sided
// p = (1 + #null >= observed) / (1 + n). `null_values` must not be empty; it is reordered.
Chance ChanceFrom(double observed, std::vector<double>& null_values);

// Linear-interpolation quantile, 0 <= q <= 1; reorders `values`, which must not be empty.
double Quantile(std::vector<double>& values, double q);

// Benjamini & Hochberg 1995: each p's smallest false discovery rate at which it is still rejected,
// in the order given.
std::vector<double> BenjaminiHochberg(const std::vector<double>& p);

// The largest p that the same procedure rejects at `alpha`, of `count` in all; -1: none. All p up
// to it are rejected. `small` holds those of at most 2 alpha and is sorted; nothing is allocated.
double LargestRejected(std::span<double> small, size_t count, double alpha);

// Has something held without a break for long enough?
class Hold {
 public:
  Hold() = default;
  explicit Hold(int64_t since_us) : since_us_(since_us) {}

  // One tick's verdict; `previous_us` is the tick before (-1: none). True once it has held for
  // `persistence_us`. Ticks more than `break_us` apart begin anew.
  bool Update(bool holds, int64_t tick_us, int64_t previous_us, int64_t persistence_us,
              int64_t break_us);

  bool holding() const { return since_us_ >= 0; }
  int64_t since_us() const { return since_us_; }

 private:
  int64_t since_us_ = -1;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_CHANCE_NULL_H_
