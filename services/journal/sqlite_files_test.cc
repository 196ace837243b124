// The journal and the key store in real files: who may open them, what an erase leaves in them,
// what a backup is good for.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/journal/journal_testing.h"
#include "services/journal/sealer.h"
#include "services/journal/sqlite_journal.h"
#include "services/journal/sqlite_keystore.h"

namespace attune::journal {
namespace {

const Fence kFence{1, "nonce"};

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void RunSql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
}

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "/files-" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    path_ = dir_ + "/journal";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& path,
                                                Tier tier = Tier::kProcess) {
    SqliteOptions options;
    options.tier = tier;
    options.clock = &clock_;
    return OpenSqliteJournal(path, std::move(options));
  }
  absl::StatusOr<std::unique_ptr<KeyStore>> OpenKeys(const std::string& path) {
    return OpenSqliteKeyStore(path, {{{"2026", std::string(32, 'K')}}, &random_, ""});
  }

  SystemClock clock_;
  SystemRandom random_;
  std::string dir_, path_;
};

TEST_F(FilesTest, AreReadableByTheirOwnerOnly) {
  auto journal = Open(path_);
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_TRUE((*journal)->Open("s", kFence).ok());
  ASSERT_TRUE((*journal)->BackupTo(dir_ + "/backup").ok());
  for (const char* name : {"/journal", "/journal-wal", "/backup"}) {
    struct stat info;
    ASSERT_EQ(stat((dir_ + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(FilesTest, ASecondOpenerIsRefusedInClearWords) {
  auto journal = Open(path_);
  ASSERT_TRUE(journal.ok());
  const absl::Status second = Open(path_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  EXPECT_NE(second.message().find("another process"), std::string_view::npos) << second;
  journal->reset();
  EXPECT_TRUE(Open(path_).ok()) << "free again";
}

TEST_F(FilesTest, WhatIsNotAJournalIsLeftAlone) {
  std::ofstream(path_) << "Dear diary, " << std::string(8000, 'x');
  EXPECT_TRUE(absl::IsDataLoss(Open(path_).status())) << Open(path_).status();
  EXPECT_EQ(FileBytes(path_).substr(0, 11), "Dear diary,");
  RunSql(dir_ + "/other", "CREATE TABLE t(x)");
  EXPECT_TRUE(absl::IsDataLoss(Open(dir_ + "/other").status()));
  ASSERT_TRUE(OpenKeys(dir_ + "/keys").ok());
  EXPECT_TRUE(absl::IsDataLoss(Open(dir_ + "/keys").status())) << "a key store is no journal";
  EXPECT_TRUE(absl::IsUnavailable(Open(dir_ + "/no/such/folder/journal").status()));
}

TEST_F(FilesTest, ANewerVersionAndAChangedSchemaAreRefused) {
  ASSERT_TRUE(Open(path_).ok());
  std::filesystem::copy(path_, dir_ + "/changed");
  RunSql(path_, "PRAGMA user_version = 2");
  const absl::Status newer = Open(path_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(newer)) << newer;
  EXPECT_NE(newer.message().find("newer version"), std::string_view::npos) << newer;
  RunSql(dir_ + "/changed", "ALTER TABLE entries ADD COLUMN more");
  EXPECT_TRUE(absl::IsDataLoss(Open(dir_ + "/changed").status()));
}

TEST_F(FilesTest, AnIncompleteSetOfRowsIsNoticed) {
  {
    auto journal = Open(path_);
    ASSERT_TRUE((*journal)->Open("s", kFence).ok());
    ASSERT_TRUE((*journal)->Open("t", kFence).ok());
    ASSERT_TRUE(WriteBlobNow(**journal, "s", kFence, "b", 1, "", "blob").ok());
  }
  for (const char* sql : {"DELETE FROM sessions WHERE name = x'74'", "DELETE FROM blobs",
                          "DELETE FROM meta", "UPDATE sessions SET epoch = 0"}) {
    const std::string copy = dir_ + "/copy";
    std::filesystem::copy(path_, copy, std::filesystem::copy_options::overwrite_existing);
    RunSql(copy, sql);
    EXPECT_TRUE(absl::IsDataLoss(Open(copy).status())) << sql;
  }
}

TEST_F(FilesTest, ABackupOfALiveJournalIsWholeAndExisting) {
  auto journal = Open(path_);
  ASSERT_TRUE((*journal)->Open("s", kFence).ok());
  Answers answers;
  for (uint64_t n = 1; n <= 2000; ++n) {
    (*journal)->Append("s", kFence, {{n, "", std::string(700, 'a')}}, answers.Next());
    if (n == 1000) {
      ASSERT_TRUE(answers.Wait().ok());
    }
  }
  const absl::Status status = (*journal)->BackupTo(dir_ + "/backup");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(absl::IsAlreadyExists((*journal)->BackupTo(dir_ + "/backup")));
  EXPECT_TRUE(absl::IsUnavailable((*journal)->BackupTo(dir_ + "/no/such/folder/backup")));
  ASSERT_TRUE(answers.Wait().ok());
  auto copy = Open(dir_ + "/backup");
  ASSERT_TRUE(copy.ok()) << copy.status();
  const auto entries = ReadAll(**copy, "s");
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_GE(entries->size(), 1000u);
  EXPECT_EQ((*copy)->Last("s")->last_number, entries->size());
}

// The proof that an erase is one. Many people in many sessions, so that pages split and rows move;
// then one person after another is erased, and no byte of what was stored for them is found.
TEST_F(FilesTest, EraseLeavesNoByteInAnyFileAndMakesTheBackupUnreadable) {
  auto journal = Open(path_);
  auto keys = OpenKeys(path_ + "-keys");
  ASSERT_TRUE(journal.ok() && keys.ok());
  Sealer sealer(**keys, random_);
  struct Stored {
    SessionId session;
    Subject subject;
    uint64_t number;
    std::string plaintext, sealed;
  };
  std::vector<Stored> stored;
  SeededRandom seeded(1);
  std::vector<Subject> people;
  for (int i = 0; i < 6; ++i) people.push_back(random_.Bytes(kSubjectBytes));
  constexpr int kSessions = 8;
  std::vector<uint64_t> last(kSessions, 0);
  for (int s = 0; s < kSessions; ++s) {
    ASSERT_TRUE((*journal)->Open("s" + std::to_string(s), kFence).ok());
    ASSERT_TRUE(sealer.OpenSession("s" + std::to_string(s), 1).ok());
  }
  Answers answers;
  for (int i = 0; i < 1500; ++i) {
    const size_t s = seeded.Below(kSessions);
    Stored one{"s" + std::to_string(s), people[seeded.Below(people.size())], ++last[s],
               "planted-" + std::to_string(i) + "-" + random_.Bytes(24), ""};
    // Some reach into overflow pages.
    if (seeded.Below(50) == 0) one.plaintext += random_.Bytes(6000);
    const auto sealed = sealer.Seal(one.session, one.subject, 1, one.number, one.plaintext);
    ASSERT_TRUE(sealed.ok()) << sealed.status();
    one.sealed = *sealed;
    (*journal)->Append(one.session, kFence, {{one.number, one.subject, one.sealed}},
                       answers.Next());
    stored.push_back(std::move(one));
    if (i % 40 == 0) {
      ASSERT_TRUE(answers.Wait().ok());
    }
    // Trims move the neighbours about.
    if (i % 250 == 249) {
      (*journal)->Trim("s7", kFence, last[7], answers.Next());
      std::erase_if(stored, [](const Stored& each) { return each.session == "s7"; });
    }
  }
  for (int s = 0; s < kSessions - 1; ++s) {
    Stored blob{"s" + std::to_string(s), people[0], 0, "planted blob " + random_.Bytes(20), ""};
    blob.sealed = *sealer.SealBlob(blob.session, people[0], "state", 1, blob.plaintext);
    (*journal)->WriteBlob(blob.session, kFence, "state", 1, people[0], blob.sealed, answers.Next());
    stored.push_back(std::move(blob));
  }
  ASSERT_TRUE(answers.Wait().ok());

  // A needle from the middle of what was written: whole values may be split over pages.
  const auto found = [](const std::string& haystack, const std::string& value) {
    return memmem(haystack.data(), haystack.size(), value.data() + 4, 20) != nullptr;
  };
  const auto live_files = [&] {
    return FileBytes(path_) + FileBytes(path_ + "-wal") + FileBytes(path_ + "-keys") +
           FileBytes(path_ + "-keys-journal");
  };
  const std::string before = live_files();
  for (const Stored& each : stored) {
    ASSERT_TRUE(found(before, each.sealed)) << "the search must be able to find something";
    ASSERT_FALSE(found(before, each.plaintext)) << "sealed from the first moment";
  }
  ASSERT_TRUE((*journal)->BackupTo(dir_ + "/backup").ok());
  const std::string backup = FileBytes(dir_ + "/backup");

  for (size_t p = 0; p < 3; ++p) {
    for (int s = 0; s < kSessions; ++s) {
      const SessionId session = "s" + std::to_string(s);
      ASSERT_TRUE((*keys)->Destroy(session, people[p]).ok());
      ASSERT_TRUE(EraseNow(**journal, session, kFence, people[p]).ok());
    }
    const std::string after = live_files();
    for (const Stored& each : stored) {
      const bool erased = std::find(people.begin(), people.begin() + static_cast<int64_t>(p) + 1,
                                    each.subject) != people.begin() + static_cast<int64_t>(p) + 1;
      ASSERT_EQ(found(after, each.sealed), !erased) << each.session << " " << each.number;
      ASSERT_FALSE(found(after, each.plaintext));
    }
  }
  // Whole sessions, likewise; what was trimmed is cleaned by the way.
  for (const SessionId session : {"s0", "s1"}) {
    (*journal)->DeleteSession(session, kFence, answers.Next());
  }
  ASSERT_TRUE(answers.Wait().ok());
  const std::string after = live_files();
  for (const Stored& each : stored) {
    if (each.session == "s0" || each.session == "s1") {
      ASSERT_FALSE(found(after, each.sealed));
    }
  }

  // Who stayed is still there.
  for (int s = 2; s < kSessions; ++s) {
    const SessionId session = "s" + std::to_string(s);
    const auto entries = ReadAll(**journal, session);
    ASSERT_TRUE(entries.ok()) << entries.status();
    for (const Entry& entry : *entries) {
      const bool gone =
          std::find(people.begin(), people.begin() + 3, entry.subject) != people.begin() + 3;
      ASSERT_EQ(entry.erased, gone);
      if (gone) continue;
      ASSERT_TRUE(
          sealer.Unseal(session, entry.subject, entry.epoch, entry.number, entry.payload).ok());
    }
  }

  // The backup has the ciphertext, no key, and nobody can read it any more.
  ASSERT_FALSE(found(backup, stored.front().plaintext));
  auto copy = Open(dir_ + "/backup");
  ASSERT_TRUE(copy.ok()) << copy.status();
  int unreadable = 0;
  for (const SessionId session : {"s0", "s2"}) {
    const auto entries = ReadAll(**copy, session);
    ASSERT_TRUE(entries.ok()) << entries.status();
    for (const Entry& entry : *entries) {
      if (entry.subject != people[0]) continue;
      ASSERT_FALSE(entry.payload.empty());
      const absl::Status status =
          sealer.Unseal(session, entry.subject, entry.epoch, entry.number, entry.payload).status();
      ASSERT_TRUE(IsErased(status)) << status;
      ++unreadable;
    }
  }
  EXPECT_GT(unreadable, 20);
}

TEST_F(FilesTest, NoWrappedKeyIsInTheJournalOrItsBackup) {
  class Recorder final : public RandomSource {
   public:
    std::string Bytes(size_t count) override {
      given.push_back(random_.Bytes(count));
      return given.back();
    }
    std::vector<std::string> given;

   private:
    SystemRandom random_;
  } recorder;
  auto journal = Open(path_);
  auto keys = OpenSqliteKeyStore(path_ + "-keys", {{{"k", std::string(32, 'K')}}, &recorder, ""});
  ASSERT_TRUE(journal.ok() && keys.ok());
  Sealer sealer(**keys, random_);
  ASSERT_TRUE((*journal)->Open("s", kFence).ok());
  ASSERT_TRUE(sealer.OpenSession("s", 1).ok());
  for (uint64_t n = 1; n <= 20; ++n) {
    const Subject subject = random_.Bytes(kSubjectBytes);
    ASSERT_TRUE(
        AppendNow(**journal, "s", kFence, {{n, subject, *sealer.Seal("s", subject, 1, n, "beats")}})
            .ok());
  }
  ASSERT_TRUE((*journal)->BackupTo(dir_ + "/backup").ok());
  const std::string journal_files =
      FileBytes(path_) + FileBytes(path_ + "-wal") + FileBytes(dir_ + "/backup");
  const std::string key_file = FileBytes(path_ + "-keys");
  ASSERT_EQ(recorder.given.size(), 41u) << "a key and a wrapping nonce each, and one proof";
  for (const std::string& secret : recorder.given) {
    EXPECT_EQ(journal_files.find(secret), std::string::npos);
    // 12 bytes: the nonce of a wrapped key, which marks where it lies.
    EXPECT_EQ(key_file.find(secret) != std::string::npos, secret.size() == 12);
  }
}

}  // namespace
}  // namespace attune::journal
