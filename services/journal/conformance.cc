#include "services/journal/conformance.h"

#include <atomic>
#include <thread>
#include <utility>

#include "services/journal/journal_testing.h"

namespace attune::journal {

namespace {

const Fence kFirst{1, "nonce-one"};
const Fence kSecond{2, "nonce-two"};

std::vector<Entry> Numbered(uint64_t from, uint64_t to) {
  std::vector<Entry> entries;
  for (uint64_t n = from; n <= to; ++n) entries.push_back({n, "", "entry " + std::to_string(n)});
  return entries;
}

TEST_P(JournalConformance, KeepsBytesAsTheyAre) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  std::string binary;
  for (int i = 0; i < 256; ++i) binary.push_back(static_cast<char>(i));
  const Subject anna = SubjectNamed(std::string("a\0b", 3));
  const std::string large(300'000, 'L');
  ASSERT_TRUE(
      AppendNow(journal(), "s", kFirst, {{1, anna, binary}, {2, "", ""}, {3, anna, large}}).ok());
  store_->KillAndReopen();
  const auto entries = ReadAll(journal(), "s");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].payload, binary);
  EXPECT_EQ((*entries)[0].subject, anna);
  EXPECT_EQ((*entries)[0].epoch, 1u);
  EXPECT_FALSE((*entries)[0].erased);
  EXPECT_EQ((*entries)[1].payload, "");
  EXPECT_EQ((*entries)[1].subject, "");
  EXPECT_EQ((*entries)[2].payload, large);
  EXPECT_EQ(ReadAll(journal(), "s", 3)->size(), 1u);
  EXPECT_EQ(ReadAll(journal(), "s", 4)->size(), 0u);
}

TEST_P(JournalConformance, NumbersFollowEachOther) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  EXPECT_TRUE(absl::IsOutOfRange(AppendNow(journal(), "s", kFirst, {{2, "", "x"}})));
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(1, 2)).ok());
  EXPECT_TRUE(absl::IsOutOfRange(AppendNow(journal(), "s", kFirst, {{2, "", "again"}})));
  EXPECT_TRUE(
      absl::IsOutOfRange(AppendNow(journal(), "s", kFirst, {{3, "", "good"}, {5, "", "hole"}})));
  EXPECT_EQ(journal().Last("s")->last_number, 2u) << "all or nothing";
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(3, 3)).ok());
  EXPECT_TRUE(AppendNow(journal(), "s", kFirst, {}).ok());
  const auto entries = ReadAll(journal(), "s");
  ASSERT_EQ(entries->size(), 3u);
  for (uint64_t n = 1; n <= 3; ++n) {
    EXPECT_EQ((*entries)[n - 1].number, n);
    EXPECT_EQ((*entries)[n - 1].payload, "entry " + std::to_string(n));
  }
}

TEST_P(JournalConformance, AStaleFenceWritesNothing) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(1, 1)).ok());
  ASSERT_TRUE(WriteBlobNow(journal(), "s", kFirst, "b", 1, "", "blob").ok());
  const Fence twin{2, "the other twin"};
  EXPECT_TRUE(absl::IsFailedPrecondition(AppendNow(journal(), "s", kSecond, Numbered(2, 2))))
      << "not opened yet";
  ASSERT_TRUE(journal().Open("s", kSecond).ok());
  EXPECT_TRUE(journal().Open("s", kSecond).ok()) << "repeating it is harmless";
  EXPECT_TRUE(absl::IsFailedPrecondition(journal().Open("s", kFirst)));
  EXPECT_TRUE(absl::IsFailedPrecondition(journal().Open("s", twin)));
  for (int restarted = 0; restarted < 2; ++restarted) {
    for (const Fence& stale : {kFirst, twin}) {
      Answers answers;
      journal().Append("s", stale, Numbered(2, 2), answers.Next());
      journal().Append("s", stale, {}, answers.Next());
      journal().WriteBlob("s", stale, "b", 2, "", "mine", answers.Next());
      journal().DeleteBlob("s", stale, "b", answers.Next());
      journal().SetLabel("s", stale, "mine", answers.Next());
      journal().Trim("s", stale, 1, answers.Next());
      journal().EraseSubject("s", stale, "", answers.Next());
      journal().DeleteSession("s", stale, answers.Next());
      answers.Wait().IgnoreError();
      for (const absl::Status& status : answers.statuses()) {
        EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
      }
    }
    store_->KillAndReopen();
    EXPECT_TRUE(absl::IsFailedPrecondition(journal().Open("s", kFirst)));
  }
  const auto entries = ReadAll(journal(), "s");
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().payload, "entry 1");
  EXPECT_EQ(journal().ReadBlob("s", "b")->bytes, "blob");
  EXPECT_EQ(journal().Last("s")->epoch, 2u);
  EXPECT_EQ(journal().List("", 10)->sessions.front().label, "");
}

