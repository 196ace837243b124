#include "services/placement/choice.h"

#include <utility>

namespace attune::placement {
namespace {

constexpr int64_t kSliceUs = 1'000'000;

}  // namespace

void RecentPlacements::Add(const std::string& incarnation, int64_t people, int64_t now_us) {
  while (!slices_.empty() && now_us - slices_.front().begin_us >= counts_us_) slices_.pop_front();
  if (slices_.empty() || now_us - slices_.back().begin_us >= kSliceUs) {
    slices_.push_back({now_us, {}});
  }
  slices_.back().people[incarnation] += people;
}

double RecentPlacements::Of(const std::string& incarnation, int64_t now_us) const {
  double people = 0;
  for (const Slice& slice : slices_) {
    const int64_t left_us = slice.begin_us + counts_us_ - now_us;
    const auto found = slice.people.find(incarnation);
    if (left_us <= 0 || found == slice.people.end()) continue;
    people += static_cast<double>(found->second) * static_cast<double>(left_us) /
              static_cast<double>(counts_us_);
  }
  return people;
}

bool MayHave(const NodeRecord& node, const Needs& needs, double recent) {
  return node.state == NodeState::kServing &&
         (needs.not_incarnation.empty() || node.incarnation != needs.not_incarnation) &&
         (needs.engine_version.empty() || node.engine_version == needs.engine_version) &&
         static_cast<double>(node.load + needs.people) + recent <=
             static_cast<double>(node.capacity);
}

absl::StatusOr<size_t> Choose(const std::vector<NodeRecord>& nodes, const Needs& needs,
                              const RecentPlacements& recent, int64_t now_us,
                              RandomSource& random) {
  struct Eligible {
    size_t index;
    double relative;
  };
  std::vector<Eligible> eligible;
  bool serving = false;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const NodeRecord& node = nodes[i];
    serving =
        serving || (node.state == NodeState::kServing &&
                    (needs.not_incarnation.empty() || node.incarnation != needs.not_incarnation));
    const double placed = recent.Of(node.incarnation, now_us);
    if (!MayHave(node, needs, placed)) continue;
    eligible.push_back(
        {i, (static_cast<double>(node.load) + placed) / static_cast<double>(node.capacity)});
  }
  if (eligible.empty()) {
    if (!serving) return absl::UnavailableError("no node that serves is known");
    return absl::ResourceExhaustedError("no node has room for the session");
  }
  // Two different ones, each pair as likely as any other.
  const size_t first = static_cast<size_t>(random.Below(eligible.size()));
  if (eligible.size() == 1) return eligible[first].index;
  size_t second = static_cast<size_t>(random.Below(eligible.size() - 1));
  if (second >= first) ++second;
  const bool better = eligible[second].relative < eligible[first].relative;
  return eligible[better ? second : first].index;
}

}  // namespace attune::placement
