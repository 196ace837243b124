#include "services/synchrony/group/mvsusy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/synchrony/chance/split_mix.h"
#include "services/synchrony/dsp/stats.h"
#include "services/synchrony/group/eigen.h"

namespace attune::synchrony {
namespace {

// Of one person and segment: minus the mean, over the root of the sum of squares.
void AppendStandardised(const double* x, size_t count, std::vector<double>* to) {
  double sum = 0, squares = 0;
  size_t there = 0;
  for (size_t t = 0; t < count; ++t) {
    if (!std::isfinite(x[t])) continue;
    sum += x[t];
    ++there;
  }
  const double mean = sum / static_cast<double>(there);
  for (size_t t = 0; t < count; ++t) {
    if (std::isfinite(x[t])) squares += (x[t] - mean) * (x[t] - mean);
  }
  // Who does not vary resembles nobody.
  const bool varies = squares > 1e-24 * mean * mean * static_cast<double>(there);
  const double scale = varies ? 1 / std::sqrt(squares) : 0;
  for (size_t t = 0; t < count; ++t) {
    to->push_back(std::isfinite(x[t]) ? (x[t] - mean) * scale : 0);
  }
}

void SetEffectSize(MvSusyStatistic* s) {
  s->effect_size =
      (dsp::Mean(s->real) - dsp::Mean(s->pseudo)) / dsp::StandardDeviation(s->pseudo, 1);
  if (!std::isfinite(s->effect_size)) s->effect_size = std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::vector<int> DrawSegments(uint64_t seed, int draws, int people, int segments) {
  SplitMix64 random(seed);
  std::vector<int> deck(static_cast<size_t>(segments));
  for (int i = 0; i < segments; ++i) deck[static_cast<size_t>(i)] = i;
  std::vector<int> dealt;
  dealt.reserve(static_cast<size_t>(draws) * static_cast<size_t>(people));
  for (int draw = 0; draw < draws; ++draw) {
    for (int person = 0; person < people; ++person) {
      // Fisher and Yates, one card at a time.
      const int at = person % segments;
      const int other = at + random.Below(segments - at);
      std::swap(deck[static_cast<size_t>(at)], deck[static_cast<size_t>(other)]);
      dealt.push_back(deck[static_cast<size_t>(at)]);
    }
  }
  return dealt;
}

MvSusySegments::MvSusySegments(const Table& people, size_t segment, double min_share)
    : people_(people.size()), segment_(segment) {
  std::vector<size_t> starts;
  for (size_t from = 0; from + segment <= Samples(people); from += segment) {
    const bool usable = std::all_of(people.begin(), people.end(), [&](const auto& x) {
      size_t there = 0;
      for (size_t t = from; t < from + segment; ++t) there += std::isfinite(x[t]) ? 1 : 0;
      return there > 1 && static_cast<double>(there) >= min_share * static_cast<double>(segment);
    });
    if (usable) starts.push_back(from);
  }
  usable_ = static_cast<int>(starts.size());
  values_.reserve(people_ * starts.size() * segment);
  for (const std::vector<double>& x : people) {
    for (size_t from : starts) AppendStandardised(&x[from], segment, &values_);
  }
}

void MvSusySegments::Append(const int* segments, std::vector<double>* leading,
                            std::vector<double>* omega) const {
  dsp::Matrix r(people_, people_);
  for (size_t i = 0; i < people_; ++i) {
    r.at(i, i) = 1;
    const double* x = At(i, segments[i]);
    for (size_t j = i + 1; j < people_; ++j) {
      const double* y = At(j, segments[j]);
      double sums[4] = {0, 0, 0, 0};
      size_t t = 0;
      for (; t + 4 <= segment_; t += 4) {
        for (size_t k = 0; k < 4; ++k) sums[k] += x[t + k] * y[t + k];
      }
      for (size_t k = 0; t < segment_; ++t, ++k) sums[k] += x[t] * y[t];
      r.at(i, j) = r.at(j, i) = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
  }
  leading->push_back(LeadingEigenvaluePct(r));
  omega->push_back(Omega(r));
}

std::optional<MvSusy> MvSusySegments::Measure(const std::vector<int>& draws) const {
  if (people_ < 2 || usable_ < 2 || draws.size() < 2 * people_) return std::nullopt;
  MvSusy result;
  std::vector<int> same(people_);
  for (int s = 0; s < usable_; ++s) {
    std::fill(same.begin(), same.end(), s);
    Append(same.data(), &result.leading_pct.real, &result.omega.real);
  }
  for (size_t at = 0; at + people_ <= draws.size(); at += people_) {
    Append(&draws[at], &result.leading_pct.pseudo, &result.omega.pseudo);
  }
  SetEffectSize(&result.leading_pct);
  SetEffectSize(&result.omega);
  return result;
}

}  // namespace attune::synchrony
