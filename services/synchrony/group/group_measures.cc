#include "services/synchrony/group/group_measures.h"

#include <algorithm>
#include <cmath>

#include "services/synchrony/chance/draws.h"
#include "services/synchrony/chance/null.h"
#include "services/synchrony/group/order.h"

namespace attune::synchrony {
namespace {

Number Value(Number number, double value) {
  number.absent = Absence::kNone;
  number.value = value;
  return number;
}

Number Without(Number number, Absence why, bool common_cause) {
  number.absent = why;
  number.chance_absent = common_cause ? Absence::kCommonCause : why;
  return number;
}

}  // namespace

GroupBasis GroupMeasures::Basis(const std::vector<int>& group,
                                const std::vector<const PersonTrack*>& tracks,
                                const Span& span) const {
  GroupBasis basis;
  basis.number.window_us = span.window_us();
  double all_coverage = 0, contributing_coverage = 0;
  bool timing_kept_out = false;
  for (size_t i = 0; i < group.size(); ++i) {
    if (tracks[i] == nullptr || span.seconds == 0) continue;
    const int samples = span.seconds * kSamplesPerSecond;
    const double coverage =
        static_cast<double>(tracks[i]->grid().CountValid(span.last_sample, samples)) / samples;
    all_coverage += coverage;
    if (!span.LongEnough(params_) || coverage < params_.contributor_min_coverage) continue;
    if (tracks[i]->span_artefacts().too_many) continue;
    if (tracks[i]->timing.jitter_us > params_.jitter_limit_us) {
      timing_kept_out = true;
      continue;
    }
    contributing_coverage += coverage;
    basis.number.doubtful = basis.number.doubtful || tracks[i]->span_artefacts().doubtful;
    basis.contributors.push_back(group[i]);
    basis.tracks.push_back(tracks[i]);
  }
  const size_t contributors = basis.contributors.size();
  if (contributors >= 2) {
    basis.number.absent = Absence::kNone;
    basis.number.coverage = contributing_coverage / static_cast<double>(contributors);
    return basis;
  }
  if (!group.empty()) basis.number.coverage = all_coverage / static_cast<double>(group.size());
  if (group.size() < 2) {
    basis.number.absent = Absence::kTooFewPeople;
  } else if (!span.LongEnough(params_)) {
    basis.number.absent = Absence::kNotEnoughData;
  } else {
    basis.number.absent = timing_kept_out ? Absence::kTimingTooUncertain : Absence::kTooFewPeople;
  }
  return basis;
}

Number GroupMeasures::OrderParameter(const GroupBasis& basis, int64_t tick_end_us,
                                     bool common_cause) {
  Number number = basis.number;
  number.window_us = int64_t{params_.order_window_seconds} * 1'000'000;
  if (number.absent != Absence::kNone) return Without(number, number.absent, common_cause);

  const int64_t end = tick_end_us / 1'000'000 + 1;
  const int64_t begin =
      std::max<int64_t>(params_.phase_filter_seconds + 1, end - params_.span_seconds);
  const int length = static_cast<int>(end - begin);
  if (length < params_.order_window_seconds) {
    return Without(number, Absence::kNotEnoughData, common_cause);
  }
  std::vector<const UnitVector*> series;
  for (const PersonTrack* track : basis.tracks) series.push_back(track->phase().at(begin));
  const int people = static_cast<int>(series.size());
  const int min_valid =
      std::max(2, static_cast<int>(std::ceil(params_.contributor_min_coverage * people)));
  const OrderOverTime order(series, length, params_.order_window_seconds, min_valid);
  double value = 0;
  if (!order.Mean(nullptr, &value)) return Without(number, Absence::kNotEnoughData, common_cause);
  number = Value(number, value);
  if (common_cause) {
    number.chance_absent = Absence::kCommonCause;
    return number;
  }

  const std::vector<int>& shifts = ShiftsFor(&order_draws_, people, length);
  null_values_.clear();
  for (int draw = 0; draw < params_.group_draws; ++draw) {
    double shifted = 0;
    if (order.Mean(&shifts[static_cast<size_t>(draw) * series.size()], &shifted)) {
      null_values_.push_back(shifted);
    }
  }
  if (static_cast<int>(null_values_.size()) < std::max(1, params_.shifts_min)) {
    number.chance_absent = Absence::kNotEnoughData;
    return number;
  }
  number.has_chance = true;
  number.chance = ChanceFrom(number.value, null_values_);
  return number;
}

Number GroupMeasures::MeanPairwise(const GroupBasis& basis,
                                   const std::vector<const ShiftSums*>& sums, const Span& span,
                                   bool common_cause) {
  Number number = basis.number;
  if (number.absent != Absence::kNone) return Without(number, number.absent, common_cause);
  int64_t r = 0, count = 0;
  for (const ShiftSums* pair : sums) {
    const ShiftSums::Sum sum = pair->At(0);
    r += sum.r;
    count += sum.count;
  }
  if (count == 0) return Without(number, Absence::kNotEnoughData, common_cause);
  number = Value(number, static_cast<double>(r) * kRScale / static_cast<double>(count));
  if (common_cause) {
    number.chance_absent = Absence::kCommonCause;
    return number;
  }

  const int windows = static_cast<int>(span.end - span.begin);
  const size_t people = basis.tracks.size();
  const std::vector<int>& shifts = ShiftsFor(&pairwise_draws_, static_cast<int>(people), windows);
  null_values_.clear();
  for (int draw = 0; draw < params_.group_draws; ++draw) {
    const int* shift = &shifts[static_cast<size_t>(draw) * people];
    int64_t null_r = 0, null_count = 0;
    size_t pair = 0;
    for (size_t i = 0; i < people; ++i) {
      for (size_t j = i + 1; j < people; ++j, ++pair) {
        // Window t of the draw pairs a_(t - s_i) with b_(t - s_j): indices differ by s_j - s_i.
        const int difference = shift[j] - shift[i];
        const ShiftSums::Sum sum =
            sums[pair]->At(difference < 0 ? difference + windows : difference);
        null_r += sum.r;
        null_count += sum.count;
      }
    }
    if (null_count == 0 || static_cast<double>(null_count) <
                               params_.shift_min_window_share * static_cast<double>(count)) {
      continue;
    }
    null_values_.push_back(static_cast<double>(null_r) * kRScale / static_cast<double>(null_count));
  }
  if (static_cast<int>(null_values_.size()) < std::max(1, params_.shifts_min)) {
    number.chance_absent = Absence::kNotEnoughData;
    return number;
  }
  number.has_chance = true;
  number.chance = ChanceFrom(number.value, null_values_);
  return number;
}

Number GroupMeasures::MeanPairwiseLarge(const GroupBasis& basis, const Span& span,
                                        bool common_cause) const {
  Number number = basis.number;
  if (number.absent != Absence::kNone) return Without(number, number.absent, common_cause);
  int64_t twice_r = 0, count = 0;
  int32_t sum[kRowLength];
  for (int64_t window = span.begin; window < span.end; ++window) {
    std::fill(sum, sum + kRowLength, 0);
    int64_t own = 0, usable = 0;
    for (const PersonTrack* track : basis.tracks) {
      if (!track->windows().usable(window)) continue;
      const int16_t* row = track->windows().row(window);
      for (int k = 0; k < kRowLength; ++k) sum[k] += row[k];
      own += Dot(row, row, kRowLength);
      ++usable;
    }
    int64_t together = 0;
    for (int32_t value : sum) together += int64_t{value} * value;
    twice_r += together - own;
    count += usable * (usable - 1) / 2;
  }
  if (count == 0) return Without(number, Absence::kNotEnoughData, common_cause);
  number = Value(number, static_cast<double>(twice_r / 2) * kRScale / static_cast<double>(count));
  number.chance_absent = common_cause ? Absence::kCommonCause : Absence::kTooManyPeople;
  return number;
}

const std::vector<int>& GroupMeasures::ShiftsFor(Draws* draws, int people, int length) const {
  if (draws->people != people || draws->length != length) {
    draws->people = people;
    draws->length = length;
    draws->shifts = DrawShifts(params_.group_seed, params_.group_draws, people, length,
                               params_.group_shift_apart_seconds);
  }
  return draws->shifts;
}

}  // namespace attune::synchrony
