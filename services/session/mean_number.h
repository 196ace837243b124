// Mean of a published number over ticks, with its ground. The order of adding is part of the
// result.
#ifndef ATTUNE_SERVICES_SESSION_MEAN_NUMBER_H_
#define ATTUNE_SERVICES_SESSION_MEAN_NUMBER_H_

#include <array>
#include <cstdint>

#include "attune/v1/live.pb.h"

namespace attune::session {

class MeanNumber {
 public:
  void Add(const v1::Number& number);
  // A tick whose value may not be counted.
  void AddAbsent(v1::Absence reason);

  // `window_us`: what the mean is over.
  v1::Number Mean(int64_t window_us) const;
  uint64_t values() const { return values_; }
  // Share of ticks with a value that were above chance; 0 without values.
  double share_above() const;

 private:
  using Counts = std::array<uint64_t, v1::Absence_ARRAYSIZE>;
  // Most frequent; the smaller number wins a tie.
  static v1::Absence Most(const Counts& counts);

  uint64_t values_ = 0;
  double sum_ = 0;
  double coverage_ = 0;  // of ticks with a value
  uint64_t above_ = 0;
  uint64_t bands_ = 0;
  double mean_ = 0;
  double low_ = 0;
  double high_ = 0;
  Counts absent_{};
  Counts chance_absent_{};
};

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_MEAN_NUMBER_H_
