// The journal on disks that fail: power cuts, full disks, failing syncs, torn writes, rotten bits.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/journal/fault_vfs.h"
#include "services/journal/journal_testing.h"
#include "services/journal/sqlite_journal.h"

namespace attune::journal {
namespace {

constexpr char kPath[] = "journal";
const Fence kFence{1, "nonce"};

absl::StatusOr<std::unique_ptr<Journal>> OpenOn(const FaultDisk& disk, Tier tier,
                                                size_t max_queued_entries = kMaxQueuedEntries) {
  static const SystemClock clock;
  SqliteOptions options;
  options.tier = tier;
  options.clock = &clock;
  options.vfs_name = disk.vfs_name();
  options.max_queued_entries = max_queued_entries;
  options.retry_pause_us = 500;
  return OpenSqliteJournal(kPath, std::move(options));
}

// The payload of an entry is a function of where it stands, so that any reader can check it.
std::string PayloadOf(const SessionId& session, uint64_t number) {
  SeededRandom random(std::hash<std::string>{}(session)*1'000'003 + number);
  return random.Bytes(1 + random.Below(random.Below(8) == 0 ? 9000 : 200));
}

// A journal in use until its disk stops: what was submitted, what was acknowledged.
class Workload {
 public:
  Workload(Journal& journal, uint64_t seed) : journal_(journal), random_(seed) {}

  void Run(const FaultDisk& disk, int steps) {
    for (int i = 0; i < steps && !disk.stopped(); ++i) {
      const SessionId session = "s" + std::to_string(random_.Below(4));
      if (!opened_.contains(session)) {
        if (!journal_.Open(session, kFence).ok()) continue;
        opened_.insert(session);
      }
      Step(session);
      // Let the writer catch up now and then, so that commits have all sizes.
      if (random_.Below(3) == 0) {
        while (journal_.GetHealth().queued_entries > 0 && !disk.stopped())
          std::this_thread::yield();
      }
    }
  }

  // Nothing acknowledged is lost, nothing is wrong. For use after a restart.
  void Check(Journal& journal) {
    for (const SessionId& session : opened_) {
      const auto last = journal.Last(session);
      ASSERT_TRUE(last.ok()) << last.status();
      EXPECT_GE(last->last_number, acknowledged_[session]);
      EXPECT_LE(last->last_number, submitted_[session]);
      EXPECT_GE(last->first_number, trimmed_[session] + 1);
      const auto entries = ReadAll(journal, session);
      ASSERT_TRUE(entries.ok()) << entries.status();
      for (const Entry& entry : *entries) {
        ASSERT_EQ(entry.payload, PayloadOf(session, entry.number));
      }
      if (blob_[session] == 0) continue;
      const auto blob = journal.ReadBlob(session, "checkpoint");
      ASSERT_TRUE(blob.ok()) << blob.status();
      EXPECT_GE(blob->revision, blob_[session]);
      EXPECT_EQ(blob->bytes, PayloadOf(session + "/blob", blob->revision));
    }
  }

  // What is there is right, however little it is.
  static void CheckRightOrRefused(Journal& journal) {
    for (int s = 0; s < 4; ++s) {
      const SessionId session = "s" + std::to_string(s);
      journal
          .Read(session, 0,
                [&](const Entry& entry) {
                  EXPECT_EQ(entry.payload, PayloadOf(session, entry.number));
                  return absl::OkStatus();
                })
          .IgnoreError();
      const auto blob = journal.ReadBlob(session, "checkpoint");
      if (blob.ok()) {
        EXPECT_EQ(blob->bytes, PayloadOf(session + "/blob", blob->revision));
      }
    }
  }

  uint64_t acknowledged() {
    uint64_t sum = 0;
    for (const auto& [session, number] : acknowledged_) sum += number;
    return sum;
  }

