#include "services/journal/sealer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "services/journal/aead.h"

namespace attune::journal {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
  }
  return hex;
}

std::span<const unsigned char> Span(const std::string& bytes) {
  return {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()};
}

// Test cases 14 and (tag only) 13 of McGrew & Viega, "The Galois/Counter Mode of Operation".
TEST(Aead, GcmAgreesWithThePublishedVectors) {
  const std::string key(32, '\0');
  const std::string nonce(12, '\0');
  EXPECT_EQ(Hex(*GcmEncrypt(Span(key), nonce, "", "")), "530f8afbc74536b9a963b4f1c4cb738b");
  EXPECT_EQ(Hex(*GcmEncrypt(Span(key), nonce, "", std::string(16, '\0'))),
            "cea7403d4d606b6e074ec5d3baf39d18"
            "d0d1c8a799996bf0265b98b5d48ab919");
}

// RFC 5869, A.3: no salt, no info.
TEST(Aead, HkdfAgreesWithTheRfc) {
  const std::string key(22, '\x0b');
  std::array<unsigned char, 42> out;
  ASSERT_TRUE(HkdfSha256(Span(key), "", out).ok());
  EXPECT_EQ(Hex({reinterpret_cast<const char*>(out.data()), out.size()}),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8");
}

class MemoryKeyStore final : public KeyStore {
 public:
  absl::StatusOr<std::shared_ptr<const DataKey>> GetOrCreate(const std::string& session,
                                                             const std::string& subject) override {
    if (!keys_.contains({session, subject})) {
      auto key = std::make_shared<DataKey>();
      const std::string bytes = random_.Bytes(kKeyBytes);
      std::copy(bytes.begin(), bytes.end(), key->bytes.begin());
      keys_[{session, subject}] = key;
    }
    return Get(session, subject);
  }
  absl::StatusOr<std::shared_ptr<const DataKey>> Get(const std::string& session,
                                                     const std::string& subject) override {
    const auto found = keys_.find({session, subject});
    if (found == keys_.end()) return absl::DataLossError("no key");
    if (found->second == nullptr) return absl::NotFoundError("erased");
    return found->second;
  }
  absl::Status Destroy(const std::string& session, const std::string& subject) override {
    keys_[{session, subject}] = nullptr;
    return absl::OkStatus();
  }
  absl::Status DestroySession(const std::string&) override { return absl::OkStatus(); }
  absl::StatusOr<uint64_t> LastEpoch(const std::string& session) override {
    return epochs_[session];
  }
  absl::Status RaiseEpoch(const std::string& session, uint64_t epoch) override {
    if (epoch <= epochs_[session]) return absl::FailedPreconditionError("used");
    epochs_[session] = epoch;
    return absl::OkStatus();
  }
  void Forget(const std::string&) override {}

 private:
  SeededRandom random_{5};
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const DataKey>> keys_;
  std::map<std::string, uint64_t> epochs_;
};

class SealerTest : public testing::Test {
 protected:
  SealerTest() { EXPECT_TRUE(sealer_.OpenSession("s", 7).ok()); }
  const std::string anna_ = "anna-16-bytes-id";
  const std::string bert_ = "bert-16-bytes-id";
  SeededRandom random_{9};
  MemoryKeyStore keys_;
  Sealer sealer_{keys_, random_};
};

TEST_F(SealerTest, WhatIsSealedComesBackAndIsHidden) {
  const std::string text = "RR 1024 1001 987";
  const auto sealed = sealer_.Seal("s", anna_, 7, 1, text);
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_EQ(sealed->size(), text.size() + kEntrySealBytes);
  EXPECT_EQ(sealed->find("1024"), std::string::npos);
  EXPECT_EQ(*sealer_.Unseal("s", anna_, 7, 1, *sealed), text);
  const auto empty = sealer_.Seal("s", "", 7, 2, "");
  EXPECT_EQ(*sealer_.Unseal("s", "", 7, 2, *empty), "");
}

TEST_F(SealerTest, NothingCanBeMovedElsewhere) {
  const std::string sealed = *sealer_.Seal("s", anna_, 7, 1, "text");
  ASSERT_TRUE(sealer_.OpenSession("other", 7).ok());
  ASSERT_TRUE(sealer_.Seal("s", bert_, 7, 2, "x").ok());
  ASSERT_TRUE(sealer_.Seal("other", anna_, 7, 1, "x").ok());
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Unseal("s", bert_, 7, 1, sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Unseal("other", anna_, 7, 1, sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Unseal("s", anna_, 8, 1, sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Unseal("s", anna_, 7, 2, sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(
      sealer_.Unseal("s", anna_, uint64_t{7} + (uint64_t{1} << 32), 1, sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(sealer_.UnsealBlob("s", anna_, "b", 1, sealed).status()));
}

TEST_F(SealerTest, ANonceIsNeverUsedTwice) {
  ASSERT_TRUE(sealer_.Seal("s", anna_, 7, 5, "a").ok());
  EXPECT_TRUE(absl::IsOutOfRange(sealer_.Seal("s", anna_, 7, 5, "b").status()));
  EXPECT_TRUE(absl::IsOutOfRange(sealer_.Seal("s", bert_, 7, 4, "b").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(sealer_.Seal("s", anna_, 6, 9, "b").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(sealer_.Seal("s", anna_, 8, 9, "b").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(sealer_.OpenSession("s", 7))) << "an epoch is used once";
  EXPECT_EQ(*sealer_.EpochFloor("s"), 7u);
  ASSERT_TRUE(sealer_.OpenSession("s", 8).ok());
  EXPECT_TRUE(sealer_.Seal("s", anna_, 8, 5, "b").ok()) << "a new epoch may use the number again";
  EXPECT_TRUE(absl::IsInvalidArgument(sealer_.OpenSession("t", uint64_t{1} << 32)));
  EXPECT_TRUE(absl::IsInvalidArgument(sealer_.OpenSession("t", 0)));
  sealer_.CloseSession("s");
  EXPECT_TRUE(absl::IsFailedPrecondition(sealer_.Seal("s", anna_, 8, 6, "b").status()));
}

TEST_F(SealerTest, BlobsHaveTheirOwnDomain) {
  const std::string one = *sealer_.SealBlob("s", anna_, "checkpoint", 3, "state");
  const std::string two = *sealer_.SealBlob("s", anna_, "checkpoint", 3, "state");
  EXPECT_EQ(one.size(), 5 + kBlobSealBytes);
  EXPECT_NE(one, two) << "a fresh nonce each time";
  EXPECT_EQ(*sealer_.UnsealBlob("s", anna_, "checkpoint", 3, one), "state");
  EXPECT_TRUE(absl::IsDataLoss(sealer_.UnsealBlob("s", anna_, "checkpoint", 4, one).status()));
  EXPECT_TRUE(absl::IsDataLoss(sealer_.UnsealBlob("s", anna_, "report", 3, one).status()));
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Unseal("s", anna_, 7, 3, one).status()));
}

TEST_F(SealerTest, ErasedIsToldFromLost) {
  const std::string sealed = *sealer_.Seal("s", anna_, 7, 1, "text");
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Unseal("s", bert_, 7, 1, sealed).status()));
  ASSERT_TRUE(keys_.Destroy("s", anna_).ok());
  const absl::Status erased = sealer_.Unseal("s", anna_, 7, 1, sealed).status();
  EXPECT_TRUE(IsErased(erased)) << erased;
  EXPECT_TRUE(IsErased(sealer_.Seal("s", anna_, 7, 2, "more").status()));
}

// Any input at all: an error, never a crash, never a wrong text.
TEST_F(SealerTest, WithstandsDamagedAndRandomInput) {
  const std::string text = "the beats of a heart";
  const std::string entry = *sealer_.Seal("s", anna_, 7, 1, text);
  const std::string blob = *sealer_.SealBlob("s", anna_, "b", 1, text);
  for (size_t bit = 0; bit < entry.size() * 8; ++bit) {
    std::string bad = entry;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_TRUE(absl::IsDataLoss(sealer_.Unseal("s", anna_, 7, 1, bad).status())) << bit;
  }
  for (size_t bit = 0; bit < blob.size() * 8; ++bit) {
    std::string bad = blob;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_TRUE(absl::IsDataLoss(sealer_.UnsealBlob("s", anna_, "b", 1, bad).status())) << bit;
  }
  for (size_t size = 0; size < blob.size(); ++size) {
    if (size < entry.size()) {
      ASSERT_FALSE(sealer_.Unseal("s", anna_, 7, 1, entry.substr(0, size)).ok());
    }
    ASSERT_FALSE(sealer_.UnsealBlob("s", anna_, "b", 1, blob.substr(0, size)).ok());
  }
  SeededRandom noise(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = noise.Bytes(noise.Below(80));
    if (!bytes.empty() && noise.Below(2) == 0) bytes[0] = static_cast<char>(1 + noise.Below(2));
    ASSERT_FALSE(sealer_.Unseal("s", anna_, noise.Uint64(), noise.Uint64(), bytes).ok());
    ASSERT_FALSE(sealer_.UnsealBlob("s", anna_, "b", noise.Uint64(), bytes).ok());
  }
}

}  // namespace
}  // namespace attune::journal