TEST_P(JournalConformance, EpochsOfEntriesAreKept) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(1, 1)).ok());
  ASSERT_TRUE(journal().Open("s", {7, "n"}).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", {7, "n"}, Numbered(2, 2)).ok());
  const auto entries = ReadAll(journal(), "s");
  EXPECT_EQ((*entries)[0].epoch, 1u);
  EXPECT_EQ((*entries)[1].epoch, 7u);
}

TEST_P(JournalConformance, WhatIsUnknownIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(journal().Last("s").status()));
  EXPECT_TRUE(absl::IsNotFound(ReadAll(journal(), "s").status()));
  EXPECT_TRUE(absl::IsNotFound(AppendNow(journal(), "s", kFirst, Numbered(1, 1))));
  EXPECT_TRUE(absl::IsNotFound(journal().ReadBlob("s", "b").status()));
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  EXPECT_TRUE(absl::IsNotFound(journal().ReadBlob("s", "b").status()));
  EXPECT_EQ(ReadAll(journal(), "s")->size(), 0u);
  EXPECT_EQ(journal().Last("s")->last_number, 0u);
  EXPECT_EQ(journal().Last("s")->first_number, 1u);
}

TEST_P(JournalConformance, BlobsKeepTheNewestRevision) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  const Subject anna = SubjectNamed("anna");
  for (uint64_t revision = 1; revision <= 5; ++revision) {
    ASSERT_TRUE(WriteBlobNow(journal(), "s", kFirst, "checkpoint", revision, anna,
                             "state " + std::to_string(revision))
                    .ok());
  }
  EXPECT_TRUE(
      absl::IsOutOfRange(WriteBlobNow(journal(), "s", kFirst, "checkpoint", 4, anna, "old")));
  ASSERT_TRUE(WriteBlobNow(journal(), "s", kFirst, "checkpoint", 5, anna, "again").ok());
  ASSERT_TRUE(
      WriteBlobNow(journal(), "s", kFirst, "report", 1, "", std::string(100'000, 'r')).ok());
  store_->KillAndReopen();
  const auto blob = journal().ReadBlob("s", "checkpoint");
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(blob->bytes, "again");
  EXPECT_EQ(blob->revision, 5u);
  EXPECT_EQ(blob->epoch, 1u);
  EXPECT_EQ(blob->subject, anna);
  EXPECT_EQ(journal().ReadBlob("s", "report")->bytes.size(), 100'000u);
  Answers answers;
  journal().DeleteBlob("s", kFirst, "checkpoint", answers.Next());
  journal().DeleteBlob("s", kFirst, "no such", answers.Next());
  ASSERT_TRUE(answers.Wait().ok());
  EXPECT_TRUE(absl::IsNotFound(journal().ReadBlob("s", "checkpoint").status()));
  ASSERT_TRUE(WriteBlobNow(journal(), "s", kFirst, "checkpoint", 1, "", "anew").ok());
  store_->KillAndReopen();
  EXPECT_EQ(journal().ReadBlob("s", "checkpoint")->bytes, "anew");
}

TEST_P(JournalConformance, TrimForgetsTheBeginning) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  ASSERT_TRUE(journal().Open("t", kFirst).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(1, 10)).ok());
  ASSERT_TRUE(AppendNow(journal(), "t", kFirst, Numbered(1, 10)).ok());
  const auto trim = [&](uint64_t up_to) {
    Answers answers;
    journal().Trim("s", kFirst, up_to, answers.Next());
    return answers.Wait();
  };
  EXPECT_TRUE(absl::IsOutOfRange(trim(11)));
  ASSERT_TRUE(trim(4).ok());
  ASSERT_TRUE(trim(2).ok()) << "already gone";
  store_->KillAndReopen();
  EXPECT_EQ(journal().Last("s")->first_number, 5u);
  EXPECT_EQ(journal().Last("s")->last_number, 10u);
  EXPECT_TRUE(absl::IsOutOfRange(ReadAll(journal(), "s", 4).status()));
  const auto entries = ReadAll(journal(), "s");
  ASSERT_EQ(entries->size(), 6u);
  EXPECT_EQ(entries->front().number, 5u);
  EXPECT_EQ(ReadAll(journal(), "t")->size(), 10u);
  ASSERT_TRUE(trim(10).ok());
  EXPECT_EQ(ReadAll(journal(), "s")->size(), 0u);
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(11, 11)).ok()) << "numbers go on";
}

