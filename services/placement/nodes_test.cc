#include "services/placement/nodes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "services/placement/choice.h"
#include "services/placement/codes.h"

namespace attune::placement {
namespace {

constexpr int64_t kSecond = 1'000'000;

NodeRecord Node(const std::string& id, int64_t load, int64_t capacity = 1000) {
  NodeRecord node;
  node.node_id = id;
  node.incarnation = id + "#1";
  node.address = id + ":7000";
  node.state = NodeState::kServing;
  node.load = load;
  node.capacity = capacity;
  node.engine_version = "3";
  return node;
}

TEST(Choice, OfTwoTheOneWithMoreRoomAndNeverTheWorst) {
  const std::vector<NodeRecord> nodes = {Node("a", 500), Node("b", 900), Node("c", 90, 100)};
  const RecentPlacements none;
  SeededRandom random(1);
  std::map<size_t, int> chosen;
  for (int i = 0; i < 3000; ++i) ++chosen[*Choose(nodes, {}, none, 0, random)];
  // a wins its two pairs of three; b and c are equal, so whichever is drawn first.
  EXPECT_NEAR(chosen[0], 2000, 120);
  EXPECT_NEAR(chosen[1], 500, 90);
  EXPECT_NEAR(chosen[2], 500, 90);
  const std::vector<NodeRecord> two = {Node("a", 10), Node("b", 9)};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*Choose(two, {}, none, 0, random), 1u);
}

TEST(Choice, SameSeedSameChoice) {
  std::vector<NodeRecord> nodes;
  for (int i = 0; i < 50; ++i) nodes.push_back(Node("n" + std::to_string(i), i % 7));
  const RecentPlacements none;
  SeededRandom one(5), two(5);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(*Choose(nodes, {}, none, 0, one), *Choose(nodes, {}, none, 0, two));
  }
}

TEST(Choice, Filters) {
  std::vector<NodeRecord> nodes = {Node("a", 0), Node("b", 0), Node("c", 995), Node("d", 0),
                                   Node("e", 0)};
  nodes[0].state = NodeState::kDraining;
  nodes[1].state = NodeState::kStarting;
  nodes[3].engine_version = "4";
  const RecentPlacements none;
  SeededRandom random(1);
  const Needs needs{6, "3", "e#1"};
  EXPECT_TRUE(absl::IsResourceExhausted(Choose(nodes, needs, none, 0, random).status()));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(*Choose(nodes, {5, "3", "e#1"}, none, 0, random), 2u);
    EXPECT_EQ(*Choose(nodes, {6, "4", ""}, none, 0, random), 3u);
    EXPECT_EQ(*Choose(nodes, {6, "3", ""}, none, 0, random), 4u);
  }
  RecentPlacements recent;
  recent.Add("c#1", 1, 0);
  EXPECT_FALSE(Choose(nodes, {5, "3", "e#1"}, recent, 0, random).ok()) << "placed, not reported";
  nodes.resize(2);
  EXPECT_TRUE(absl::IsUnavailable(Choose(nodes, {}, none, 0, random).status()));
  EXPECT_TRUE(absl::IsUnavailable(Choose({}, {}, none, 0, random).status()));
  EXPECT_TRUE(absl::IsUnavailable(Choose({Node("e", 0)}, needs, none, 0, random).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(Choose({Node("f", 0, 0)}, {}, none, 0, random).status()));
}

TEST(Choice, RecentPlacementsFadeInAStraightLine) {
  RecentPlacements recent(60 * kSecond);
  recent.Add("a#1", 8, 0);
  recent.Add("a#1", 4, 30 * kSecond);
  EXPECT_DOUBLE_EQ(recent.Of("a#1", 30 * kSecond), 8 * 0.5 + 4);
  EXPECT_DOUBLE_EQ(recent.Of("a#1", 60 * kSecond), 2);
  EXPECT_DOUBLE_EQ(recent.Of("a#1", 90 * kSecond), 0);
  EXPECT_DOUBLE_EQ(recent.Of("b#1", 30 * kSecond), 0);
}

// A thousand rooms of eight made on one front door between two beats: all reports are as they were.
TEST(Choice, ABurstDoesNotHerd) {
  std::vector<NodeRecord> nodes;
  for (int i = 0; i < 20; ++i)
    nodes.push_back(Node("n" + std::to_string(i), i < 10 ? 300 : 400, 5000));
  const double mean = (10 * 300 + 10 * 400 + 8 * 1000) / 20.0;
  const auto most_after = [&](bool corrected) {
    SeededRandom random(11);
    RecentPlacements recent;
    std::vector<int64_t> load;
    for (const NodeRecord& node : nodes) load.push_back(node.load);
    for (int i = 0; i < 1000; ++i) {
      const size_t to = *Choose(nodes, {.people = 8}, recent, i * 1000, random);
      if (corrected) recent.Add(nodes[to].incarnation, 8, i * 1000);
      load[to] += 8;
    }
    return static_cast<double>(*std::max_element(load.begin(), load.end()));
  };
  EXPECT_LE(most_after(true), 1.06 * mean);
  EXPECT_GE(most_after(false), 1.15 * mean) << "what the correction is for";
}

