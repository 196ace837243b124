#include "services/placement/choice.h"

#include <numeric>
#include <optional>
#include <utility>

namespace attune::placement {
namespace {

constexpr int64_t kSliceUs = 1'000'000;

bool Excluded(const NodeRecord& node, const Needs& needs) {
  return !needs.not_incarnation.empty() && node.incarnation == needs.not_incarnation;
}

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
  return node.state == NodeState::kServing && !Excluded(node, needs) &&
         (needs.engine_version.empty() || node.engine_version == needs.engine_version) &&
         static_cast<double>(node.load + needs.people) + recent <=
             static_cast<double>(node.capacity);
}

absl::StatusOr<size_t> Choose(const std::vector<NodeRecord>& nodes, const Needs& needs,
                              const RecentPlacements& recent, int64_t now_us,
                              RandomSource& random) {
  // The first two of a random order that may have it are any pair of those with equal chances; the
  // rest of the order is never drawn.
  std::vector<size_t> order(nodes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::optional<size_t> best;
  double least = 0;
  bool serving = false;
  for (size_t i = 0; i < order.size(); ++i) {
    std::swap(order[i], order[i + static_cast<size_t>(random.Below(order.size() - i))]);
    const NodeRecord& node = nodes[order[i]];
    if (node.state != NodeState::kServing || Excluded(node, needs)) continue;
    serving = true;
    const double placed = recent.Of(node.incarnation, now_us);
    if (!MayHave(node, needs, placed)) continue;
    const double relative =
        (static_cast<double>(node.load) + placed) / static_cast<double>(node.capacity);
    if (best.has_value()) return relative < least ? order[i] : *best;
    best = order[i];
    least = relative;
  }
  if (best.has_value()) return *best;
  if (!serving) return absl::UnavailableError("no node that serves is known");
  return absl::ResourceExhaustedError("no node has room for the session");
}

}  // namespace attune::placement