TEST_P(JournalConformance, RestoreBeginsAnewAfterANumber) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  ASSERT_TRUE(journal().Open("t", kFirst).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(1, 5)).ok());
  ASSERT_TRUE(AppendNow(journal(), "t", kFirst, Numbered(1, 5)).ok());
  ASSERT_TRUE(WriteBlobNow(journal(), "s", kFirst, "checkpoint", 8, "", "state").ok());
  const auto restore = [&](const SessionId& session, const Fence& fence, uint64_t last_number) {
    Answers answers;
    journal().Restore(session, fence, last_number, answers.Next());
    return answers.Wait();
  };
  EXPECT_TRUE(absl::IsOutOfRange(restore("s", kFirst, 4)));
  EXPECT_TRUE(absl::IsFailedPrecondition(restore("s", {1, "another"}, 8)));
  EXPECT_TRUE(absl::IsInvalidArgument(restore("s", kFirst, kMaxNumber + 1)));
  EXPECT_TRUE(absl::IsNotFound(restore("no such", kFirst, 8)));
  ASSERT_EQ(ReadAll(journal(), "s")->size(), 5u) << "refused: nothing has changed";
  ASSERT_TRUE(restore("s", kFirst, 8).ok());
  ASSERT_TRUE(restore("s", kFirst, 8).ok()) << "repeating it is harmless";
  store_->KillAndReopen();
  EXPECT_EQ(journal().Last("s")->first_number, 9u);
  EXPECT_EQ(journal().Last("s")->last_number, 8u);
  EXPECT_EQ(ReadAll(journal(), "s")->size(), 0u);
  EXPECT_TRUE(absl::IsOutOfRange(ReadAll(journal(), "s", 5).status())) << "counts as trimmed";
  EXPECT_EQ(journal().ReadBlob("s", "checkpoint")->bytes, "state");
  EXPECT_EQ(ReadAll(journal(), "t")->size(), 5u);
  EXPECT_TRUE(absl::IsOutOfRange(AppendNow(journal(), "s", kFirst, Numbered(6, 6))));
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(9, 10)).ok()) << "numbers go on";
  const auto entries = ReadAll(journal(), "s");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->front().number, 9u);
}

TEST_P(JournalConformance, ClosingChangesNothingInTheStore) {
  ASSERT_TRUE(journal().Open("s", kSecond).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kSecond, Numbered(1, 3)).ok());
  journal().Close("s", kSecond);
  journal().Close("no such", kSecond);
  EXPECT_EQ(ReadAll(journal(), "s")->size(), 3u);
  EXPECT_TRUE(absl::IsFailedPrecondition(journal().Open("s", kFirst)));
  ASSERT_TRUE(journal().Open("s", kSecond).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kSecond, Numbered(4, 4)).ok());
}

// Entries that may wait keep their place, and come before what follows them.
TEST_P(JournalConformance, WhatMayWaitIsWrittenInOrder) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  Answers answers;
  for (uint64_t n = 1; n <= 40; ++n) {
    journal().Append("s", kFirst, Numbered(n, n), answers.Next(),
                     n % 8 == 0 ? Urgency::kNow : Urgency::kMayWait);
  }
  journal().Append("s", kFirst, Numbered(41, 41), answers.Next(), Urgency::kMayWait);
  ASSERT_TRUE(answers.Wait().ok());
  const std::vector<size_t> order = answers.order();
  for (size_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
  EXPECT_EQ(ReadAll(journal(), "s")->size(), 41u);
}