 private:
  void Step(const SessionId& session) {
    const uint64_t kind = random_.Below(20);
    uint64_t acknowledged = 0;
    {
      MutexLock lock(mu_);
      acknowledged = acknowledged_[session];
    }
    if (kind == 0 && acknowledged > 10) {
      const uint64_t up_to = acknowledged - 5;
      journal_.Trim(session, kFence, up_to, [this, session, up_to](const absl::Status& status) {
        MutexLock lock(mu_);
        if (status.ok()) trimmed_[session] = up_to;
      });
    } else if (kind <= 2) {
      const uint64_t revision = ++next_blob_[session];
      journal_.WriteBlob(session, kFence, "checkpoint", revision, "",
                         PayloadOf(session + "/blob", revision),
                         [this, session, revision](const absl::Status& status) {
                           MutexLock lock(mu_);
                           if (status.ok()) blob_[session] = revision;
                         });
    } else {
      std::vector<Entry> entries;
      for (uint64_t i = random_.Below(6) + 1; i > 0; --i) {
        const uint64_t number = ++submitted_[session];
        entries.push_back({number, "", PayloadOf(session, number)});
      }
      const uint64_t number = submitted_[session];
      journal_.Append(session, kFence, std::move(entries),
                      [this, session, number](const absl::Status& status) {
                        MutexLock lock(mu_);
                        if (status.ok()) acknowledged_[session] = number;
                      });
    }
  }

  Journal& journal_;
  SeededRandom random_;
  std::set<SessionId> opened_;
  std::map<SessionId, uint64_t> submitted_, next_blob_;
  Mutex mu_;
  // Written by the journal's thread under the lock; Check reads them when that thread is gone.
  std::map<SessionId, uint64_t> acknowledged_ = {{"s0", 0}, {"s1", 0}, {"s2", 0}, {"s3", 0}};
  std::map<SessionId, uint64_t> trimmed_ = acknowledged_, blob_ = acknowledged_;
};

// Runs a workload until a random operation on the disk, then `restart`s.
template <typename Restart, typename Check>
void CutAnywhere(Tier tier, uint64_t seeds, const Restart& restart, const Check& check) {
  uint64_t acknowledged = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FaultDisk disk("cut" + std::to_string(seed), seed);
    SeededRandom random(seed * 7919);
    auto journal = OpenOn(disk, tier);
    ASSERT_TRUE(journal.ok()) << journal.status();
    auto work = std::make_unique<Workload>(**journal, seed);
    disk.StopAfter(static_cast<int64_t>(1 + random.Below(random.Below(2) == 0 ? 300 : 6000)));
    work->Run(disk, 600);
    disk.Stop();
    journal->reset();
    acknowledged += work->acknowledged();
    restart(disk);
    auto again = OpenOn(disk, tier);
    check(again, *work);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(acknowledged, seeds * 20) << "the workload must have done something";
}

void AllIsThere(const absl::StatusOr<std::unique_ptr<Journal>>& journal, Workload& work) {
  ASSERT_TRUE(journal.ok()) << journal.status();
  work.Check(**journal);
}

TEST(PowerCut, FsyncTierLosesNothingAcknowledged) {
  CutAnywhere(
      Tier::kFsync, 120, [](FaultDisk& disk) { disk.RestartAfterPowerCut(); }, AllIsThere);
}

TEST(PowerCut, ProcessTierNeverReadsDamageAsData) {
  uint64_t opened = 0;
  CutAnywhere(
      Tier::kProcess, 60, [](FaultDisk& disk) { disk.RestartAfterPowerCut(); },
      [&](const absl::StatusOr<std::unique_ptr<Journal>>& journal, Workload&) {
        if (!journal.ok()) return;
        ++opened;
        Workload::CheckRightOrRefused(**journal);
      });
  EXPECT_EQ(opened, 60u) << "an earlier, whole state is left";
}

TEST(Kill, NoTierLosesAnythingAcknowledged) {
  for (const Tier tier : {Tier::kProcess, Tier::kFsync}) {
    CutAnywhere(
        tier, 60, [](FaultDisk& disk) { disk.RestartAfterKill(); }, AllIsThere);
  }
}

TEST(Tier, ProcessDoesNotSyncACommitAndFsyncDoes) {
  for (const Tier tier : {Tier::kProcess, Tier::kFsync}) {
    FaultDisk disk("syncs", 1);
    auto journal = OpenOn(disk, tier);
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE((*journal)->Open("s", kFence).ok());
    const int64_t before = disk.syncs();
    for (uint64_t n = 1; n <= 50; ++n) {
      ASSERT_TRUE(AppendNow(**journal, "s", kFence, {{n, "", "x"}}).ok());
    }
    if (tier == Tier::kProcess) {
      EXPECT_EQ(disk.syncs(), before);
    } else {
      EXPECT_GE(disk.syncs(), before + 50);
    }
  }
}

// The kernel forgets what a failed sync could not write; a second sync then lies. The journal must
// have written it again.
TEST(FailingSync, AcknowledgedEntriesSurviveThePowerCutAfterIt) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    FaultDisk disk("sync" + std::to_string(seed), seed);
    auto journal = OpenOn(disk, Tier::kFsync);
    ASSERT_TRUE(journal.ok());
    Workload work(**journal, seed);
    for (int i = 0; i < 5; ++i) {
      work.Run(disk, 30);
      disk.FailSyncs(1 + static_cast<int>(seed % 3));
    }
    work.Run(disk, 30);
    disk.Stop();
    journal->reset();
    disk.RestartAfterPowerCut();
    AllIsThere(OpenOn(disk, Tier::kFsync), work);
  }
}

