// Redis dies, forgets, is emptied, fails over: what the journal puts back by itself, what it tells
// its owner, and that it never writes over a newer one.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/base/mutex.h"
#include "services/journal/redis_journal_testing.h"

namespace attune::journal {
namespace {

using redis::testing::Server;
const Fence kFence{5, "nonce"};

std::vector<Entry> Numbered(uint64_t from, uint64_t to) {
  std::vector<Entry> entries;
  for (uint64_t n = from; n <= to; ++n) entries.push_back({n, "", "entry " + std::to_string(n)});
  return entries;
}

absl::Status RestoreNow(Journal& journal, const SessionId& session, const Fence& fence,
                        uint64_t last_number) {
  Answers answers;
  journal.Restore(session, fence, last_number, answers.Next());
  return answers.Wait();
}

absl::Status TrimNow(Journal& journal, const SessionId& session, const Fence& fence,
                     uint64_t up_to) {
  Answers answers;
  journal.Trim(session, fence, up_to, answers.Next());
  return answers.Wait();
}

void ExpectEntries(Journal& journal, const SessionId& session, uint64_t from, uint64_t to) {
  const auto entries = ReadAll(journal, session);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), to - from + 1);
  for (uint64_t n = from; n <= to; ++n) {
    EXPECT_EQ((*entries)[n - from].number, n);
    EXPECT_EQ((*entries)[n - from].payload, "entry " + std::to_string(n));
  }
}

uint64_t LastOf(Journal& journal, const SessionId& session) {
  const auto last = journal.Last(session);
  return last.ok() ? last->last_number : 0;
}

// Who was told that writes are lost.
class Losses {
 public:
  explicit Losses(Journal& journal) {
    journal.SetOnLost([this](const SessionId& session) {
      MutexLock lock(mu_);
      seen_.push_back(session);
    });
  }
  std::vector<SessionId> seen() {
    MutexLock lock(mu_);
    return seen_;
  }

 private:
  Mutex mu_;
  std::vector<SessionId> seen_ ATTUNE_GUARDED_BY(mu_);
};

TEST(RedisJournal, ADeadServerIsLikeAFullDiskAndGoesOnByItself) {
  Server server;
  RedisJournalOptions options;
  options.max_queued_entries = 20;
  RedisNode node(server.address(), std::move(options));
  ASSERT_TRUE(node->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(1, 5)).ok());
  server.Kill9();
  EXPECT_TRUE(absl::IsUnavailable(node->Open("t", kFence)));
  Answers answers;
  for (uint64_t n = 6; n <= 25; ++n) node->Append("s", kFence, Numbered(n, n), answers.Next());
  Answers refused;
  node->Append("s", kFence, Numbered(26, 26), refused.Next());
  EXPECT_TRUE(absl::IsResourceExhausted(refused.Wait()));
  EXPECT_TRUE(Eventually([&] { return !node->GetHealth().ok; }));
  EXPECT_NE(node->GetHealth().degraded_reason.find("start Redis"), std::string::npos);
  EXPECT_EQ(node->GetHealth().queued_entries, 20u);
  EXPECT_TRUE(absl::IsUnavailable(node->Last("s").status()));
  EXPECT_EQ(answers.answered(), 0u);
  server.Start();
  ASSERT_TRUE(answers.Wait().ok());
  EXPECT_TRUE(Eventually([&] { return node->GetHealth().ok; }))
      << node->GetHealth().degraded_reason;
  ExpectEntries(*node, "s", 1, 25);
}

TEST(RedisJournal, AFrozenServerLosesNothingAndDoublesNothing) {
  Server server;
  RedisNode node(server.address());
  ASSERT_TRUE(node->Open("s", kFence).ok());
  Answers answers;
  uint64_t number = 0;
  for (int freeze = 0; freeze < 2; ++freeze) {
    for (int i = 0; i < 50; ++i) {
      ++number;
      node->Append("s", kFence, Numbered(number, number), answers.Next());
    }
    server.Freeze();
    for (int i = 0; i < 50; ++i) {
      ++number;
      node->Append("s", kFence, Numbered(number, number), answers.Next());
    }
    // Past the deadline: whether it was executed, nobody knows.
    EXPECT_TRUE(Eventually([&] { return !node->GetHealth().ok; }));
    server.Thaw();
    ASSERT_TRUE(answers.Wait().ok());
  }
  ExpectEntries(*node, "s", 1, number);
}

class RedisKill : public testing::TestWithParam<const char*> {};