TEST_P(JournalConformance, EraseEmptiesOneSubjectAndKeepsTheNumbers) {
  const Subject anna = SubjectNamed("anna");
  const Subject bert = SubjectNamed("bert");
  for (const SessionId session : {"s", "t"}) {
    ASSERT_TRUE(journal().Open(session, kFirst).ok());
    ASSERT_TRUE(AppendNow(journal(), session, kFirst,
                          {{1, "", "open"}, {2, anna, "a2"}, {3, bert, "b3"}, {4, anna, "a4"}})
                    .ok());
    ASSERT_TRUE(WriteBlobNow(journal(), session, kFirst, "anna", 1, anna, "blob").ok());
    ASSERT_TRUE(WriteBlobNow(journal(), session, kFirst, "bert", 1, bert, "blob").ok());
  }
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(EraseNow(journal(), "s", kFirst, anna).ok());
    store_->KillAndReopen();
    const auto entries = ReadAll(journal(), "s");
    ASSERT_TRUE(entries.ok()) << entries.status();
    ASSERT_EQ(entries->size(), 4u);
    for (const Entry& entry : *entries) {
      EXPECT_EQ(entry.erased, entry.subject == anna);
      EXPECT_EQ(entry.payload.empty(), entry.subject == anna);
    }
    EXPECT_TRUE(absl::IsNotFound(journal().ReadBlob("s", "anna").status()));
    EXPECT_EQ(journal().ReadBlob("s", "bert")->bytes, "blob");
  }
  EXPECT_EQ((*ReadAll(journal(), "t"))[1].payload, "a2") << "another session's subject is another";
  EXPECT_EQ(journal().ReadBlob("t", "anna")->bytes, "blob");
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(5, 5)).ok());
}

TEST_P(JournalConformance, ADeletedSessionStartsAnew) {
  ASSERT_TRUE(journal().Open("s", kSecond).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kSecond, Numbered(1, 3)).ok());
  ASSERT_TRUE(WriteBlobNow(journal(), "s", kSecond, "b", 1, "", "blob").ok());
  Answers answers;
  journal().DeleteSession("s", kSecond, answers.Next());
  ASSERT_TRUE(answers.Wait().ok());
  store_->KillAndReopen();
  EXPECT_TRUE(absl::IsNotFound(journal().Last("s").status()));
  EXPECT_TRUE(journal().List("", 10)->sessions.empty());
  journal().DeleteSession("s", kSecond, answers.Next());
  EXPECT_TRUE(answers.Wait().ok()) << "idempotent";
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  EXPECT_EQ(ReadAll(journal(), "s")->size(), 0u);
  EXPECT_TRUE(absl::IsNotFound(journal().ReadBlob("s", "b").status()));
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(1, 1)).ok());
}

TEST_P(JournalConformance, ListsInPages) {
  for (int i = 0; i < 25; ++i) {
    const SessionId session = "s" + std::to_string(100 + i);
    ASSERT_TRUE(journal().Open(session, kFirst).ok());
    Answers answers;
    if (i == 3) {
      journal().Append(session, kFirst, Numbered(1, 2), answers.Next());
      journal().SetLabel(session, kFirst, "ended", answers.Next());
    }
    ASSERT_TRUE(answers.Wait().ok());
  }
  store_->KillAndReopen();
  std::vector<SessionState> seen;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = journal().List(cursor, 10);
    ASSERT_TRUE(page.ok()) << page.status();
    seen.insert(seen.end(), page->sessions.begin(), page->sessions.end());
    cursor = page->next_cursor;
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(pages, 3);
  ASSERT_EQ(seen.size(), 25u);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(seen[i].session, "s" + std::to_string(100 + i));
  EXPECT_EQ(seen[3].label, "ended");
  EXPECT_EQ(seen[3].position.last_number, 2u);
  EXPECT_EQ(seen[4].label, "");
}

