// Which of several nodes should have a session: the power of two random choices (Mitzenmacher 2001,
// "The power of two choices in randomized load balancing", IEEE TPDS 12:1094) on load relative to
// capacity. Pure: no store, no clock; randomness is injected.
//
// What a node reports is always old (a beat, and a person joins a minute after the session was
// made), so whoever places remembers what it placed where, and counts it on top of the report until
// the report must have it (jicofo corrects bridge stress the same way). Otherwise a thousand
// sessions made on one front door within a beat would all go to the nodes that looked empty.
//
//   relative load = (reported load + own recent placements, decayed) / capacity
#ifndef ATTUNE_SERVICES_PLACEMENT_CHOICE_H_
#define ATTUNE_SERVICES_PLACEMENT_CHOICE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/random.h"
#include "services/placement/node_record.h"

namespace attune::placement {

// After so long the people of a session that was placed are in the report, or do not come. What was
// placed counts in full at first and then less and less, in a straight line.
inline constexpr int64_t kPlacementCountsUs = 60'000'000;

// What one front door has placed lately. Not thread-safe. Bounded: kept in slices of a second, one
// number for each node in each of them.
class RecentPlacements {
 public:
  explicit RecentPlacements(int64_t counts_us = kPlacementCountsUs) : counts_us_(counts_us) {}

  // `now_us` never goes back.
  void Add(const std::string& incarnation, int64_t people, int64_t now_us);
  // People placed there, decayed.
  double Of(const std::string& incarnation, int64_t now_us) const;

 private:
  struct Slice {
    int64_t begin_us = 0;
    std::map<std::string, int64_t> people;  // by incarnation
  };
  const int64_t counts_us_;
  std::deque<Slice> slices_;  // oldest first
};

// Whether the node may have it, by state, engine and room (`recent` counts as taken).
bool MayHave(const NodeRecord& node, const Needs& needs, double recent);

// The index in `nodes` of the one to have it: of two that may have it, drawn at random, the one
// with the lower relative load; the first of the two when they are equal.
//   RESOURCE_EXHAUSTED  nodes serve, but none may have it
//   UNAVAILABLE         no node serves
absl::StatusOr<size_t> Choose(const std::vector<NodeRecord>& nodes, const Needs& needs,
                              const RecentPlacements& recent, int64_t now_us, RandomSource& random);

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_CHOICE_H_
