#include "services/placement/redis_nodes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "services/placement/redis_codes.h"
#include "services/placement/redis_view.h"
#include "services/redis/testing/server.h"

namespace attune::placement {
namespace {

constexpr int64_t kTtlUs = 3'000'000;

NodeRecord Record(const std::string& id, const std::string& incarnation) {
  NodeRecord record;
  record.node_id = id;
  record.incarnation = incarnation;
  record.address = "127.0.0.1:7000";
  record.http_address = "127.0.0.1:8000";
  record.state = NodeState::kServing;
  record.load = 12;
  record.capacity = 1000;
  record.sessions = 3;
  record.engine_version = "5";
  record.build = "1.2.3";
  return record;
}

// A process: its connection, and what it knows of the others.
struct Process {
  Process(const std::string& redis, const std::string& id, const std::string& incarnation,
          int64_t ttl_us = kLongUs, int64_t answer_within_us = kAnswerUs)
      : view(redis, incarnation, "127.0.0.1:7000", kLongUs, answer_within_us),
        nodes(view.client(), view.clock(), view.random(), {.ttl_us = ttl_us, .nodes_seen = 64}),
        record(Record(id, incarnation)) {
    EXPECT_TRUE(nodes.Announce(record).ok());
  }
  View view;
  RedisNodes nodes;
  NodeRecord record;
};

std::vector<std::string> Incarnations(RedisNodes& nodes) {
  std::vector<std::string> incarnations;
  const auto list = nodes.List();
  EXPECT_TRUE(list.ok()) << list.status();
  if (list.ok()) {
    for (const NodeRecord& node : *list) incarnations.push_back(node.incarnation);
  }
  return incarnations;
}
using Strings = std::vector<std::string>;

TEST(RedisNodes, SayWhatTheyAre) {
  redis::testing::Server server;
  Process a(server.address(), "a", "a#1"), b(server.address(), "b", "b#1");
  EXPECT_TRUE(Incarnations(a.nodes).empty()) << "nothing is said before the first beat";
  EXPECT_TRUE(absl::IsUnavailable(a.nodes.Pick({}).status()));
  ASSERT_TRUE(b.nodes.Beat().ok());
  ASSERT_TRUE(a.nodes.Beat().ok());
  const auto list = b.nodes.List();
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->size(), 2u);
  const NodeRecord& seen = (*list)[0];
  EXPECT_EQ(seen.node_id, "a");
  EXPECT_EQ(seen.incarnation, "a#1");
  EXPECT_EQ(seen.address, "127.0.0.1:7000");
  EXPECT_EQ(seen.http_address, "127.0.0.1:8000");
  EXPECT_EQ(seen.state, NodeState::kServing);
  EXPECT_EQ(seen.load, 12);
  EXPECT_EQ(seen.capacity, 1000);
  EXPECT_EQ(seen.sessions, 3);
  EXPECT_EQ(seen.engine_version, "5");
  EXPECT_EQ(seen.build, "1.2.3");
  EXPECT_GE(seen.beat_age_us, 0);