TEST_P(JournalConformance, RefusesWhatIsBeyondALimit) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  const auto invalid = [](const absl::Status& status) { return absl::IsInvalidArgument(status); };
  EXPECT_TRUE(invalid(journal().Open("", kFirst)));
  EXPECT_TRUE(invalid(journal().Open(std::string(kMaxSessionIdBytes + 1, 's'), kFirst)));
  EXPECT_TRUE(journal().Open(std::string(kMaxSessionIdBytes, 's'), kFirst).ok());
  EXPECT_TRUE(invalid(journal().Open("s", {0, "n"})));
  EXPECT_TRUE(invalid(journal().Open("s", {kMaxEpoch + 1, "n"})));
  EXPECT_TRUE(invalid(journal().Open("s", {9, ""})));
  EXPECT_TRUE(invalid(AppendNow(journal(), "s", kFirst, {{1, "short", "x"}})));
  EXPECT_TRUE(
      invalid(AppendNow(journal(), "s", kFirst, {{1, "", std::string(kMaxEntryBytes + 1, 'x')}})));
  EXPECT_TRUE(AppendNow(journal(), "s", kFirst, {{1, "", std::string(kMaxEntryBytes, 'x')}}).ok());
  EXPECT_TRUE(invalid(WriteBlobNow(journal(), "s", kFirst, "", 1, "", "x")));
  EXPECT_TRUE(invalid(
      WriteBlobNow(journal(), "s", kFirst, "b", 1, "", std::string(kMaxBlobBytes + 1, 'x'))));
  EXPECT_TRUE(
      WriteBlobNow(journal(), "s", kFirst, "b", 1, "", std::string(kMaxBlobBytes, 'x')).ok());
  EXPECT_TRUE(invalid(journal().List("", 0).status()));
  EXPECT_TRUE(invalid(journal().List("", kMaxListed + 1).status()));
}

// Several threads, each the owner of some sessions, nobody waiting for an answer.
TEST_P(JournalConformance, AnswersInOrderPerSessionUnderLoad) {
  constexpr int kThreads = 4;
  constexpr int kSessions = 8;  // per thread
  constexpr uint64_t kEntries = 100;
  std::vector<std::unique_ptr<Answers>> answers;
  for (int i = 0; i < kThreads * kSessions; ++i) {
    ASSERT_TRUE(journal().Open("s" + std::to_string(i), kFirst).ok());
    answers.push_back(std::make_unique<Answers>());
  }
  std::atomic<bool> writing = true;
  // A reader meanwhile sees whole prefixes only.
  std::thread reader([&] {
    while (writing) {
      const auto entries = ReadAll(journal(), "s0");
      ASSERT_TRUE(entries.ok()) << entries.status();
      for (size_t i = 0; i < entries->size(); ++i) ASSERT_EQ((*entries)[i].number, i + 1);
    }
  });
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (uint64_t n = 1; n <= kEntries; ++n) {
        for (int s = t * kSessions; s < (t + 1) * kSessions; ++s) {
          journal().Append("s" + std::to_string(s), kFirst, Numbered(n, n), answers[s]->Next());
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (auto& each : answers) {
    ASSERT_TRUE(each->Wait().ok());
    const std::vector<size_t> order = each->order();
    for (size_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
  }
  writing = false;
  reader.join();
  EXPECT_EQ(journal().GetHealth().queued_entries, 0u);
  EXPECT_EQ(journal().GetHealth().queued_bytes, 0u);
  EXPECT_EQ(journal().GetHealth().entries, kThreads * kSessions * kEntries);
  EXPECT_TRUE(journal().GetHealth().ok);
  store_->KillAndReopen();
  for (int i = 0; i < kThreads * kSessions; ++i) {
    EXPECT_EQ(ReadAll(journal(), "s" + std::to_string(i))->size(), kEntries);
  }
}

TEST_P(JournalConformance, TheReadersErrorEndsTheReading) {
  ASSERT_TRUE(journal().Open("s", kFirst).ok());
  ASSERT_TRUE(AppendNow(journal(), "s", kFirst, Numbered(1, 2000)).ok());
  int seen = 0;
  const absl::Status status = journal().Read("s", 0, [&](Entry) {
    return ++seen == 700 ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsCancelled(status));
  EXPECT_EQ(seen, 700);
}

}  // namespace
}  // namespace attune::journal
