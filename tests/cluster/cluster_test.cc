// Several nodes, one Redis: who owns a session is who serves it, and nothing acknowledged is lost
// when a node is stopped, cut off or drained, or when Redis is.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/cluster/cluster_fixture.h"

namespace attune::node {
namespace {

class ClusterTest : public ClusterFixture {
 protected:
  struct Running {
    v1::CreateSessionResponse session;
    std::string token;  // of a person in it
  };
  // A session at `member` with one person.
  Running Begin(Member& member) {
    Running running;
    running.session = Create(member);
    running.token = Join(member, running.session.join_code(), "Ada").token();
    return running;
  }
  Member* OwnerOf(const std::string& session) {
    const auto owner = members_[0]->directory().Owner(session);
    if (!owner.ok()) return nullptr;
    for (const auto& member : members_) {
      if (member->address() == owner->owner_address) return member.get();
    }
    return nullptr;
  }
  Member& Other(const Member& than) { return *members_[&than == members_[0].get() ? 1 : 0]; }
  static bool SawSuspended(WatchClient& watch) {
    return watch
        .Await([](const v1::WatchEvent& event) {
          return event.has_closed() && event.closed().state() == v1::SESSION_STATE_SUSPENDED;
        })
        .has_closed();
  }
};

TEST_F(ClusterTest, EveryNodeIsAFrontDoorAndAnEdgeIsSentToTheOwner) {
  Add();
  Add();
  const Running one = Begin(*members_[0]);
  Member* owner = OwnerOf(one.session.session().session_id());
  ASSERT_NE(owner, nullptr);
  // A busy machine may be late with a renewal: nobody is sent to such an owner for a moment.
  v1::EdgeDown answer;
  ASSERT_TRUE(Eventually([&] {
    EdgeClient wrong(Other(*owner).channel());
    wrong.Hello(one.token, 1, kFarAhead);
    answer = wrong.AwaitMessage([](const v1::EdgeDown& down) {
      return down.has_redirect() || down.has_refusal() || down.has_reconnect();
    });
    return answer.has_redirect();
  }));
  EXPECT_EQ(answer.redirect().address(), owner->address());
  EXPECT_EQ(answer.redirect().epoch_ticket().epoch(), 1u);
  EXPECT_TRUE(TicketIsGenuine(answer.redirect().epoch_ticket(), options_.keys.ticket));
  std::unique_ptr<EdgeClient> right;
  EXPECT_EQ(Greet(*owner, one.token, right).epoch(), 1u);
  // The code leads there from any node.
  EXPECT_EQ(Join(Other(*owner), one.session.join_code(), "Ben").participant(), 2u);
}

TEST_F(ClusterTest, AProcessThatWasStoppedPastItsLeaseSaysNothingMoreUnderIt) {
  Member& a = Add();
  const Running one = Begin(a);
  std::unique_ptr<EdgeClient> edge;
  ASSERT_EQ(Greet(a, one.token, edge).epoch(), 1u);
  WatchClient watch(a.channel(), one.session.facilitator_token());
  edge->Send(Beats(1, 40));
  ASSERT_TRUE(edge->AwaitDurable(40));

  a.clock().Jump(60 * kSecond);
  edge->Send(Beats(41, 20));  // finds a node that believes it is still the owner
  EXPECT_TRUE(edge->Await(v1::EdgeDown::kReconnect).has_reconnect());
  for (const v1::EdgeDown& down : edge->All()) {
    EXPECT_LE(down.ack().durable_seq(), 40u) << "said without a lease";
  }
  EXPECT_TRUE(SawSuspended(watch));
  // Redis still has it as this node's, so it takes it again: as a new owner.
  const v1::Welcome again = Greet(a, one.token, edge);
  EXPECT_GT(again.epoch(), 1u);
  EXPECT_GE(again.resume_seq(), 41u) << "an acknowledged beat is gone";
  edge->Send(Beats(again.resume_seq(), 10));
  EXPECT_TRUE(edge->AwaitDurable(again.resume_seq() + 9));
}

TEST_F(ClusterTest, WhoeverLostASessionLetsGoOfItAndSaysWhereItIs) {
  Member& a = Add();
  const Running one = Begin(a);
  Member& b = Add();
  const std::string id = one.session.session().session_id();
  std::unique_ptr<EdgeClient> edge;
  ASSERT_EQ(Greet(a, one.token, edge).epoch(), 1u);
  edge->Send(Beats(1, 40));
  ASSERT_TRUE(edge->AwaitDurable(40));
  // Behind the owner's back.
  const auto lease = a.directory().Owner(id);
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(a.directory().HandOff(*lease, b.options().incarnation, b.address()).ok());
  std::unique_ptr<EdgeClient> next;
  const v1::Welcome welcome = Greet(b, one.token, next);
  EXPECT_GT(welcome.epoch(), 1u);
  EXPECT_EQ(welcome.resume_seq(), 41u);
  // The former owner finds out with its next renewal, if not before.
  EXPECT_TRUE(edge->Await(v1::EdgeDown::kReconnect).has_reconnect());
  EXPECT_TRUE(Eventually([&] {
    EdgeClient asks(a.channel());
    asks.Hello(one.token, 1, kFarAhead);
    return asks.AwaitMessage([](const v1::EdgeDown& down) {
                 return down.has_redirect() || down.has_reconnect() || down.has_refusal();
               })
               .redirect()
               .address() == b.address();
  }));
  next->Send(Beats(41, 10));
  EXPECT_TRUE(next->AwaitDurable(50));
}

TEST_F(ClusterTest, RedisFrozenSuspendsAndThawedResumesWithEverything) {
  Member& a = Add();
  const Running one = Begin(a);
  std::unique_ptr<EdgeClient> edge;
  const uint64_t epoch = Greet(a, one.token, edge).epoch();
  WatchClient watch(a.channel(), one.session.facilitator_token());
  edge->Send(Beats(1, 40));
  ASSERT_TRUE(edge->AwaitDurable(40));
  redis_.Freeze();
  edge->Send(Beats(41, 20));
  EXPECT_TRUE(SawSuspended(watch));
  EXPECT_TRUE(edge->Await(v1::EdgeDown::kReconnect).has_reconnect());
  for (const v1::EdgeDown& down : edge->All()) {
    EXPECT_LE(down.ack().durable_seq(), 40u);
  }
  redis_.Thaw();
  const v1::Welcome again = Greet(a, one.token, edge);
  EXPECT_GT(again.epoch(), epoch);
  EXPECT_GE(again.resume_seq(), 41u);
  edge->Send(Beats(again.resume_seq(), 10));
  EXPECT_TRUE(edge->AwaitDurable(again.resume_seq() + 9));
}

TEST_F(ClusterTest, RedisEmptiedIsPutBackFromTheOwnersMemory) {
  Member& a = Add();
  const Running one = Begin(a);
  std::unique_ptr<EdgeClient> edge;
  const uint64_t epoch = Greet(a, one.token, edge).epoch();
  edge->Send(Beats(1, 40));
  ASSERT_TRUE(edge->AwaitDurable(40));
  redis_.Kill9();
  redis_.StartEmpty();
  // The same owner or a new ownership: in any case with all that was acknowledged.
  v1::Welcome again = Greet(a, one.token, edge);
  EXPECT_GE(again.epoch(), epoch) << "an epoch went back";
  EXPECT_EQ(again.resume_seq(), 41u);
  edge->Send(Beats(41, 10));
  ASSERT_TRUE(edge->AwaitDurable(50));
  // What Redis has now is enough for another node.
  Member& b = Add();
  std::unique_ptr<EdgeClient> next;
  // The code is claimed again from time to time, keys and leases sooner.
  ASSERT_TRUE(Eventually([&] { return b.codes().Resolve(one.session.join_code()).ok(); }));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  a.Stop();
  const v1::Welcome moved = Greet(b, one.token, next);
  EXPECT_GT(moved.epoch(), again.epoch());
  EXPECT_EQ(moved.resume_seq(), 51u);
  EXPECT_EQ(Join(b, one.session.join_code(), "Ben").participant(), 2u) << "code and roster";
}

TEST_F(ClusterTest, ADrainedNodeHandsEverythingOver) {
  Member& a = Add();
  constexpr int kSessions = 12;
  std::vector<Running> all;
  std::vector<std::unique_ptr<EdgeClient>> edges(kSessions);
  for (int i = 0; i < kSessions; ++i) {
    all.push_back(Begin(a));
    Greet(a, all.back().token, edges[static_cast<size_t>(i)]);
    edges[static_cast<size_t>(i)]->Send(Beats(1, 20 + i));
  }
  for (int i = 0; i < kSessions; ++i) {
    ASSERT_TRUE(edges[static_cast<size_t>(i)]->AwaitDurable(static_cast<uint64_t>(20 + i)));
  }
  Member& b = Add();
  Member& c = Add();
  // Everybody knows everybody before it begins.
  for (const auto& member : members_) {
    ASSERT_TRUE(Eventually([&] {
      const auto nodes = member->nodes().List();
      return nodes.ok() && nodes->size() == 3;
    }));
  }
  v1::DrainNodeRequest drain;
  drain.set_node_id(a.options().node_id);
  drain.set_request_id("drain-request");
  v1::DrainNodeResponse draining;
  // Asked of another node.
  const grpc::Status status = Call<v1::NodeService>(b, &v1::NodeService::Stub::DrainNode,
                                                    Token("operator"), drain, &draining);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(draining.sessions(), static_cast<uint32_t>(kSessions));
  EXPECT_TRUE(a.stop_wanted());
  a.node().Stop();
  EXPECT_EQ(a.metrics().handoffs_done.Value(), kSessions);
  for (int i = 0; i < kSessions; ++i) {
    const v1::EdgeDown told = edges[static_cast<size_t>(i)]->Await(v1::EdgeDown::kReconnect);
    ASSERT_TRUE(told.has_reconnect());
    const std::string& address = told.reconnect().address();
    ASSERT_TRUE(address == b.address() || address == c.address()) << address;
    std::unique_ptr<EdgeClient> next;
    const v1::Welcome welcome =
        Greet(address == b.address() ? b : c, all[static_cast<size_t>(i)].token, next);
    EXPECT_EQ(welcome.epoch(), 2u);
    EXPECT_EQ(welcome.resume_seq(), static_cast<uint64_t>(21 + i));
  }
  EXPECT_EQ(b.metrics().takeovers_handed.Value() + c.metrics().takeovers_handed.Value(), kSessions);
  v1::ListNodesResponse nodes;
  EXPECT_TRUE(Call<v1::NodeService>(c, &v1::NodeService::Stub::ListNodes, Token("operator"),
                                    v1::ListNodesRequest(), &nodes)
                  .ok());
  EXPECT_EQ(nodes.nodes_size(), 2) << "the drained one has left";
}

TEST_F(ClusterTest, ASessionThatNobodyAsksForIsTakenByTheSweeper) {
  Member& a = Add();
  const Running one = Begin(a);
  const std::string id = one.session.session().session_id();
  a.Stop();  // there is nobody to hand it to
  Member& b = Add();
  EXPECT_TRUE(Eventually([&] {
    const auto owner = b.directory().Owner(id);
    return owner.ok() && owner->owner_address == b.address();
  }));
  EXPECT_TRUE(Eventually([&] { return b.metrics().takeovers_orphan.Value() >= 1; }));
}

TEST_F(ClusterTest, ASessionWhoseJournalAndOwnerAreGoneSaysSo) {
  Member& a = Add();
  const Running one = Begin(a);
  std::unique_ptr<EdgeClient> edge;
  const v1::EpochTicket ticket = Greet(a, one.token, edge).epoch_ticket();
  a.Stop();
  redis_.Kill9();
  redis_.StartEmpty();
  Member& b = Add();
  v1::Refusal refusal;
  EXPECT_TRUE(Eventually([&] {
    EdgeClient asks(b.channel());
    asks.Hello(one.token, 1, kFarAhead, std::string(16, 'b'), false, &ticket);
    refusal = asks.AwaitRefusal();
    return refusal.reason() == v1::REFUSAL_REASON_UNKNOWN_SESSION;
  }));
  EXPECT_GT(refusal.retry_after_ms(), 0u) << "it is not given up: its owner may come back";
  EXPECT_NE(refusal.message().find("lost"), std::string::npos) << refusal.message();
  EXPECT_EQ(b.metrics().sessions_lost.Value(), 1);
}

}  // namespace
}  // namespace attune::node
