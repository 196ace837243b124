#include "services/synchrony/group/group_measures.h"

#include <algorithm>
#include <cmath>
#include <memory_resource>

#include "services/synchrony/chance/draws.h"
#include "services/synchrony/chance/moments.h"

namespace attune::synchrony {
namespace {

// What one call needs by draw, on the stack as long as the draws are few.
class Scratch {
 public:
  std::pmr::memory_resource* memory() { return &memory_; }

 private:
  std::byte stack_[4096];
  std::pmr::monotonic_buffer_resource memory_{stack_, sizeof(stack_)};
};

Number Without(Number number, Absence why, bool common_cause) {
  number.absent = why;
  number.chance_absent = common_cause ? Absence::kCommonCause : why;
  return number;
}

}  // namespace

GroupMeasures::GroupMeasures(const Params& params, const Kernels& kernels,
                             std::pmr::memory_resource* memory)
    : params_(params), order_(params, memory), crowd_(params, kernels), shifts_(memory) {}

void GroupMeasures::FindBasis(std::span<const int> group, std::span<PersonTrack* const> tracks,
                              const Span& span, GroupBasis* basis) const {
  basis->contributors.clear();
  basis->tracks.clear();
  basis->places.clear();
  basis->number = Number{};
  basis->number.window_us = span.window_us();
  double all_coverage = 0, contributing_coverage = 0;
  bool timing_kept_out = false;
  for (size_t i = 0; i < group.size(); ++i) {
    if (tracks[i] == nullptr || span.seconds == 0) continue;
    const double coverage = tracks[i]->Coverage(span.seconds * kSamplesPerSecond);
    all_coverage += coverage;
    if (!span.LongEnough(params_) || coverage < params_.contributor_min_coverage) continue;
    if (tracks[i]->span_artefacts().too_many) continue;
    if (tracks[i]->timing.jitter_us > params_.jitter_limit_us) {
      timing_kept_out = true;
      continue;
    }
    contributing_coverage += coverage;
    basis->number.doubtful |= tracks[i]->span_artefacts().doubtful;
    basis->contributors.push_back(group[i]);
    basis->tracks.push_back(tracks[i]);
    basis->places.push_back(i);
  }
  const size_t contributors = basis->contributors.size();
  if (contributors >= 2) {
    basis->number.absent = Absence::kNone;
    basis->number.coverage = contributing_coverage / static_cast<double>(contributors);
    return;
  }
  if (!group.empty()) basis->number.coverage = all_coverage / static_cast<double>(group.size());
  if (group.size() < 2) {
    basis->number.absent = Absence::kTooFewPeople;
  } else if (!span.LongEnough(params_)) {
    basis->number.absent = Absence::kNotEnoughData;
  } else {
    basis->number.absent = timing_kept_out ? Absence::kTimingTooUncertain : Absence::kTooFewPeople;
  }
}

Number GroupMeasures::OrderParameter(const GroupBasis& basis, int64_t tick_end_us,
                                     bool common_cause) {
  Number number = basis.number;
  number.window_us = int64_t{params_.order_window_seconds} * 1'000'000;
  if (number.absent != Absence::kNone) return Without(number, number.absent, common_cause);

  if (order_people_ != basis.contributors) {
    order_people_ = basis.contributors;
    order_.Forget();
  }
  rings_.clear();
  for (const PersonTrack* track : basis.tracks) rings_.push_back(&track->phases());
  if (order_.Follow(rings_, MomentAt(tick_end_us, params_)) || !order_standing_.known) {
    order_any_ = order_.Mean(-1, &order_value_);
    Scratch scratch;
    std::pmr::vector<double> null_values(scratch.memory());
    null_values.reserve(static_cast<size_t>(order_.draws()));
    double value = 0;
    for (int draw = 0; draw < order_.draws(); ++draw) {
      if (order_.Mean(draw, &value)) null_values.push_back(value);
    }
    order_standing_ = StandingOf(basis, order_value_, null_values);
  }
  if (!order_any_) return Without(number, Absence::kNotEnoughData, common_cause);
  number.value = order_value_;
  AddChance(order_standing_, common_cause, &number);
  return number;
}

Number GroupMeasures::MeanPairwise(const GroupBasis& basis, std::span<const ShiftSums* const> sums,
                                   size_t group_size, bool common_cause) {
  Number number = basis.number;
  if (number.absent != Absence::kNone) {
    pairwise_standing_.known = false;
    return Without(number, number.absent, common_cause);
  }
  const bool still =
      pairwise_standing_.known && pairwise_people_ == basis.contributors &&
      std::all_of(basis.tracks.begin(), basis.tracks.end(),
                  [](const PersonTrack* track) { return track->windows().changes().empty(); });
  if (!still) SumPairs(basis, sums, group_size);
  if (!pairwise_any_) return Without(number, Absence::kNotEnoughData, common_cause);
  number.value = pairwise_value_;
  AddChance(pairwise_standing_, common_cause, &number);
  return number;
}

void GroupMeasures::SumPairs(const GroupBasis& basis, std::span<const ShiftSums* const> sums,
                             size_t group_size) {
  const size_t people = basis.tracks.size();
  const auto draws = static_cast<size_t>(params_.group_draws);
  const int size = SpanWindows(params_);
  ChooseShifts(people, size);
  Scratch scratch;
  std::pmr::vector<int64_t> null_r(draws, scratch.memory());
  std::pmr::vector<int64_t> null_count(draws, scratch.memory());
  int64_t r = 0, count = 0, complete_count = 0;
  for (size_t i = 0; i < people; ++i) {
    for (size_t j = i + 1; j < people; ++j) {
      const size_t a = basis.places[i];
      const size_t b = basis.places[j];
      const ShiftSums& pair = *sums[a * (2 * group_size - a - 1) / 2 + (b - a - 1)];
      r += pair.r(0);
      count += pair.count(0);
      // Window t of a draw pairs a_(t - s_i) with b_(t - s_j): the slots differ by s_j - s_i.
      const int16_t* shift_a = &shifts_[i * draws];
      const int16_t* shift_b = &shifts_[j * draws];
      for (size_t draw = 0; draw < draws; ++draw) {
        const int difference = shift_b[draw] - shift_a[draw];
        null_r[draw] += pair.r(difference < 0 ? difference + size : difference);
      }
      if (pair.complete()) {
        complete_count += size;
        continue;
      }
      for (size_t draw = 0; draw < draws; ++draw) {
        const int difference = shift_b[draw] - shift_a[draw];
        null_count[draw] += pair.count(difference < 0 ? difference + size : difference);
      }
    }
  }
  pairwise_people_ = basis.contributors;
  pairwise_any_ = count > 0;
  pairwise_standing_ = {true, 0, {}};
  if (!pairwise_any_) return;
  pairwise_value_ = static_cast<double>(r) * kRScale / static_cast<double>(count);
  const double enough = params_.shift_min_window_share * static_cast<double>(count);
  std::pmr::vector<double> null_values(scratch.memory());
  null_values.reserve(draws);
  for (size_t draw = 0; draw < draws; ++draw) {
    const auto cells = static_cast<double>(null_count[draw] + complete_count);
    if (cells == 0 || cells < enough) continue;
    null_values.push_back(static_cast<double>(null_r[draw]) * kRScale / cells *
                          std::sqrt(cells / static_cast<double>(count)));
  }
  pairwise_standing_ = StandingOf(basis, pairwise_value_, null_values);
}

Number GroupMeasures::MeanPairwiseOfCrowd(const GroupBasis& basis, bool common_cause) {
  if (basis.contributors.size() > CrowdSums::kMostPeople) {
    crowd_.Clear();
    return Without(basis.number, Absence::kTooManyPeople, common_cause);
  }
  members_.clear();
  for (size_t i = 0; i < basis.contributors.size(); ++i) {
    members_.push_back({basis.contributors[i], &basis.tracks[i]->windows()});
  }
  crowd_.Follow(members_);
  Number number = basis.number;
  if (number.absent != Absence::kNone) return Without(number, number.absent, common_cause);
  const CrowdSums::Sum observed = crowd_.At(-1);
  if (observed.count == 0) return Without(number, Absence::kNotEnoughData, common_cause);
  number.value = static_cast<double>(observed.r) * kRScale / static_cast<double>(observed.count);
  const double enough = params_.shift_min_window_share * static_cast<double>(observed.count);
  Scratch scratch;
  std::pmr::vector<double> null_values(scratch.memory());
  null_values.reserve(static_cast<size_t>(crowd_.draws()));
  for (int draw = 0; draw < crowd_.draws(); ++draw) {
    const CrowdSums::Sum sum = crowd_.At(draw);
    const auto cells = static_cast<double>(sum.count);
    if (cells == 0 || cells < enough) continue;
    null_values.push_back(static_cast<double>(sum.r) * kRScale / cells *
                          std::sqrt(cells / static_cast<double>(observed.count)));
  }
  AddChance(StandingOf(basis, number.value, null_values), common_cause, &number);
  return number;
}

Standing GroupMeasures::StandingOf(const GroupBasis& basis, double value,
                                   std::span<const double> null_values) const {
  Standing standing{true, static_cast<int>(null_values.size()), {}};
  if (standing.shifts >= std::max(2, params_.shifts_min)) {
    const bool two = basis.contributors.size() == 2;
    standing.chance = ChanceAgainst(two ? Statistic::kGroupOfTwo : Statistic::kGroup, value,
                                    null_values.data(), standing.shifts);
  }
  return standing;
}

void GroupMeasures::AddChance(const Standing& standing, bool common_cause, Number* number) const {
  if (common_cause) {
    number->chance_absent = Absence::kCommonCause;
  } else if (standing.shifts < std::max(2, params_.shifts_min)) {
    number->chance_absent = Absence::kNotEnoughData;
  } else {
    number->has_chance = true;
    number->chance = standing.chance;
  }
}

void GroupMeasures::ChooseShifts(size_t people, int length) {
  if (people == shift_people_) return;
  shift_people_ = people;
  const std::vector<int> shifts =
      DrawShifts(params_.group_seed, params_.group_draws, static_cast<int>(people), length,
                 params_.group_shift_apart_seconds / params_.moment_seconds);
  const auto draws = static_cast<size_t>(params_.group_draws);
  shifts_.resize(shifts.size());
  for (size_t draw = 0; draw < draws; ++draw) {
    for (size_t i = 0; i < people; ++i) {
      shifts_[i * draws + draw] = static_cast<int16_t>(shifts[draw * people + i]);
    }
  }
}

void GroupMeasures::Forget(int person) {
  pairwise_standing_.known = false;
  order_standing_.known = false;
  order_.Forget();
  crowd_.Forget(person);
}

size_t GroupMeasures::MemoryBytes() const {
  return order_.MemoryBytes() + crowd_.MemoryBytes() + shifts_.capacity() * sizeof(int16_t);
}

}  // namespace attune::synchrony
