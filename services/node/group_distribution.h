// How group synchrony is distributed over closed sessions, without ever showing one session.
#ifndef ATTUNE_SERVICES_NODE_GROUP_DISTRIBUTION_H_
#define ATTUNE_SERVICES_NODE_GROUP_DISTRIBUTION_H_

#include <prometheus/histogram.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "attune/v1/report.pb.h"

namespace attune::node {

// So many closed sessions appear at once, or none. Whoever compares two scrapes sees the buckets of
// at least so many sessions; which of them is whose is not told. (Who has made all but one of them
// can tell that one's bucket.)
inline constexpr size_t kGroupBatch = 10;

// Mean pairwise r of a session, as its report tells it to anybody: mean over the phases with a
// released value, weighted by their ticks. `released` is the report as projected for an observer.
// Absent when no phase has a released value.
std::optional<double> ReleasedGroupValue(const v1::Report& released);

// Collects; what is collected lives in memory only and is gone with the process. Not thread-safe:
// Metrics holds its lock around Add and around a scrape, so that a batch is never seen by halves.
class GroupDistribution {
 public:
  explicit GroupDistribution(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Add(double value);
  // Released values are multiples of 0.05 in most sessions: the bounds lie between them.
  static prometheus::Histogram::BucketBoundaries Bounds();

 private:
  prometheus::Histogram& histogram_;
  std::vector<double> waiting_;  // fewer than kGroupBatch
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_GROUP_DISTRIBUTION_H_
