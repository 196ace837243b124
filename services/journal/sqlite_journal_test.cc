#include "services/journal/sqlite_journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "services/journal/conformance.h"
#include "services/journal/fault_vfs.h"

namespace attune::journal {
namespace {

constexpr char kPath[] = "journal";

// On a disk in memory, so that a process can be "killed" within one test and the power can fail.
class SqliteUnderTest final : public ConformanceStore {
 public:
  explicit SqliteUnderTest(Tier tier) : tier_(tier), disk_(NextName(), 1) { Open(); }
  Journal& journal() override { return *journal_; }
  void KillAndReopen() override {
    disk_.Stop();
    journal_.reset();
    tier_ == Tier::kFsync ? disk_.RestartAfterPowerCut() : disk_.RestartAfterKill();
    Open();
  }

 private:
  static std::string NextName() {
    static std::atomic<int> count = 0;
    return "conformance" + std::to_string(++count);
  }
  void Open() {
    SqliteOptions options;
    options.tier = tier_;
    options.clock = &clock_;
    options.vfs_name = disk_.vfs_name();
    auto journal = OpenSqliteJournal(kPath, std::move(options));
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = std::move(*journal);
  }
  const Tier tier_;
  SystemClock clock_;
  FaultDisk disk_;
  std::unique_ptr<Journal> journal_;
};

std::string ParamName(const testing::TestParamInfo<ConformanceParam>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Sqlite, JournalConformance,
    testing::Values(
        ConformanceParam{"process",
                         [] { return std::make_unique<SqliteUnderTest>(Tier::kProcess); }},
        ConformanceParam{"fsync", [] { return std::make_unique<SqliteUnderTest>(Tier::kFsync); }}),
    ParamName);

TEST(Tier, NamesComeBack) {
  for (const Tier tier : {Tier::kProcess, Tier::kFsync, Tier::kRedis, Tier::kRedisWait}) {
    EXPECT_EQ(*ParseTier(TierName(tier)), tier);
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParseTier("everysec").status()));
}

}  // namespace
}  // namespace attune::journal
