// The small parts: join codes, rate limits, epoch tickets, session clock, worker.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "services/base/random.h"
#include "services/node/elsewhere.h"
#include "services/node/epoch_ticket.h"
#include "services/node/hmac.h"
#include "services/node/join_code.h"
#include "services/node/rate_limiter.h"
#include "services/node/session_clock.h"
#include "services/node/worker.h"

namespace attune::node {
namespace {

constexpr int64_t kSecond = 1'000'000;

TEST(Elsewhere, GoesThroughAStatusAndIsNotSeenInOthers) {
  const auto where = IsElsewhere(ElsewhereStatus({"node 2.example:7001", 41}));
  ASSERT_TRUE(where);
  EXPECT_EQ(where->address, "node 2.example:7001");
  EXPECT_EQ(where->epoch, 41u);
  EXPECT_FALSE(IsElsewhere(absl::FailedPreconditionError("owned by another")));
  EXPECT_FALSE(IsElsewhere(absl::OkStatus()));
}

TEST(JoinCode, IsReadableAndNormalisesToItself) {
  SeededRandom random(1);
  std::set<char> symbols;
  for (int i = 0; i < 500; ++i) {
    const std::string code = NewJoinCode(random);
    ASSERT_EQ(code.size(), 9u);
    ASSERT_EQ(code[4], '-');
    EXPECT_EQ(NormalizeJoinCode(code), code);
    symbols.insert(code.begin(), code.end());
  }
  EXPECT_EQ(symbols.size(), 33u) << "32 symbols and the hyphen";
  for (const char never : {'I', 'L', 'O', 'U'}) EXPECT_FALSE(symbols.contains(never));
}

TEST(JoinCode, TakesWhatPeopleType) {
  EXPECT_EQ(NormalizeJoinCode("abcd-2345"), "ABCD-2345");
  EXPECT_EQ(NormalizeJoinCode(" AB CD 23 45 "), "ABCD-2345");
  EXPECT_EQ(NormalizeJoinCode("oOiI-lL01"), "0011-1101");
  for (const char* wrong : {"", "ABCD-234", "ABCD-23456", "ABCD-234U", "ABCD_2345",
                            "ABCD-2345-----------------------------"}) {
    EXPECT_EQ(NormalizeJoinCode(wrong), std::nullopt) << wrong;
  }
}

TEST(RateLimiter, BlocksAPeerThatGuessesAndLetsItComeBack) {
  ManualClock clock;
  CodeRateLimiter limiter(clock, {.per_peer_burst = 3, .per_peer_per_second = 0.5});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limiter.BlockedForMs("a"), 0u);
    limiter.CountWrong("a");
  }
  EXPECT_EQ(limiter.BlockedForMs("a"), 2000u);
  EXPECT_EQ(limiter.BlockedForMs("b"), 0u);
  clock.Advance(2 * kSecond);
  EXPECT_EQ(limiter.BlockedForMs("a"), 0u);
  limiter.CountWrong("a");
  EXPECT_GT(limiter.BlockedForMs("a"), 0u);
}

TEST(RateLimiter, BoundsAllTogetherButNotTheInnocent) {
  ManualClock clock;
  CodeRateLimiter limiter(
      clock, {.per_peer_burst = 10, .total_burst = 5, .total_per_second = 1, .peers_kept = 100});
  for (int i = 0; i < 5; ++i) limiter.CountWrong("peer" + std::to_string(i));
  EXPECT_GT(limiter.BlockedForMs("peer0"), 0u);
  EXPECT_EQ(limiter.BlockedForMs("somebody with the right code"), 0u);
}

TEST(RateLimiter, ForgetsTheQuietestPeer) {
  ManualClock clock;
  CodeRateLimiter limiter(clock, {.per_peer_burst = 1, .per_peer_per_second = 0, .peers_kept = 10});
  for (int i = 0; i < 1000; ++i) {
    limiter.CountWrong("peer" + std::to_string(i));
    clock.Advance(1);
  }
  EXPECT_EQ(limiter.peers(), 10u);
}

TEST(RateLimiter, KnowsPeersByTheirAddress) {
  EXPECT_EQ(PeerAddress("ipv4:192.0.2.7:5001"), "ipv4:192.0.2.7");
  EXPECT_EQ(PeerAddress("ipv6:[2001:db8:1:2:3:4:5:6]:5001"), "ipv6:2001:db8:1:2::");
  EXPECT_EQ(PeerAddress("ipv6:%5B2001:db8:1:2::9%5D:5001"), "ipv6:2001:db8:1:2::");
}