  a.record.state = NodeState::kDraining;
  ASSERT_TRUE(a.nodes.Announce(a.record).ok());
  EXPECT_EQ((*b.nodes.List())[0].state, NodeState::kServing) << "not before the next beat";
  ASSERT_TRUE(a.nodes.Beat().ok());
  EXPECT_EQ((*b.nodes.List())[0].state, NodeState::kDraining);
  ASSERT_TRUE(b.nodes.Beat().ok());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(b.nodes.Pick({})->incarnation, "b#1");
  EXPECT_EQ(a.nodes.Pick({.people = 1})->incarnation, "b#1") << "knows itself that it drains";
}

TEST(RedisNodes, PickCountsWhatItPlacedItself) {
  redis::testing::Server server;
  Process a(server.address(), "a", "a#1"), b(server.address(), "b", "b#1");
  ASSERT_TRUE(b.nodes.Beat().ok());
  ASSERT_TRUE(a.nodes.Beat().ok());
  int on_a = 0;
  for (int i = 0; i < 100; ++i) on_a += a.nodes.Pick({.people = 8})->incarnation == "a#1";
  EXPECT_NEAR(on_a, 50, 2) << "in turn, though the reports stay as they were";
  int more = 0;
  while (a.nodes.Pick({.people = 8}).ok()) ASSERT_LT(++more, 1000);
  EXPECT_TRUE(absl::IsResourceExhausted(a.nodes.Pick({.people = 8}).status()));
}

TEST(RedisNodes, ACrashedNodeVanishesAndTheNextProcessIsThere) {
  redis::testing::Server server;
  Process a(server.address(), "a", "a#1", kTtlUs), b(server.address(), "b", "b#1", kTtlUs);
  ASSERT_TRUE(a.nodes.Beat().ok());
  ASSERT_TRUE(b.nodes.Beat().ok());
  // b beats no more; a does.
  ASSERT_TRUE(Eventually([&] {
    EXPECT_TRUE(a.nodes.Beat().ok());
    return Incarnations(a.nodes) == Strings{"a#1"};
  }));
  EXPECT_TRUE(a.view.client().CallAndWait({"ZSCORE", "attune:nodes", "b"})->nil());
  // The hash ends by itself, within a millisecond or so of the entry in the index.
  EXPECT_TRUE(Eventually([&] {
    return a.view.client().CallAndWait({"EXISTS", "attune:node:b"})->integer == 0;
  }));
  // It was only away, and is back.
  ASSERT_TRUE(b.nodes.Beat().ok());
  EXPECT_EQ(Incarnations(b.nodes).back(), "b#1");
  // Another process with its id: the first one is dead for good, whatever the list has.
  Process next(server.address(), "b", "b#2", kTtlUs);
  ASSERT_TRUE(next.nodes.Beat().ok());
  EXPECT_EQ(Incarnations(next.nodes).back(), "b#2");
  EXPECT_TRUE(absl::IsAborted(b.nodes.Beat()));
  EXPECT_TRUE(absl::IsAborted(b.nodes.Beat()));
  EXPECT_TRUE(absl::IsUnavailable(b.nodes.Pick({}).status()));
  EXPECT_TRUE(next.nodes.Beat().ok());
}

TEST(RedisNodes, WhoHasWithdrawnNeverComesBack) {
  redis::testing::Server server;
  Process a(server.address(), "a", "a#1"), b(server.address(), "b", "b#1");
  ASSERT_TRUE(a.nodes.Beat().ok());
  ASSERT_TRUE(b.nodes.Beat().ok());
  ASSERT_TRUE(b.nodes.Withdraw().ok());
  EXPECT_EQ(Incarnations(a.nodes), Strings{"a#1"});
  EXPECT_TRUE(absl::IsAborted(b.nodes.Beat()));
  // Also when a beat was on its way: the same incarnation from elsewhere.
  Process late(server.address(), "b", "b#1");
  EXPECT_TRUE(absl::IsAborted(late.nodes.Beat()));
  EXPECT_EQ(Incarnations(a.nodes), Strings{"a#1"});
  Process next(server.address(), "b", "b#2");
  EXPECT_TRUE(next.nodes.Beat().ok());
  // One that is replaced does not take the next one with it.
  Process third(server.address(), "b", "b#3");
  EXPECT_TRUE(third.nodes.Beat().ok());
  EXPECT_TRUE(next.nodes.Withdraw().ok());
  EXPECT_EQ(Incarnations(a.nodes), (Strings{"a#1", "b#3"}));
}

TEST(RedisNodes, WithADeadBusANodeDropsOutByItselfAndIsBackWithIt) {
  redis::testing::Server server;
  Process a(server.address(), "a", "a#1", kTtlUs, /*answer_within_us=*/1'000'000);
  ASSERT_TRUE(Eventually([&] { return a.nodes.Beat().ok(); }));
  server.Freeze();
  EXPECT_TRUE(absl::IsUnavailable(a.nodes.Beat()));
  a.view.clock().Forward(kTtlUs);
  EXPECT_TRUE(absl::IsUnavailable(a.nodes.Pick({}).status()));
  server.Thaw();
  ASSERT_TRUE(Eventually([&] { return a.nodes.Beat().ok(); }));
  EXPECT_TRUE(a.nodes.Pick({}).ok());
  // Emptied: forgotten, and there again with its next beat.
  server.StartEmpty();
  ASSERT_TRUE(Eventually([&] { return a.nodes.Beat().ok(); }));
  EXPECT_EQ(Incarnations(a.nodes), Strings{"a#1"});
}

TEST(RedisNodes, ARegistrationNeedsAPingThatCameBack) {
  redis::testing::Server server;
  Process a(server.address(), "a", "a#1");
  // Takes writes of the ping and gives back something else.
  ASSERT_TRUE(a.view.client().CallAndWait({"ACL", "SETUSER", "default", "-get"}).ok());
  EXPECT_TRUE(absl::IsUnavailable(a.nodes.Beat()));
  EXPECT_TRUE(Incarnations(a.nodes).empty());
  ASSERT_TRUE(a.view.client().CallAndWait({"ACL", "SETUSER", "default", "+get", "-set"}).ok());
  EXPECT_TRUE(absl::IsUnavailable(a.nodes.Beat()));
  EXPECT_TRUE(Incarnations(a.nodes).empty());
  ASSERT_TRUE(a.view.client().CallAndWait({"ACL", "SETUSER", "default", "+set"}).ok());
  EXPECT_TRUE(a.nodes.Beat().ok());
  EXPECT_EQ(Incarnations(a.nodes), Strings{"a#1"});
}

TEST(RedisNodes, OfManyEachSeesSome) {
  redis::testing::Server server;
  View view(server.address(), "x#1", "127.0.0.1:1", kLongUs);
  std::vector<std::unique_ptr<RedisNodes>> nodes;
  for (int i = 0; i < 100; ++i) {
    nodes.push_back(
        std::make_unique<RedisNodes>(view.client(), view.clock(), view.random(),
                                     RedisNodesOptions{.ttl_us = kLongUs, .nodes_seen = 10}));
    const std::string id = "n" + std::to_string(i);
    ASSERT_TRUE(nodes.back()->Announce(Record(id, id + "#1")).ok());
    ASSERT_TRUE(nodes.back()->Beat().ok());
  }
  EXPECT_EQ(nodes[0]->List()->size(), 100u);
  std::vector<std::string> chosen;
  for (int beat = 0; beat < 20; ++beat) {
    ASSERT_TRUE(nodes[0]->Beat().ok());
    for (int i = 0; i < 10; ++i) chosen.push_back(nodes[0]->Pick({.people = 8})->node_id);
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  EXPECT_GT(chosen.size(), 60u) << "other ones at each beat";
}

TEST(RedisCodes, LeadToOneSessionOnEveryNode) {
  redis::testing::Server server;
  View a(server.address(), "a#1", "127.0.0.1:1", kLongUs);
  View b(server.address(), "b#1", "127.0.0.1:2", kLongUs);
  RedisCodes here(a.client()), there(b.client());
  EXPECT_TRUE(absl::IsInvalidArgument(here.Claim("", "s", 1)));
  EXPECT_TRUE(absl::IsNotFound(here.Resolve("K7TQ").status()));
  ASSERT_TRUE(here.Claim("K7TQ", "s", kLongUs).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(there.Claim("K7TQ", "t", kLongUs)));
  EXPECT_EQ(*there.Resolve("K7TQ"), "s");
  ASSERT_TRUE(there.Release("K7TQ", "t").ok());
  EXPECT_EQ(*here.Resolve("K7TQ"), "s") << "not that session's";
  ASSERT_TRUE(there.Claim("K7TQ", "s", 2 * kLongUs).ok()) << "whichever node has it now";
  const auto left = a.client().CallAndWait({"PTTL", "attune:code:K7TQ"});
  ASSERT_TRUE(left.ok());
  EXPECT_GT(left->integer, kLongUs / 1000);
  EXPECT_LE(left->integer, 2 * kLongUs / 1000);
  ASSERT_TRUE(there.Release("K7TQ", "s").ok());
  EXPECT_TRUE(absl::IsNotFound(here.Resolve("K7TQ").status()));
  ASSERT_TRUE(here.Claim("SHORT", "s", 1).ok());
  EXPECT_TRUE(Eventually([&] { return absl::IsNotFound(here.Resolve("SHORT").status()); }));
}

}  // namespace
}  // namespace attune::placement