// The server dies at any moment, with what its file has got by then.
TEST_P(RedisKill, AcknowledgedEntriesOutliveTheServersDeaths) {
  Server server({"--appendfsync", GetParam()});
  RedisNode node(server.address());
  Losses losses(*node);
  for (const SessionId session : {"s", "t"}) ASSERT_TRUE(node->Open(session, kFence).ok());
  Answers answers;
  uint64_t number = 0;
  for (int kill = 0; kill < 3; ++kill) {
    for (int i = 0; i < 200; ++i) {
      ++number;
      for (const SessionId session : {"s", "t"}) {
        node->Append(session, kFence, Numbered(number, number), answers.Next());
      }
      if (i == 100) server.Kill9();
    }
    server.Start();
    ASSERT_TRUE(answers.Wait().ok());
  }
  for (const SessionId session : {"s", "t"}) ExpectEntries(*node, session, 1, number);
  EXPECT_TRUE(losses.seen().empty());
}
INSTANTIATE_TEST_SUITE_P(Fsync, RedisKill, testing::Values("everysec", "always"));

TEST(RedisJournal, AnEmptiedServerIsFilledFromMemory) {
  Server server;
  RedisNode node(server.address());
  Losses losses(*node);
  const Subject anna = SubjectNamed("anna");
  ASSERT_TRUE(node->Open("s", {4, "before"}).ok());
  ASSERT_TRUE(AppendNow(*node, "s", {4, "before"}, {{1, anna, "hers"}}).ok());
  ASSERT_TRUE(node->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(2, 40)).ok());
  Answers label;
  node->SetLabel("s", kFence, "label", label.Next());
  ASSERT_TRUE(label.Wait().ok());
  server.StartEmpty();
  EXPECT_TRUE(Eventually([&] { return LastOf(*node, "s") == 40; })) << "without a write";
  const auto entries = ReadAll(*node, "s");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 40u);
  EXPECT_EQ(entries->front().payload, "hers");
  EXPECT_EQ(entries->front().epoch, 4u);
  EXPECT_EQ(entries->back().epoch, 5u);
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(41, 41)).ok());
  EXPECT_TRUE(Eventually([&] { return node->List("", 10)->sessions.size() == 1; }));
  EXPECT_EQ(node->List("", 10)->sessions[0].label, "label");
  EXPECT_TRUE(losses.seen().empty());
  // Its fence is back as well.
  RedisNode other(server.address());
  EXPECT_TRUE(absl::IsFailedPrecondition(other->Open("s", {5, "another"})));
  EXPECT_TRUE(absl::IsFailedPrecondition(other->Open("s", {4, "another"})));
  EXPECT_TRUE(other->Open("s", {6, "another"}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(AppendNow(*node, "s", kFence, Numbered(42, 42))));
}

TEST(RedisJournal, WhatMemoryCannotPutBackIsToldAndRestored) {
  Server server;
  RedisNode node(server.address());
  Losses losses(*node);
  ASSERT_TRUE(node->Open("s", kFence).ok());
  ASSERT_TRUE(node->Open("whole", kFence).ok());
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(1, 30)).ok());
  ASSERT_TRUE(AppendNow(*node, "whole", kFence, Numbered(1, 30)).ok());
  ASSERT_TRUE(TrimNow(*node, "s", kFence, 10).ok());
  server.StartEmpty();
  Answers held;
  node->Append("s", kFence, Numbered(31, 32), held.Next());
  node->Append("s", kFence, Numbered(33, 34), held.Next());
  ASSERT_TRUE(Eventually([&] { return !losses.seen().empty(); }));
  EXPECT_EQ(losses.seen().front(), "s");
  EXPECT_TRUE(Eventually(
      [&] { return node->GetHealth().degraded_reason.find("lost") != std::string::npos; }));
  ASSERT_TRUE(WriteBlobNow(*node, "s", kFence, "checkpoint", 33, "", "as of 33").ok())
      << "blobs are written while appends are held";
  EXPECT_EQ(held.answered(), 0u);
  ASSERT_TRUE(RestoreNow(*node, "s", kFence, 33).ok());
  ASSERT_TRUE(held.Wait().ok());
  EXPECT_EQ(held.order(), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(node->Last("s")->first_number, 34u);
  ExpectEntries(*node, "s", 34, 34);
  EXPECT_EQ(node->ReadBlob("s", "checkpoint")->bytes, "as of 33");
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(35, 35)).ok());
  ExpectEntries(*node, "whole", 1, 30);
  EXPECT_TRUE(node->GetHealth().ok) << node->GetHealth().degraded_reason;
  for (const SessionId& session : losses.seen()) EXPECT_EQ(session, "s");
}

TEST(RedisJournal, ALostBlobIsToldToo) {
  Server server;
  RedisNode node(server.address());
  Losses losses(*node);
  ASSERT_TRUE(node->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(1, 3)).ok());
  ASSERT_TRUE(WriteBlobNow(*node, "s", kFence, "checkpoint", 3, "", "state").ok());
  server.StartEmpty();
  EXPECT_TRUE(Eventually([&] { return !losses.seen().empty(); }));
}

