// Real processes on one real file: a writer that is killed with SIGKILL loses nothing it has been
// told is stored, and a second process is kept out while the first one lives.
//
// The test runs itself again with --writer as the process that will be killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/journal/journal_testing.h"
#include "services/journal/sqlite_journal.h"

namespace attune::journal {
namespace {

constexpr int kSessions = 5;

std::string PayloadOf(const SessionId& session, uint64_t number) {
  return session + " entry " + std::to_string(number) + std::string(number % 300, '.');
}

absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& path, Tier tier) {
  static const SystemClock clock;
  SqliteOptions options;
  options.tier = tier;
  options.clock = &clock;
  return OpenSqliteJournal(path, std::move(options));
}

SessionId SessionOf(int index) { return "s" + std::to_string(index); }

// Appends for ever; each acknowledgement is a line "session number" on standard output.
int WriteUntilKilled(const std::string& path, Tier tier, uint64_t epoch) {
  auto journal = Open(path, tier);
  if (!journal.ok()) {
    std::cerr << journal.status() << std::endl;
    return 3;
  }
  const Fence fence{epoch, "nonce"};
  std::vector<uint64_t> next(kSessions);
  for (int s = 0; s < kSessions; ++s) {
    if (!(*journal)->Open(SessionOf(s), fence).ok()) return 4;
    next[s] = (*journal)->Last(SessionOf(s))->last_number + 1;
  }
  while (true) {
    for (int s = 0; s < kSessions; ++s) {
      const uint64_t number = next[s]++;
      (*journal)->Append(SessionOf(s), fence, {{number, "", PayloadOf(SessionOf(s), number)}},
                         [s, number](const absl::Status& status) {
                           if (!status.ok()) _exit(5);
                           const std::string line =
                               std::to_string(s) + " " + std::to_string(number) + "\n";
                           if (write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(6);
                         });
    }
    while ((*journal)->GetHealth().queued_entries > 50) usleep(100);
  }
}

class Writer {
 public:
  Writer(const std::string& path, Tier tier, uint64_t epoch) {
    std::array<int, 2> ends;
    if (pipe(ends.data()) != 0) std::abort();
    const std::string tier_name(TierName(tier));
    const std::string epoch_text = std::to_string(epoch);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execl("/proc/self/exe", "sqlite_kill_test", "--writer", path.c_str(), tier_name.c_str(),
            epoch_text.c_str(), nullptr);
      _exit(2);
    }
    close(ends[1]);
    acks_ = fdopen(ends[0], "r");
  }
  ~Writer() {
    if (pid_ > 0) Kill();
    fclose(acks_);
  }

  // Reads `count` acknowledgements; false: the writer ended.
  bool Await(int count, std::vector<uint64_t>& acknowledged) {
    int s = 0;
    unsigned long long number = 0;
    for (int i = 0; i < count; ++i) {
      if (fscanf(acks_, "%d %llu\n", &s, &number) != 2) return false;
      acknowledged[static_cast<size_t>(s)] = number;
    }
    return true;
  }
  void Kill() {
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_;
  FILE* acks_;
};

class KillTest : public testing::TestWithParam<Tier> {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "/kill-" + std::string(TierName(GetParam()));
    for (const char* suffix : {"", "-wal"}) std::filesystem::remove(path_ + suffix);
  }
  std::string path_;
};

TEST_P(KillTest, NothingAcknowledgedIsLost) {
  SeededRandom random(1);
  std::vector<uint64_t> acknowledged(kSessions, 0);
  for (uint64_t epoch = 1; epoch <= 8; ++epoch) {
    SCOPED_TRACE(epoch);
    {
      Writer writer(path_, GetParam(), epoch);
      ASSERT_TRUE(writer.Await(static_cast<int>(100 + random.Below(3000)), acknowledged));
      usleep(static_cast<useconds_t>(random.Below(3000)));
      writer.Kill();
      // What it still managed to say counts, too.
      writer.Await(1 << 30, acknowledged);
    }
    auto journal = Open(path_, GetParam());
    ASSERT_TRUE(journal.ok()) << journal.status();
    for (int s = 0; s < kSessions; ++s) {
      const auto entries = ReadAll(**journal, SessionOf(s));
      ASSERT_TRUE(entries.ok()) << entries.status();
      EXPECT_GE(entries->size(), acknowledged[static_cast<size_t>(s)]);
      for (const Entry& entry : *entries) {
        ASSERT_EQ(entry.payload, PayloadOf(SessionOf(s), entry.number));
      }
    }
  }
  EXPECT_GT(acknowledged[0], 100u);
}

TEST_P(KillTest, ASecondProcessIsKeptOutWhileTheFirstLives) {
  std::vector<uint64_t> acknowledged(kSessions, 0);
  Writer writer(path_, GetParam(), 1);
  ASSERT_TRUE(writer.Await(50, acknowledged));
  const absl::Status refused = Open(path_, GetParam()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_NE(refused.message().find("another process"), std::string_view::npos) << refused;
  EXPECT_TRUE(writer.Await(500, acknowledged)) << "the first one is not disturbed";
  writer.Kill();
  EXPECT_TRUE(Open(path_, GetParam()).ok());
}

INSTANTIATE_TEST_SUITE_P(Sqlite, KillTest, testing::Values(Tier::kProcess, Tier::kFsync),
                         [](const testing::TestParamInfo<Tier>& info) {
                           return std::string(TierName(info.param));
                         });

}  // namespace
}  // namespace attune::journal

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--writer") {
    return attune::journal::WriteUntilKilled(argv[2], *attune::journal::ParseTier(argv[3]),
                                             std::strtoull(argv[4], nullptr, 10));
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