TEST(LocalNodes, IsTheOnlyNode) {
  LocalNodes nodes;
  EXPECT_TRUE(absl::IsFailedPrecondition(nodes.Beat()));
  EXPECT_TRUE(nodes.List()->empty());
  EXPECT_TRUE(absl::IsUnavailable(nodes.Pick({}).status()));
  NodeRecord record = Node("one", 10, 20);
  record.state = NodeState::kStarting;
  ASSERT_TRUE(nodes.Announce(record).ok());
  EXPECT_TRUE(nodes.Beat().ok());
  EXPECT_EQ(nodes.List()->size(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(nodes.Pick({}).status())) << "still starting";
  record.state = NodeState::kServing;
  ASSERT_TRUE(nodes.Announce(record).ok());
  EXPECT_EQ(nodes.Pick({.people = 10})->address, "one:7000");
  EXPECT_TRUE(absl::IsResourceExhausted(nodes.Pick({.people = 11}).status()));
  EXPECT_TRUE(absl::IsUnavailable(nodes.Pick({.not_incarnation = "one#1"}).status()));
  record.incarnation = "one#2";
  EXPECT_TRUE(absl::IsInvalidArgument(nodes.Announce(record)));
  ASSERT_TRUE(nodes.Withdraw().ok());
  EXPECT_TRUE(absl::IsAborted(nodes.Beat()));
  EXPECT_TRUE(nodes.List()->empty());
}

TEST(NodeRecord, IsChecked) {
  SeededRandom random(3);
  const std::string incarnation = NewIncarnation("n-1.x", random);
  EXPECT_EQ(incarnation.size(), std::string("n-1.x#").size() + 16);
  EXPECT_NE(NewIncarnation("n-1.x", random), incarnation);
  NodeRecord good = Node("n-1.x", 0);
  good.incarnation = incarnation;
  EXPECT_TRUE(CheckNodeRecord(good).ok());
  const auto refused = [&](const auto& change) {
    NodeRecord bad = good;
    change(bad);
    return absl::IsInvalidArgument(CheckNodeRecord(bad));
  };
  EXPECT_TRUE(refused([](NodeRecord& r) { r.node_id = ""; }));
  EXPECT_TRUE(refused([](NodeRecord& r) { r.node_id = r.incarnation = "a}b#1"; }));
  EXPECT_TRUE(refused([](NodeRecord& r) { r.incarnation = "other#1"; }));
  EXPECT_TRUE(refused([](NodeRecord& r) { r.incarnation = r.node_id + "#"; }));
  EXPECT_TRUE(refused([](NodeRecord& r) { r.address = ""; }));
  EXPECT_TRUE(refused([](NodeRecord& r) { r.build = std::string(1000, 'x'); }));
  EXPECT_TRUE(refused([](NodeRecord& r) { r.load = -1; }));
}

TEST(LocalCodes, LeadToOneSessionUntilTheirTimeIsOver) {
  ManualClock clock(1);
  LocalCodes codes(clock, /*most=*/2);
  EXPECT_TRUE(absl::IsInvalidArgument(codes.Claim("", "s", 1)));
  EXPECT_TRUE(absl::IsInvalidArgument(codes.Claim("A", "", 1)));
  EXPECT_TRUE(absl::IsInvalidArgument(codes.Claim("A", "s", 0)));
  EXPECT_TRUE(absl::IsNotFound(codes.Resolve("A").status()));
  ASSERT_TRUE(codes.Claim("A", "s", 10 * kSecond).ok());
  EXPECT_EQ(*codes.Resolve("A"), "s");
  EXPECT_TRUE(absl::IsAlreadyExists(codes.Claim("A", "t", kSecond)));
  clock.Advance(9 * kSecond);
  ASSERT_TRUE(codes.Claim("A", "s", 10 * kSecond).ok()) << "prolonged";
  clock.Advance(9 * kSecond);
  EXPECT_EQ(*codes.Resolve("A"), "s");
  ASSERT_TRUE(codes.Claim("B", "t", kSecond).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(codes.Claim("C", "t", kSecond)));
  ASSERT_TRUE(codes.Release("B", "s").ok());
  EXPECT_EQ(*codes.Resolve("B"), "t") << "not that session's";
  clock.Advance(kSecond);
  EXPECT_TRUE(absl::IsNotFound(codes.Resolve("A").status()));
  EXPECT_TRUE(absl::IsNotFound(codes.Resolve("B").status()));
  ASSERT_TRUE(codes.Claim("A", "u", kSecond).ok()) << "free again";
  ASSERT_TRUE(codes.Release("A", "u").ok());
  EXPECT_TRUE(absl::IsNotFound(codes.Resolve("A").status()));
}

}  // namespace
}  // namespace attune::placement