TEST(RedisJournal, WhoOpensAnewReadsWhatThereIs) {
  Server server;
  RedisNode node(server.address());
  ASSERT_TRUE(node->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(1, 30)).ok());
  ASSERT_TRUE(TrimNow(*node, "s", kFence, 10).ok());
  server.StartEmpty();
  ASSERT_TRUE(Eventually([&] { return node->Open("s", {6, "anew"}).ok(); }));
  EXPECT_EQ(LastOf(*node, "s"), 0u);
  ASSERT_TRUE(AppendNow(*node, "s", {6, "anew"}, Numbered(1, 1)).ok()) << "nothing is held";
  // In memory is all that is missing: then it is all there when Open returns.
  ASSERT_TRUE(node->Open("t", kFence).ok());
  ASSERT_TRUE(AppendNow(*node, "t", kFence, Numbered(1, 30)).ok());
  server.StartEmpty();
  ASSERT_TRUE(Eventually([&] { return node->Open("t", {6, "anew"}).ok(); }));
  ExpectEntries(*node, "t", 1, 30);
}

TEST(RedisJournal, AFormerOwnerNeverHealsOverANewerOne) {
  Server server;
  RedisNode old(server.address());
  Losses losses(*old);
  ASSERT_TRUE(old->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(*old, "s", kFence, Numbered(1, 3)).ok());
  server.Kill9();
  Answers answers;
  old->Append("s", kFence, Numbered(4, 4), answers.Next());
  server.StartEmpty();
  // Whoever comes first: the higher epoch wins, and the old one is refused.
  RedisNode newer(server.address());
  ASSERT_TRUE(Eventually([&] { return newer->Open("s", {6, "newer"}).ok(); }));
  EXPECT_TRUE(absl::IsFailedPrecondition(answers.Wait()) || answers.Wait().ok());
  const uint64_t last = LastOf(*newer, "s");
  ASSERT_TRUE(AppendNow(*newer, "s", {6, "newer"}, {{last + 1, "", "of the newer one"}}).ok());
  EXPECT_TRUE(
      absl::IsFailedPrecondition(AppendNow(*old, "s", kFence, Numbered(last + 2, last + 2))));
  EXPECT_EQ(newer->Last("s")->epoch, 6u);
  EXPECT_EQ(LastOf(*newer, "s"), last + 1);
  EXPECT_TRUE(losses.seen().empty());
}

// Without a node that puts anything back, an owner with a lower epoch may have begun anew: the old
// one, when it comes, is refused even so.
TEST(RedisJournal, AnotherOwnersFenceIsNotTakenWhateverItsEpoch) {
  Server server;
  RedisJournalOptions blind;
  blind.look_every_us = 3'600'000'000;  // does not look by itself
  RedisNode old(server.address(), std::move(blind));
  ASSERT_TRUE(old->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(*old, "s", kFence, Numbered(1, 3)).ok());
  server.StartEmpty();
  RedisNode other(server.address());
  ASSERT_TRUE(other->Open("s", {1, "other"}).ok());
  ASSERT_TRUE(AppendNow(*other, "s", {1, "other"}, Numbered(1, 1)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(AppendNow(*old, "s", kFence, Numbered(4, 4))));
  ExpectEntries(*other, "s", 1, 1);
}

TEST(RedisJournal, AClosedSessionIsNotPutBack) {
  Server server;
  RedisNode node(server.address());
  for (const SessionId session : {"closed", "open"}) {
    ASSERT_TRUE(node->Open(session, kFence).ok());
    ASSERT_TRUE(AppendNow(*node, session, kFence, Numbered(1, 3)).ok());
  }
  node->Close("closed", kFence);
  server.StartEmpty();
  ASSERT_TRUE(Eventually([&] { return LastOf(*node, "open") == 3; }));
  EXPECT_TRUE(absl::IsNotFound(node->Last("closed").status()));
}

TEST(RedisJournal, KeepsNoMoreInMemoryThanItsLimits) {
  Server server;
  RedisJournalOptions options;
  options.kept_bytes_per_session = 4 * (sizeof(Entry) + 100);
  options.kept_bytes = 6 * (sizeof(Entry) + 100);
  RedisNode node(server.address(), std::move(options));
  Losses losses(*node);
  const std::string payload(100, 'p');
  // "first" is pushed out by "second", which keeps four of its own; "short" is whole.
  for (const SessionId session : {"first", "second", "short"}) {
    ASSERT_TRUE(node->Open(session, kFence).ok());
    const uint64_t count = session == "short" ? 2 : 5;
    for (uint64_t n = 1; n <= count; ++n) {
      ASSERT_TRUE(AppendNow(*node, session, kFence, {{n, "", payload}}).ok());
    }
  }
  server.StartEmpty();
  ASSERT_TRUE(Eventually([&] { return LastOf(*node, "short") == 2; }));
  ASSERT_TRUE(Eventually([&] { return losses.seen().size() >= 2; }));
  for (const SessionId& session : losses.seen()) EXPECT_NE(session, "short");
}

// A failover to a replica that had not got the newest writes.
TEST(RedisJournal, AFailoverThatLosesASuffixIsHealed) {
  const std::vector<std::string> flags = {"--repl-diskless-sync-delay", "0"};
  Server primary(flags);
  Server replica(flags);
  Follow(replica.address(), primary.address());
  RedisNode node(primary.address());
  Losses losses(*node);
  ASSERT_TRUE(node->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(1, 10)).ok());
  ASSERT_TRUE(Eventually([&] {
    return CommandTo(replica.address(), {"HGET", "{s}:jrn", "last"}).text == "10";
  }));
  Follow(replica.address(), "");  // cut off
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(11, 20)).ok());
  // The replica becomes the server: the one before follows it, and forgets.
  Follow(primary.address(), replica.address());
  ASSERT_TRUE(Eventually([&] {
    return CommandTo(primary.address(), {"HGET", "{s}:jrn", "last"}).text == "10";
  }));
  Answers answers;
  node->Append("s", kFence, Numbered(21, 21), answers.Next());
  EXPECT_TRUE(Eventually([&] { return !node->GetHealth().ok; }));
  EXPECT_EQ(answers.answered(), 0u) << "a replica takes no writes";
  Follow(primary.address(), "");
  ASSERT_TRUE(answers.Wait().ok());
  ExpectEntries(*node, "s", 1, 21);
  EXPECT_TRUE(losses.seen().empty());
}

