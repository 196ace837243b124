#include "services/journal/keystore_conformance.h"

#include <atomic>
#include <thread>
#include <utility>

namespace attune::journal {

std::string RecordingRandom::Bytes(size_t count) {
  MutexLock lock(mu_);
  given_.push_back(random_.Bytes(count));
  return given_.back();
}

std::vector<std::string> RecordingRandom::given(size_t count) {
  MutexLock lock(mu_);
  std::vector<std::string> found;
  for (const std::string& bytes : given_) {
    if (bytes.size() == count) found.push_back(bytes);
  }
  return found;
}

std::string KeyStoreConformance::Key(const std::string& session, const std::string& subject) {
  const auto key = store().GetOrCreate(session, subject);
  EXPECT_TRUE(key.ok()) << key.status();
  return key.ok() ? std::string((*key)->bytes.begin(), (*key)->bytes.end()) : "";
}

namespace {

TEST_P(KeyStoreConformance, AKeyIsMadeOnceAndSurvivesAReopen) {
  const std::string anna = Key("s", "anna");
  EXPECT_EQ(Key("s", "anna"), anna);
  EXPECT_NE(Key("s", "bert"), anna);
  EXPECT_NE(Key("t", "anna"), anna);
  EXPECT_EQ(under_test_->Files().find(anna), std::string::npos) << "stored wrapped only";
  Reopen();
  EXPECT_EQ(Key("s", "anna"), anna);
}

TEST_P(KeyStoreConformance, AbsentIsToldFromErased) {
  EXPECT_TRUE(absl::IsDataLoss(store().Get("s", "anna").status()));
  Key("s", "anna");
  ASSERT_TRUE(store().Destroy("s", "anna").ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(IsErased(store().Get("s", "anna").status()));
    EXPECT_TRUE(IsErased(store().GetOrCreate("s", "anna").status()));
    Reopen();
  }
  EXPECT_TRUE(store().Destroy("s", "anna").ok()) << "idempotent";
  ASSERT_TRUE(store().Destroy("s", "never seen").ok());
  EXPECT_TRUE(IsErased(store().GetOrCreate("s", "never seen").status()));
}

TEST_P(KeyStoreConformance, ADestroyedSessionStaysDestroyed) {
  Key("s", "anna");
  Key("t", "anna");
  ASSERT_TRUE(store().RaiseEpoch("s", 4).ok());
  ASSERT_TRUE(store().DestroySession("s").ok());
  ASSERT_TRUE(store().Destroy("s", "bert").ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(IsErased(store().GetOrCreate("s", "anna").status()));
    EXPECT_TRUE(IsErased(store().GetOrCreate("s", "bert").status()));
    EXPECT_TRUE(store().Get("t", "anna").ok());
    EXPECT_EQ(*store().LastEpoch("s"), 4u);
    Reopen();
  }
}

TEST_P(KeyStoreConformance, EpochsOnlyRise) {
  EXPECT_EQ(*store().LastEpoch("s"), 0u);
  ASSERT_TRUE(store().RaiseEpoch("s", 3).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(store().RaiseEpoch("s", 3)));
  EXPECT_TRUE(absl::IsFailedPrecondition(store().RaiseEpoch("s", 2)));
  Reopen();
  EXPECT_EQ(*store().LastEpoch("s"), 3u);
  EXPECT_TRUE(absl::IsFailedPrecondition(store().RaiseEpoch("s", 3)));
  EXPECT_TRUE(store().RaiseEpoch("s", 4).ok());
}

TEST_P(KeyStoreConformance, ForgettingChangesNothingStored) {
  ASSERT_TRUE(store().RaiseEpoch("s", 3).ok());
  const std::string anna = Key("s", "anna");
  ASSERT_TRUE(store().Destroy("s", "bert").ok());
  store().Forget("s");
  store().Forget("no such");
  EXPECT_EQ(Key("s", "anna"), anna);
  EXPECT_TRUE(IsErased(store().GetOrCreate("s", "bert").status()));
  EXPECT_EQ(*store().LastEpoch("s"), 3u);
}

TEST_P(KeyStoreConformance, NothingOfADestroyedKeyStaysInTheFiles) {
  for (int i = 0; i < 40; ++i) Key("s", "subject " + std::to_string(i));
  // Wrapping nonces are what marks a wrapped key in the files.
  const std::vector<std::string> nonces = random_.given(12);
  const auto count = [&] {
    const std::string files = under_test_->Files();
    size_t found = 0;
    for (const std::string& nonce : nonces) found += files.find(nonce) != std::string::npos;
    return found;
  };
  ASSERT_EQ(nonces.size(), 41u) << "one proof of the key-encryption key";
  ASSERT_EQ(count(), nonces.size());
  // At once: a store may clean for many.
  std::vector<std::thread> threads;
  std::atomic<int> destroyed = 0;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back(
        [&, i] { destroyed += store().Destroy("s", "subject " + std::to_string(i)).ok(); });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(destroyed, 10);
  EXPECT_EQ(count(), nonces.size() - 10);
  ASSERT_TRUE(store().DestroySession("s").ok());
  EXPECT_EQ(count(), 1u) << "the proof only";
}

TEST_P(KeyStoreConformance, AWrongKeyEncryptionKeyIsRefusedAndARotatedOneWorks) {
  const std::string anna = Key("s", "anna");
  const KeyEncryptionKey next{"2027", std::string(32, 'N')};
  // Refused when it is opened, or when it is used.
  const auto use = [&](const std::vector<KeyEncryptionKey>& keys) {
    const absl::Status opened = under_test_->Reopen(keys, random_);
    return opened.ok() ? store().GetOrCreate("s", "new").status() : opened;
  };
  const absl::Status unknown = use({next});
  EXPECT_TRUE(absl::IsFailedPrecondition(unknown)) << unknown;
  EXPECT_NE(unknown.message().find("2026"), std::string_view::npos) << unknown;
  EXPECT_TRUE(absl::IsFailedPrecondition(use({{"2026", std::string(32, 'X')}})));
  EXPECT_TRUE(absl::IsInvalidArgument(use({})));
  EXPECT_TRUE(absl::IsInvalidArgument(use({{"2026", "short"}})));
  ASSERT_TRUE(use({next, kek_}).ok());
  EXPECT_EQ(Key("s", "anna"), anna);
  EXPECT_NE(Key("s", "bert"), anna);
}

}  // namespace
}  // namespace attune::journal
