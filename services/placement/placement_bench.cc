// How sessions spread over a thousand nodes, by simulation with choice.h itself: every node is a
// front door that sees 64 random nodes as they were at its last beat, up to 2 s ago. Sessions come
// at an even rate and stay. Prints one JSON object a line: the load of the fullest node relative to
// the mean, when a node is drawn from all, when it is drawn from those that the front door sees,
// when it is the better of two as they were reported, and when that is corrected by what the front
// door placed itself (what Choose does); and how many sessions move when the fullest node dies.
//
//   placement_bench [seed]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "services/base/random.h"
#include "services/placement/choice.h"

namespace attune::placement {
namespace {

constexpr int kNodes = 1000, kSessions = 1'000'000, kPeople = 8, kSeen = 64, kPerSecond = 2000;
constexpr int64_t kBeatUs = 2'000'000;
enum class How { kRandom, kOneSeen, kTwo, kTwoCorrected };

struct Door {
  std::vector<NodeRecord> seen;
  std::vector<size_t> index;
  int64_t seen_us = -kBeatUs;
  RecentPlacements recent;
};

void Look(Door& door, const std::vector<NodeRecord>& nodes, int64_t now_us, RandomSource& random) {
  door.seen.clear();
  door.index.clear();
  while (door.index.size() < kSeen) {
    const auto node = static_cast<size_t>(random.Below(nodes.size()));
    if (std::count(door.index.begin(), door.index.end(), node) != 0) continue;
    door.index.push_back(node);
    door.seen.push_back(nodes[node]);
  }
  door.seen_us = now_us;
}

double FullestToMean(const std::vector<NodeRecord>& nodes) {
  int64_t most = 0, sum = 0;
  for (const NodeRecord& node : nodes) {
    most = std::max(most, node.load);
    sum += node.load;
  }
  return static_cast<double>(most) * static_cast<double>(nodes.size()) / static_cast<double>(sum);
}

// `doors_used`: all front doors, or a burst on one.
void Spread(How how, const char* name, uint64_t doors_used, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<NodeRecord> nodes(kNodes);
  for (int i = 0; i < kNodes; ++i) {
    NodeRecord& node = nodes[static_cast<size_t>(i)];
    node.incarnation = "n" + std::to_string(i);
    node.state = NodeState::kServing;
    node.capacity = 100'000;
  }
  std::vector<Door> doors(kNodes);
  for (int i = 0; i < kSessions; ++i) {
    const int64_t now_us = int64_t{1'000'000} * i / kPerSecond;
    size_t to = static_cast<size_t>(random.Below(kNodes));
    if (how != How::kRandom) {
      Door& door = doors[static_cast<size_t>(random.Below(doors_used))];
      if (now_us - door.seen_us >= kBeatUs) Look(door, nodes, now_us, random);
      size_t chosen = static_cast<size_t>(random.Below(kSeen));
      if (how != How::kOneSeen) {
        const auto choice = Choose(door.seen, {.people = kPeople}, door.recent, now_us, random);
        if (!choice.ok()) continue;  // cannot be: there is room everywhere
        chosen = *choice;
      }
      if (how == How::kTwoCorrected) {
        door.recent.Add(door.seen[chosen].incarnation, kPeople, now_us);
      }
      to = door.index[chosen];
    }
    nodes[to].load += kPeople;
  }
  const auto fullest = std::max_element(
      nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.load < b.load; });
  std::printf(
      "{\"choice\": \"%s\", \"front_doors\": %d, \"fullest_to_mean\": %.3f, "
      "\"moved_when_the_fullest_dies\": %d}\n",
      name, static_cast<int>(doors_used), FullestToMean(nodes),
      static_cast<int>(fullest->load / kPeople));
}

}  // namespace
}  // namespace attune::placement

int main(int argc, char** argv) {
  using attune::placement::How;
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  for (const uint64_t doors : {uint64_t{attune::placement::kNodes}, uint64_t{1}}) {
    attune::placement::Spread(How::kRandom, "one of all", doors, seed);
    attune::placement::Spread(How::kOneSeen, "one of those seen", doors, seed);
    attune::placement::Spread(How::kTwo, "two, as reported", doors, seed);
    attune::placement::Spread(How::kTwoCorrected, "two, corrected", doors, seed);
  }
}