TEST(TornWrite, IsRepeatedUntilItIsWhole) {
  FaultDisk disk("torn", 1);
  auto journal = OpenOn(disk, Tier::kFsync);
  ASSERT_TRUE(journal.ok());
  Workload work(**journal, 3);
  for (int i = 0; i < 10; ++i) {
    work.Run(disk, 20);
    disk.TearWrites(2);
  }
  work.Run(disk, 20);
  EXPECT_GT((*journal)->GetHealth().write_failures, 0u);
  journal->reset();
  AllIsThere(OpenOn(disk, Tier::kFsync), work);
}

TEST(FullDisk, KeepsWhatItAcceptedSaysSoAndRecoversByItself) {
  for (const Tier tier : {Tier::kProcess, Tier::kFsync}) {
    FaultDisk disk("full", 1);
    auto journal = OpenOn(disk, tier, /*max_queued_entries=*/200);
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE((*journal)->Open("s", kFence).ok());
    ASSERT_TRUE((*journal)->Open("t", kFence).ok());
    ASSERT_TRUE(AppendNow(**journal, "s", kFence, {{1, "", PayloadOf("s", 1)}}).ok());
    disk.SetCapacity(0);
    Answers s, t;
    for (uint64_t n = 2; n <= 100; ++n) {
      (*journal)->Append("s", kFence, {{n, "", PayloadOf("s", n)}}, s.Next());
    }
    for (uint64_t n = 1; n <= 100; ++n) {
      (*journal)->Append("t", kFence, {{n, "", PayloadOf("t", n)}}, t.Next());
    }
    while ((*journal)->GetHealth().write_failures < 5) std::this_thread::yield();
    Health health = (*journal)->GetHealth();
    EXPECT_FALSE(health.ok);
    EXPECT_NE(health.degraded_reason.find("full"), std::string::npos) << health.degraded_reason;
    EXPECT_EQ(health.queued_entries, 199u);
    EXPECT_EQ(s.answered() + t.answered(), 0u) << "nothing is acknowledged";
    EXPECT_EQ(ReadAll(**journal, "s")->size(), 1u) << "what is stored can still be read";
    // The queue is bounded, and a caller that would wait is told at once.
    EXPECT_TRUE(absl::IsResourceExhausted(
        AppendNow(**journal, "t", kFence, {{101, "", "x"}, {102, "", "x"}})));
    EXPECT_TRUE(absl::IsUnavailable((*journal)->Open("u", kFence)));

    disk.SetCapacity(int64_t{1} << 30);
    EXPECT_TRUE(s.Wait().ok()) << s.Wait();
    EXPECT_TRUE(t.Wait().ok()) << t.Wait();
    EXPECT_TRUE((*journal)->GetHealth().ok);
    EXPECT_TRUE((*journal)->Open("u", kFence).ok());
    for (const SessionId session : {"s", "t"}) {
      const auto entries = ReadAll(**journal, session);
      ASSERT_TRUE(entries.ok()) << entries.status();
      ASSERT_EQ(entries->size(), 100u);
      for (const Entry& entry : *entries) {
        EXPECT_EQ(entry.payload, PayloadOf(session, entry.number));
      }
    }
  }
}

