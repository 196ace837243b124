#include "services/synchrony/group/cluster_phase.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/synchrony/dsp/math.h"
#include "services/synchrony/dsp/stats.h"

namespace attune::synchrony {
namespace {

// a times the conjugate of b: the angle of a minus that of b.
UnitVector Minus(UnitVector a, UnitVector b) {
  return {a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im};
}

double Length(UnitVector v) { return std::sqrt(v.re * v.re + v.im * v.im); }

// No direction at all: as good as any.
UnitVector Direction(UnitVector v) {
  const double length = Length(v);
  return length > 0 ? UnitVector{v.re / length, v.im / length} : UnitVector{1, 0};
}

}  // namespace

std::optional<ClusterPhase> MeasureClusterPhase(const std::vector<std::vector<UnitVector>>& people,
                                                double min_share) {
  if (people.size() < 2) return std::nullopt;
  const size_t moments = people[0].size();
  const double needed = std::max(2.0, min_share * static_cast<double>(people.size()));
  ClusterPhase result;
  result.rho_moment.assign(moments, std::numeric_limits<double>::quiet_NaN());
  result.order = result.rho_moment;
  std::vector<size_t> at;
  // Against the cluster, of the moments that count; nothing stays nothing.
  std::vector<std::vector<UnitVector>> relative(people.size());
  for (size_t t = 0; t < moments; ++t) {
    UnitVector sum;
    double present = 0;
    for (const auto& person : people) {
      present += person[t].valid() ? 1 : 0;
      sum.re += person[t].re;
      sum.im += person[t].im;
    }
    if (present < needed) continue;
    const double length = Length(sum);
    result.order[t] = length / present;
    const UnitVector cluster = Direction(sum);
    for (size_t i = 0; i < people.size(); ++i) {
      relative[i].push_back(Minus(people[i][t], cluster));
    }
    at.push_back(t);
  }
  if (at.empty()) return std::nullopt;
  result.moments = static_cast<int>(at.size());
  std::vector<UnitVector> own(people.size());
  for (size_t i = 0; i < people.size(); ++i) {
    UnitVector sum;
    double present = 0;
    for (const UnitVector& v : relative[i]) {
      present += v.valid() ? 1 : 0;
      sum.re += v.re;
      sum.im += v.im;
    }
    if (present == 0) return std::nullopt;
    result.rho_own.push_back(Length(sum) / present);
    own[i] = Direction(sum);
  }
  for (size_t k = 0; k < at.size(); ++k) {
    UnitVector sum;
    double present = 0;
    for (size_t i = 0; i < people.size(); ++i) {
      present += relative[i][k].valid() ? 1 : 0;
      const UnitVector v = Minus(relative[i][k], own[i]);
      sum.re += v.re;
      sum.im += v.im;
    }
    const double rho = Length(sum) / present;
    result.rho_moment[at[k]] = rho;
    result.rho += rho;
  }
  result.rho /= static_cast<double>(at.size());
  return result;
}

double ChanceOrder(int people) { return std::sqrt(dsp::kPi / (4.0 * people)); }

std::optional<WeakNull> TestAgainstWeakNull(std::span<const double> mean_squared_order,
                                            int people) {
  const double n = static_cast<double>(mean_squared_order.size());
  if (mean_squared_order.size() < 2 || people < 1) return std::nullopt;
  const double sd = dsp::StandardDeviation(mean_squared_order, 1);
  if (!(sd > 0)) return std::nullopt;
  return WeakNull{(dsp::Mean(mean_squared_order) - 1.0 / people) / (sd / std::sqrt(n)),
                  static_cast<int>(mean_squared_order.size()) - 1};
}

}  // namespace attune::synchrony
