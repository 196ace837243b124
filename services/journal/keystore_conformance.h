// What every key store must do, whatever it stores its keys in. A test links :keystore_conformance
// and instantiates the suite, as in conformance.h.
#ifndef ATTUNE_SERVICES_JOURNAL_KEYSTORE_CONFORMANCE_H_
#define ATTUNE_SERVICES_JOURNAL_KEYSTORE_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/journal/keystore.h"

namespace attune::journal {

// Remembers what it gave out, so that a test can look for it on the disk. Thread-safe.
class RecordingRandom final : public RandomSource {
 public:
  explicit RecordingRandom(uint64_t seed) : random_(seed) {}
  std::string Bytes(size_t count) override;
  // Of this length.
  std::vector<std::string> given(size_t count);

 private:
  Mutex mu_;
  SeededRandom random_ ATTUNE_GUARDED_BY(mu_);
  std::vector<std::string> given_ ATTUNE_GUARDED_BY(mu_);
};

// An empty store.
class KeyStoreUnderTest {
 public:
  virtual ~KeyStoreUnderTest() = default;
  // Closes the store if it is open, and opens it with these keys.
  virtual absl::Status Reopen(std::vector<KeyEncryptionKey> keys, RandomSource& random) = 0;
  virtual KeyStore& store() = 0;
  // All bytes of all its files.
  virtual std::string Files() = 0;
};

struct KeyStoreParam {
  std::string name;
  std::function<std::unique_ptr<KeyStoreUnderTest>()> make;
};

class KeyStoreConformance : public testing::TestWithParam<KeyStoreParam> {
 protected:
  void SetUp() override {
    under_test_ = GetParam().make();
    Reopen();
  }
  void Reopen() {
    const absl::Status opened = under_test_->Reopen({kek_}, random_);
    ASSERT_TRUE(opened.ok()) << opened;
  }
  KeyStore& store() { return under_test_->store(); }
  std::string Key(const std::string& session, const std::string& subject);

  const KeyEncryptionKey kek_{"2026", std::string(32, 'K')};
  RecordingRandom random_{3};
  std::unique_ptr<KeyStoreUnderTest> under_test_;
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_KEYSTORE_CONFORMANCE_H_
