#include "services/journal/sqlite_keystore.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "services/journal/keystore_conformance.h"

namespace attune::journal {
namespace {

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class KeyStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "/keys-" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove(path_);
    Reopen();
  }
  absl::StatusOr<std::unique_ptr<KeyStore>> Open(std::vector<KeyEncryptionKey> keys) {
    return OpenSqliteKeyStore(path_, {std::move(keys), &random_, ""});
  }
  void Reopen() {
    store_.reset();
    auto store = Open({kek_});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
  }
  std::string Key(const std::string& session, const std::string& subject) {
    const auto key = store_->GetOrCreate(session, subject);
    EXPECT_TRUE(key.ok()) << key.status();
    return std::string((*key)->bytes.begin(), (*key)->bytes.end());
  }

  const KeyEncryptionKey kek_{"2026", std::string(32, 'K')};
  std::string path_;
  RecordingRandom random_{3};
  std::unique_ptr<KeyStore> store_;
};

TEST_F(KeyStoreTest, AKeyIsMadeOnceAndSurvivesAReopen) {
  const std::string anna = Key("s", "anna");
  EXPECT_EQ(Key("s", "anna"), anna);
  EXPECT_NE(Key("s", "bert"), anna);
  EXPECT_NE(Key("t", "anna"), anna);
  EXPECT_EQ(FileBytes(path_).find(anna), std::string::npos) << "stored wrapped only";
  Reopen();
  EXPECT_EQ(Key("s", "anna"), anna);
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// Many keys, so that pages split and move, then destruction: no wrapped form may be found.
TEST_F(KeyStoreTest, NothingOfADestroyedKeyStaysInTheFile) {
  std::set<std::string> subjects;
  SeededRandom ids(1);
  for (int i = 0; i < 400; ++i) subjects.insert(ids.Bytes(16));
  for (const std::string& subject : subjects) Key("s", subject);
  // Wrapping nonces are what marks a wrapped key in the file.
  const std::vector<std::string> nonces = random_.given(12);
  const auto count = [&] {
    const std::string file = FileBytes(path_) + FileBytes(path_ + "-journal");
    size_t found = 0;
    for (const std::string& nonce : nonces) found += file.find(nonce) != std::string::npos;
    return found;
  };
  ASSERT_EQ(nonces.size(), subjects.size() + 1) << "one proof of the key-encryption key";
  ASSERT_EQ(count(), nonces.size());
  size_t destroyed = 0;
  for (const std::string& subject : subjects) {
    ASSERT_TRUE(store_->Destroy("s", subject).ok());
    if (++destroyed == 100) break;
  }
  EXPECT_EQ(count(), nonces.size() - 100);
  ASSERT_TRUE(store_->DestroySession("s").ok());
  EXPECT_EQ(count(), 1u) << "the proof only";
}

TEST_F(KeyStoreTest, ASecondOpenerIsRefusedInClearWords) {
  const absl::Status second = Open({kek_}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  EXPECT_NE(second.message().find("another process"), std::string_view::npos) << second;
}

TEST_F(KeyStoreTest, DamageIsReportedAndNeverMakesANewKey) {
  std::string anna = Key("s", "anna");
  ASSERT_TRUE(store_->Destroy("s", "bert").ok());
  ASSERT_TRUE(store_->RaiseEpoch("s", 9).ok());
  store_.reset();
  const std::string good = FileBytes(path_);
  SeededRandom random(17);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string bad = good;
    const uint64_t bit = random.Below(bad.size() * 8);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    std::ofstream(path_, std::ios::binary) << bad;
    auto store = Open({kek_});
    if (!store.ok()) {
      ++refused;
      continue;
    }
    const auto key = (*store)->GetOrCreate("s", "anna");
    if (key.ok()) {
      EXPECT_EQ(std::string((*key)->bytes.begin(), (*key)->bytes.end()), anna) << bit;
    }
    EXPECT_FALSE((*store)->GetOrCreate("s", "bert").ok()) << bit;
    const auto epoch = (*store)->LastEpoch("s");
    if (epoch.ok()) {
      EXPECT_EQ(*epoch, 9u) << bit;
    }
  }
  EXPECT_GT(refused, 0);
}

class SqliteKeysUnderTest final : public KeyStoreUnderTest {
 public:
  SqliteKeysUnderTest() { std::filesystem::remove(path_); }
  absl::Status Reopen(std::vector<KeyEncryptionKey> keys, RandomSource& random) override {
    store_.reset();
    auto store = OpenSqliteKeyStore(path_, {std::move(keys), &random, ""});
    if (store.ok()) store_ = std::move(*store);
    return store.status();
  }
  KeyStore& store() override { return *store_; }
  std::string Files() override { return FileBytes(path_) + FileBytes(path_ + "-journal"); }

 private:
  const std::string path_ = testing::TempDir() + "/keys-conformance";
  std::unique_ptr<KeyStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, KeyStoreConformance,
                         testing::Values(KeyStoreParam{
                             "sqlite", [] { return std::make_unique<SqliteKeysUnderTest>(); }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace attune::journal