TEST(FullDisk, GrowingByteByByteLosesNothing) {
  FaultDisk disk("creeping", 1);
  auto journal = OpenOn(disk, Tier::kFsync);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE((*journal)->Open("s", kFence).ok());
  disk.SetCapacity(0);
  Answers answers;
  for (uint64_t n = 1; n <= 300; ++n) {
    (*journal)->Append("s", kFence, {{n, "", PayloadOf("s", n)}}, answers.Next());
  }
  for (int64_t room = 20'000; room <= 2'000'000; room += 60'000) {
    disk.SetCapacity(room);
    const uint64_t failures = (*journal)->GetHealth().write_failures;
    while (answers.answered() < 300 && (*journal)->GetHealth().write_failures < failures + 2) {
      std::this_thread::yield();
    }
  }
  ASSERT_TRUE(answers.Wait().ok());
  const std::vector<size_t> order = answers.order();
  for (size_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
  EXPECT_EQ(ReadAll(**journal, "s")->size(), 300u);
}

TEST(FullDisk, AShutdownAnswersEverythingAndARestartCanRead) {
  FaultDisk disk("shutdown", 1);
  auto journal = OpenOn(disk, Tier::kFsync);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE((*journal)->Open("s", kFence).ok());
  ASSERT_TRUE(AppendNow(**journal, "s", kFence, {{1, "", PayloadOf("s", 1)}}).ok());
  disk.SetCapacity(0);
  Answers answers;
  for (uint64_t n = 2; n <= 50; ++n) {
    (*journal)->Append("s", kFence, {{n, "", PayloadOf("s", n)}}, answers.Next());
  }
  (*journal)->EraseSubject("s", kFence, SubjectNamed("anna"), answers.Next());
  journal->reset();
  EXPECT_EQ(answers.answered(), 50u) << "each callback once";
  EXPECT_TRUE(absl::IsUnavailable(answers.Wait()));
  journal = OpenOn(disk, Tier::kFsync);
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_EQ(ReadAll(**journal, "s")->size(), 1u);
}

// Every session's entries are either as they were, or refused.
void ExpectOriginalOrError(const FaultDisk& disk, uint64_t entries, int* refused) {
  auto journal = OpenOn(disk, Tier::kProcess);
  bool good = journal.ok();
  if (good) {
    for (const SessionId session : {"s", "t"}) {
      uint64_t next = 1;
      const absl::Status status = (*journal)->Read(session, 0, [&](const Entry& entry) {
        EXPECT_EQ(entry.number, next);
        EXPECT_EQ(entry.payload, PayloadOf(session, entry.number));
        EXPECT_FALSE(entry.erased);
        ++next;
        return absl::OkStatus();
      });
      if (status.ok()) {
        EXPECT_EQ(next, entries + 1) << "an end that comes too early must be an error";
      }
      const auto blob = (*journal)->ReadBlob(session, "checkpoint");
      if (blob.ok()) {
        EXPECT_EQ(blob->bytes, PayloadOf(session, blob->revision));
      } else {
        EXPECT_TRUE(absl::IsDataLoss(blob.status())) << blob.status();
      }
      good = good && status.ok() && blob.ok();
    }
  }
  if (!good) ++*refused;
}

constexpr uint64_t kRotEntries = 400;

void Fill(FaultDisk& disk) {
  auto journal = OpenOn(disk, Tier::kProcess);
  ASSERT_TRUE(journal.ok());
  for (const SessionId session : {"s", "t"}) {
    ASSERT_TRUE((*journal)->Open(session, kFence).ok());
    for (uint64_t n = 1; n <= kRotEntries; ++n) {
      ASSERT_TRUE(AppendNow(**journal, session, kFence, {{n, "", PayloadOf(session, n)}}).ok());
    }
    for (uint64_t revision = 1; revision <= 2; ++revision) {
      ASSERT_TRUE(WriteBlobNow(**journal, session, kFence, "checkpoint", revision, "",
                               PayloadOf(session, revision))
                      .ok());
    }
  }
}

TEST(Rot, AFlippedBitAnywhereIsNeverReadAsData) {
  FaultDisk disk("rot", 1);
  Fill(disk);
  const std::string good = disk.Contents(kPath);
  ASSERT_GT(good.size(), 40 * 4096u);
  int refused = 0;
  ExpectOriginalOrError(disk, kRotEntries, &refused);
  ASSERT_EQ(refused, 0);
  SeededRandom random(5);
  const size_t pages = good.size() / 4096;
  for (int i = 0; i < 400; ++i) {
    SCOPED_TRACE(i);
    std::string bad = good;
    // Every page's header in turn, and anywhere.
    const size_t page = static_cast<size_t>(i) % pages;
    const size_t within = random.Below(2) == 0 ? random.Below(120) : random.Below(4096);
    const size_t at = page * 4096 + within;
    bad[at] = static_cast<char>(bad[at] ^ (1 << random.Below(8)));
    disk.SetContents(kPath, bad);
    disk.SetContents(std::string(kPath) + "-wal", "");
    ExpectOriginalOrError(disk, kRotEntries, &refused);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(refused, 130) << "most flips hit something";
}

TEST(Rot, WholeSectorsOfZerosOrNoiseAreNeverReadAsData) {
  FaultDisk disk("sectors", 1);
  Fill(disk);
  const std::string good = disk.Contents(kPath);
  SeededRandom random(6);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE(i);
    std::string bad = good;
    const size_t at = random.Below(bad.size() / 512) * 512;
    bad.replace(at, 512, random.Below(2) == 0 ? std::string(512, '\0') : random.Bytes(512));
    // A file that lost its whole first page is a new file to SQLite.
    disk.SetContents(kPath, bad);
    disk.SetContents(std::string(kPath) + "-wal", "");
    ExpectOriginalOrError(disk, kRotEntries, &refused);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(refused, 100);
}

// A log that is damaged in the middle ends there: less is found, nothing wrong.
TEST(Rot, ADamagedLogEndsBeforeTheDamage) {
  FaultDisk disk("log", 1);
  auto journal = OpenOn(disk, Tier::kProcess);
  ASSERT_TRUE(journal.ok());
  Workload work(**journal, 4);
  work.Run(disk, 300);
  disk.Stop();
  journal->reset();
  disk.RestartAfterKill();
  const std::string log = std::string(kPath) + "-wal";
  const std::string good_log = disk.Contents(log);
  const std::string good = disk.Contents(kPath);
  ASSERT_GT(good_log.size(), 100'000u);
  SeededRandom random(8);
  for (int i = 0; i < 100; ++i) {
    std::string bad = good_log;
    const uint64_t bit = random.Below(bad.size() * 8);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    disk.SetContents(kPath, good);
    disk.SetContents(log, bad);
    auto again = OpenOn(disk, Tier::kProcess);
    if (again.ok()) Workload::CheckRightOrRefused(**again);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Rot, DamageInOneSessionLeavesTheOthersAlone) {
  FaultDisk disk("one", 1);
  Fill(disk);
  std::string bytes = disk.Contents(kPath);
  const std::string payload = PayloadOf("s", 200);
  const size_t at = bytes.find(payload);
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  disk.SetContents(kPath, bytes);
  auto journal = OpenOn(disk, Tier::kProcess);
  ASSERT_TRUE(journal.ok()) << journal.status();
  uint64_t seen = 0;
  const absl::Status status = (*journal)->Read("s", 0, [&](const Entry&) {
    ++seen;
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_NE(status.message().find("entry 200"), std::string_view::npos) << status;
  EXPECT_EQ(seen, 199u) << "what is good before it is handed out";
  EXPECT_EQ(ReadAll(**journal, "s", 201)->size(), kRotEntries - 200);
  EXPECT_EQ(ReadAll(**journal, "t")->size(), kRotEntries);
  ASSERT_TRUE(
      AppendNow(**journal, "t", kFence, {{kRotEntries + 1, "", PayloadOf("t", kRotEntries + 1)}})
          .ok());
}

TEST(Rot, ADamagedBlobFallsBackToTheRevisionBefore) {
  FaultDisk disk("blob", 1);
  Fill(disk);
  std::string bytes = disk.Contents(kPath);
  // An entry has the same payload: damage both.
  for (size_t i = bytes.find(PayloadOf("s", 2)); i != std::string::npos;
       i = bytes.find(PayloadOf("s", 2))) {
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
  }
  disk.SetContents(kPath, bytes);
  auto journal = OpenOn(disk, Tier::kProcess);
  ASSERT_TRUE(journal.ok()) << journal.status();
  const auto blob = (*journal)->ReadBlob("s", "checkpoint");
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(blob->revision, 1u);
  EXPECT_EQ(blob->bytes, PayloadOf("s", 1));
}

}  // namespace
}  // namespace attune::journal
