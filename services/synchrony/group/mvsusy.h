// Multivariate surrogate synchrony (Meier & Tschacher 2021; cran/mvSUSY): is a group more alike, in
// short segments, than its members are when their segments are put together from different times?
//
//   real:   a statistic of the correlations of each segment of `segment` samples
//   pseudo: the same of made-up segments, person i's taken from segment draw[i]
//   effect size = (mean real - mean pseudo) / SD(pseudo, n - 1)
// Statistics: the leading eigenvalue's share and omega (eigen.h; there is said how our omega
// departs from the package's). The package draws at random; here the draws are given, so that the
// same data give the same value.
//
// The effect size is no z score of the real mean: it says how many SDs of single pseudo segments
// the mean moved. Pure functions.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_MVSUSY_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_MVSUSY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "services/synchrony/group/table.h"

namespace attune::synchrony {

// For each draw one segment in [0, segments) per person: shuffled decks of all segments dealt one
// after the other, so two people share a segment only if there are more people than segments.
// SplitMix64 (Steele, Lea & Flood 2014) from `seed`.
std::vector<int> DrawSegments(uint64_t seed, int draws, int people, int segments);

struct MvSusyStatistic {
  std::vector<double> real;    // per usable segment
  std::vector<double> pseudo;  // per draw
  double effect_size = 0;      // NaN when the pseudo values do not differ
};

struct MvSusy {
  MvSusyStatistic leading_pct;
  MvSusyStatistic omega;
};

// Cuts samples [0, k * segment) into segments, standardised per person and segment.
class MvSusySegments {
 public:
  // Samples may be NaN where missing: they count as at the person's mean of the segment, which
  // pulls correlations towards 0, never away from it. A segment in which anybody has less than
  // `min_share` of it is left out.
  MvSusySegments(const Table& people, size_t segment, double min_share);

  int usable() const { return usable_; }

  // draws: people per draw, as DrawSegments(.., usable()) gives them. Nothing with fewer than two
  // people, usable segments or draws.
  std::optional<MvSusy> Measure(const std::vector<int>& draws) const;

 private:
  const double* At(size_t person, int segment) const {
    return &values_[(person * static_cast<size_t>(usable_) + static_cast<size_t>(segment)) *
                    segment_];
  }
  void Append(const int* segments, std::vector<double>* leading, std::vector<double>* omega) const;

  size_t people_ = 0;
  size_t segment_ = 0;
  int usable_ = 0;
  std::vector<double> values_;  // [person][usable segment][sample], sum of squares 1 (or all 0)
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_MVSUSY_H_
