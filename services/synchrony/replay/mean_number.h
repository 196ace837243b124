// Mean of a published number over ticks, with its ground. The order of adding is part of the
// result.
//
// The mean's coverage and chance band are the means over the ticks with a value (and a band); its
// `above` and `doubtful` say that more than half of the ticks with a value were. p, z, the number
// of shifts and the uncertainty belong to single ticks: a mean has none (0). Without any value it
// is absent for the most frequent reason; of equally frequent ones, the first in the enumeration.
#ifndef ATTUNE_SERVICES_SYNCHRONY_REPLAY_MEAN_NUMBER_H_
#define ATTUNE_SERVICES_SYNCHRONY_REPLAY_MEAN_NUMBER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "services/synchrony/numbers.h"

namespace attune::synchrony {

class MeanNumber {
 public:
  // A value that is not finite counts as absent.
  void Add(const Number& number);
  // A tick whose value may not be counted.
  void AddAbsent(Absence reason);

  // `window_us`: what the mean is over.
  Number Mean(int64_t window_us) const;
  uint64_t values() const { return values_; }
  // Share of ticks with a value that were above chance; 0 without values.
  double share_above() const;

 private:
  static constexpr size_t kReasons = 32;  // more than Absence has
  using Counts = std::array<uint64_t, kReasons>;
  static void Count(Absence reason, Counts* counts);
  static Absence Most(const Counts& counts);

  uint64_t values_ = 0;
  double sum_ = 0;
  double coverage_ = 0;  // of ticks with a value
  uint64_t above_ = 0;
  uint64_t doubtful_ = 0;
  uint64_t bands_ = 0;
  double mean_ = 0;
  double low_ = 0;
  double high_ = 0;
  Counts absent_{};
  Counts chance_absent_{};
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_REPLAY_MEAN_NUMBER_H_
