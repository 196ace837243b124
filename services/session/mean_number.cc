#include "services/session/mean_number.h"

#include <cstddef>

namespace attune::session {

void MeanNumber::Add(const v1::Number& number) {
  if (number.outcome_case() != v1::Number::kValue) {
    AddAbsent(number.absent());
    return;
  }
  ++values_;
  sum_ += number.value();
  coverage_ += number.coverage();
  if (number.has_chance()) {
    ++bands_;
    mean_ += number.chance().mean();
    low_ += number.chance().low();
    high_ += number.chance().high();
    above_ += number.chance().above();
  } else if (v1::Absence_IsValid(number.chance_absent())) {
    ++chance_absent_[number.chance_absent()];
  }
}

void MeanNumber::AddAbsent(v1::Absence reason) {
  if (v1::Absence_IsValid(reason)) ++absent_[reason];
}

double MeanNumber::share_above() const {
  return values_ == 0 ? 0 : static_cast<double>(above_) / static_cast<double>(values_);
}

v1::Absence MeanNumber::Most(const Counts& counts) {
  size_t most = v1::ABSENCE_NOT_ENOUGH_DATA;
  for (size_t i = 1; i < counts.size(); ++i) {
    if (counts[i] > counts[most]) most = i;
  }
  return static_cast<v1::Absence>(most);
}

v1::Number MeanNumber::Mean(int64_t window_us) const {
  v1::Number out;
  out.set_window_us(window_us);
  if (values_ == 0) {
    out.set_absent(Most(absent_));
    return out;
  }
  const auto count = static_cast<double>(values_);
  out.set_value(sum_ / count);
  out.set_coverage(coverage_ / count);
  if (bands_ == 0) {
    out.set_chance_absent(Most(chance_absent_));
    return out;
  }
  const auto bands = static_cast<double>(bands_);
  out.mutable_chance()->set_mean(mean_ / bands);
  out.mutable_chance()->set_low(low_ / bands);
  out.mutable_chance()->set_high(high_ / bands);
  out.mutable_chance()->set_above(2 * above_ > values_);
  return out;
}

}  // namespace attune::session
