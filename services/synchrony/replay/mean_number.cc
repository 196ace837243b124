#include "services/synchrony/replay/mean_number.h"

#include <cmath>

namespace attune::synchrony {

void MeanNumber::Add(const Number& number) {
  if (number.absent != Absence::kNone) {
    AddAbsent(number.absent);
    return;
  }
  if (!std::isfinite(number.value)) {
    AddAbsent(Absence::kNotEnoughData);
    return;
  }
  ++values_;
  sum_ += number.value;
  coverage_ += number.coverage;
  doubtful_ += number.doubtful;
  if (number.has_chance) {
    ++bands_;
    mean_ += number.chance.mean;
    low_ += number.chance.low;
    high_ += number.chance.high;
    above_ += number.chance.above;
  } else {
    Count(number.chance_absent, &chance_absent_);
  }
}

void MeanNumber::AddAbsent(Absence reason) { Count(reason, &absent_); }

void MeanNumber::Count(Absence reason, Counts* counts) {
  const auto index = static_cast<size_t>(reason);
  if (index < counts->size()) ++(*counts)[index];
}

Absence MeanNumber::Most(const Counts& counts) {
  size_t most = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > counts[most]) most = i;
  }
  return counts[most] == 0 ? Absence::kNotEnoughData : static_cast<Absence>(most);
}

double MeanNumber::share_above() const {
  return values_ == 0 ? 0 : static_cast<double>(above_) / static_cast<double>(values_);
}

Number MeanNumber::Mean(int64_t window_us) const {
  Number out;
  out.window_us = window_us;
  if (values_ == 0) {
    out.absent = Most(absent_);
    return out;
  }
  const auto count = static_cast<double>(values_);
  out.absent = Absence::kNone;
  out.value = sum_ / count;
  out.coverage = coverage_ / count;
  out.doubtful = 2 * doubtful_ > values_;
  if (bands_ == 0) {
    out.chance_absent = Most(chance_absent_);
    return out;
  }
  const auto bands = static_cast<double>(bands_);
  out.has_chance = true;
  out.chance.mean = mean_ / bands;
  out.chance.low = low_ / bands;
  out.chance.high = high_ / bands;
  out.chance.p = 0;
  out.chance.above = 2 * above_ > values_;
  return out;
}

}  // namespace attune::synchrony