// RFC 4231, test case 2.
TEST(Hmac, IsTheStandardOne) {
  const std::string mac = HmacSha256("Jefe", "what do ya want for nothing?");
  const unsigned char expected[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                    0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                    0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                    0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
  EXPECT_EQ(mac, std::string(reinterpret_cast<const char*>(expected), sizeof expected));
}

TEST(EpochTicket, OnlyGenuineOnesCount) {
  const std::string key(32, 'k'), nonce(16, 'n');
  const v1::EpochTicket ticket = SignTicket("session", 7, nonce, key);
  EXPECT_TRUE(TicketIsGenuine(ticket, key));
  EXPECT_FALSE(TicketIsGenuine(ticket, std::string(32, 'x')));
  v1::EpochTicket forged = ticket;
  forged.set_epoch(8);
  EXPECT_FALSE(TicketIsGenuine(forged, key));
  forged = ticket;
  forged.set_session_id("session2");
  EXPECT_FALSE(TicketIsGenuine(forged, key));
  forged = ticket;
  forged.set_mac("");
  EXPECT_FALSE(TicketIsGenuine(forged, key));
}

TEST(EpochTicket, JudgesOwners) {
  const std::string key(32, 'k'), nonce(16, 'n'), other(16, 'o');
  const auto judge = [&](const v1::EpochTicket& ticket) {
    return JudgeTicket(ticket, key, "s", 7, nonce);
  };
  EXPECT_EQ(judge({}), TicketVerdict::kFine);
  EXPECT_EQ(judge(SignTicket("s", 7, nonce, key)), TicketVerdict::kFine);
  EXPECT_EQ(judge(SignTicket("s", 6, other, key)), TicketVerdict::kFine);
  EXPECT_EQ(judge(SignTicket("s", 8, other, key)), TicketVerdict::kNewer);
  EXPECT_EQ(judge(SignTicket("s", 7, other, key)), TicketVerdict::kConflict);
  EXPECT_EQ(judge(SignTicket("t", 8, other, key)), TicketVerdict::kForged);
  EXPECT_EQ(judge(SignTicket("s", 8, other, "wrong key")), TicketVerdict::kForged);
}

TEST(SessionClock, RunsOnTheSteadyClockAtItsRate) {
  ManualClock clock(5 * kSecond, 1000 * kSecond);
  const SessionClock fresh(clock, 1000 * kSecond, 10, 0);
  EXPECT_EQ(fresh.NowUs(), 0);
  clock.Advance(2 * kSecond);
  clock.StepUtc(-500 * kSecond);
  EXPECT_EQ(fresh.NowUs(), 20 * kSecond);
  const int64_t at = fresh.SteadyAt(33 * kSecond);
  EXPECT_GE(fresh.At(at), 33 * kSecond);
  EXPECT_LT(fresh.At(at - 2), 33 * kSecond);
  EXPECT_GT(fresh.SteadyAt(std::numeric_limits<int64_t>::max()), int64_t{1} << 58);
}

TEST(SessionClock, GoesOnAfterARecoveryAndNeverBack) {
  ManualClock clock(5 * kSecond, 1000 * kSecond);
  EXPECT_EQ(SessionClock(clock, 940 * kSecond, 2, 50 * kSecond).NowUs(), 120 * kSecond)
      << "time without an owner passed all the same";
  EXPECT_EQ(SessionClock(clock, 940 * kSecond, 2, 130 * kSecond).NowUs(), 130 * kSecond)
      << "the journal is ahead of this machine's UTC";
  EXPECT_EQ(SessionClock(clock, 2000 * kSecond, 1, 7).NowUs(), 7);
}

TEST(Worker, RunsInOrderAndDefersOnceABatch) {
  SystemClock clock;
  Worker worker(clock, 1000);
  std::vector<int> order;
  std::promise<void> go, done;
  worker.Post([&] { go.get_future().wait(); });
  for (int i = 0; i < 3; ++i) {
    worker.Post([&, i] {
      order.push_back(i);
      worker.Defer([&order, i] { order.push_back(100 + i); });
    });
  }
  worker.Post([&] { worker.Defer([&] { done.set_value(); }); });
  go.set_value();
  done.get_future().wait();
  worker.Stop();
  ASSERT_EQ(order.size(), 6u);
  // However the tasks were batched, each keeps its turn.
  EXPECT_LT(std::find(order.begin(), order.end(), 0), std::find(order.begin(), order.end(), 1));
  EXPECT_LT(std::find(order.begin(), order.end(), 1), std::find(order.begin(), order.end(), 2));
}

TEST(Worker, RefusesStrangersWhenItIsFullAndNeverItself) {
  SystemClock clock;
  Worker worker(clock, 2);
  std::promise<void> go, started;
  std::atomic<int> ran{0};
  worker.Post([&] {
    started.set_value();
    go.get_future().wait();
  });
  started.get_future().wait();
  EXPECT_TRUE(worker.TryPost([&] { ++ran; }));
  EXPECT_TRUE(worker.TryPost([&] { ++ran; }));
  EXPECT_FALSE(worker.TryPost([&] { ran += 100; }));
  worker.Post([&] { ++ran; });
  go.set_value();
  worker.Stop();
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(worker.TryPost([] {}));
}

TEST(Worker, RunsTimersInTheirTurnAndCancels) {
  SystemClock clock;
  Worker worker(clock, 10);
  std::promise<void> done;
  std::vector<int> order;
  worker.Post([&] {
    const int64_t now = clock.SteadyMicros();
    worker.RunAt(now + 20'000, [&] {
      order.push_back(2);
      done.set_value();
    });
    worker.RunAt(now + 10'000, [&] { order.push_back(1); });
    Worker::TimerId cancelled = worker.RunAt(now + 15'000, [&] { order.push_back(9); });
    worker.Cancel(cancelled);
    EXPECT_EQ(cancelled, Worker::kNoTimer);
  });
  done.get_future().wait();
  worker.Stop();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace attune::node