TEST(RedisJournal, TheWaitTierAnswersOnlyWhatReplicasHave) {
  const std::vector<std::string> flags = {"--repl-diskless-sync-delay", "0"};
  Server primary(flags);
  Server replica(flags);
  RedisJournalOptions options;
  options.tier = Tier::kRedisWait;
  RedisNode node(primary.address(), std::move(options));
  EXPECT_TRUE(absl::IsUnavailable(node->Open("s", kFence))) << "no replica";
  EXPECT_NE(node->GetHealth().degraded_reason.find("0 of 1"), std::string::npos);
  Follow(replica.address(), primary.address());
  ASSERT_TRUE(Eventually([&] { return node->Open("s", kFence).ok(); }));
  ASSERT_TRUE(AppendNow(*node, "s", kFence, Numbered(1, 10)).ok());
  Follow(replica.address(), "");
  Answers answers;
  node->Append("s", kFence, Numbered(11, 12), answers.Next());
  EXPECT_TRUE(Eventually([&] {
    return node->GetHealth().degraded_reason.find("0 of 1") != std::string::npos;
  })) << node->GetHealth().degraded_reason;
  EXPECT_EQ(answers.answered(), 0u);
  Follow(replica.address(), primary.address());
  ASSERT_TRUE(answers.Wait().ok());
  EXPECT_TRUE(Eventually([&] { return node->GetHealth().ok; }));
  primary.Kill9();
  EXPECT_EQ(CommandTo(replica.address(), {"HGET", "{s}:jrn", "last"}).text, "12");
}

TEST(RedisJournal, AServerThatMayThrowSessionsAwayIsWarnedOf) {
  Server server({"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"});
  RedisNode node(server.address());
  EXPECT_TRUE(Eventually(
      [&] { return node->GetHealth().warning.find("noeviction") != std::string::npos; }));
}

TEST(RedisJournal, AFullServerSaysWhatToDo) {
  Server server({"--maxmemory-policy", "noeviction"});
  RedisNode node(server.address());
  ASSERT_TRUE(node->Open("s", kFence).ok());
  ASSERT_TRUE(node.client().CallAndWait({"CONFIG", "SET", "maxmemory", "1"}).ok());
  Answers answers;
  node->Append("s", kFence, Numbered(1, 3), answers.Next());
  EXPECT_TRUE(Eventually(
      [&] { return node->GetHealth().degraded_reason.find("maxmemory") != std::string::npos; }));
  EXPECT_EQ(answers.answered(), 0u);
  ASSERT_TRUE(node.client().CallAndWait({"CONFIG", "SET", "maxmemory", "0"}).ok());
  ASSERT_TRUE(answers.Wait().ok());
  ExpectEntries(*node, "s", 1, 3);
}

}  // namespace
}  // namespace attune::journal
