#include "services/journal/redis_keystore.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "services/journal/keystore_conformance.h"
#include "services/journal/redis_journal_testing.h"

namespace attune::journal {
namespace {

using redis::testing::Server;

// One node's view of the keys.
class KeyNode {
 public:
  KeyNode(const std::string& address, std::vector<KeyEncryptionKey> keys, RandomSource& random) {
    redis::ClientOptions client;
    client.addresses = {address};
    client.scripts = KeyStoreScripts();
    client_ = redis::Client::Start(std::move(client), clock_, system_random_, nullptr);
    RedisKeyStoreOptions options;
    options.keys = std::move(keys);
    options.random = &random;
    options.clock = &clock_;
    options.look_every_us = 50'000;
    auto store = OpenRedisKeyStore(*client_, std::move(options));
    status = store.status();
    if (store.ok()) store_ = std::move(*store);
  }
  KeyStore* operator->() { return store_.get(); }
  KeyStore& operator*() { return *store_; }
  absl::Status status;

 private:
  SystemClock clock_;
  SystemRandom system_random_;
  std::unique_ptr<redis::Client> client_;
  std::unique_ptr<KeyStore> store_;
};

std::string BytesOfFiles(const std::string& folder) {
  std::string bytes;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(in), {});
  }
  return bytes;
}

class RedisKeysUnderTest final : public KeyStoreUnderTest {
 public:
  absl::Status Reopen(std::vector<KeyEncryptionKey> keys, RandomSource& random) override {
    node_.reset();
    node_ = std::make_unique<KeyNode>(server_.address(), std::move(keys), random);
    return node_->status;
  }
  KeyStore& store() override { return **node_; }
  std::string Files() override { return BytesOfFiles(server_.folder()); }

 private:
  Server server_;
  std::unique_ptr<KeyNode> node_;
};

INSTANTIATE_TEST_SUITE_P(Redis, KeyStoreConformance,
                         testing::Values(KeyStoreParam{
                             "redis", [] { return std::make_unique<RedisKeysUnderTest>(); }}),
                         [](const auto& info) { return info.param.name; });

class RedisKeyStoreTest : public testing::Test {
 protected:
  std::string Key(KeyNode& node, const std::string& subject) {
    const auto key = node->GetOrCreate("s", subject);
    EXPECT_TRUE(key.ok()) << key.status();
    return key.ok() ? std::string((*key)->bytes.begin(), (*key)->bytes.end()) : "";
  }
  const std::vector<KeyEncryptionKey> keks_ = {{"2026", std::string(32, 'K')}};
  SystemRandom random_;
  Server server_;
};

TEST_F(RedisKeyStoreTest, AnEmptiedServerGetsKeysTombstonesAndEpochsBack) {
  KeyNode node(server_.address(), keks_, random_);
  ASSERT_TRUE(node->RaiseEpoch("s", 7).ok());
  const std::string anna = Key(node, "anna");
  Key(node, "bert");
  ASSERT_TRUE(node->Destroy("s", "bert").ok());
  server_.StartEmpty();
  // By itself, so that another node finds it.
  KeyNode other(server_.address(), keks_, random_);
  ASSERT_TRUE(Eventually([&] { return other->LastEpoch("s").value_or(0) == 7; }));
  EXPECT_EQ(Key(other, "anna"), anna);
  EXPECT_TRUE(IsErased(other->GetOrCreate("s", "bert").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(other->RaiseEpoch("s", 7)));
}

TEST_F(RedisKeyStoreTest, TheErasedStayErasedWhoeverPutsBack) {
  KeyNode old(server_.address(), keks_, random_);
  ASSERT_TRUE(old->RaiseEpoch("s", 7).ok());
  Key(old, "anna");
  // The session goes to another node without a word, and that one erases her.
  KeyNode now(server_.address(), keks_, random_);
  ASSERT_TRUE(now->RaiseEpoch("s", 8).ok());
  ASSERT_TRUE(now->Destroy("s", "anna").ok());
  for (int i = 0; i < 2; ++i) {
    server_.StartEmpty();
    KeyNode reader(server_.address(), keks_, random_);
    ASSERT_TRUE(Eventually([&] { return reader->LastEpoch("s").value_or(0) == 8; }));
    EXPECT_TRUE(Eventually([&] { return IsErased(reader->Get("s", "anna").status()); }));
    EXPECT_TRUE(IsErased(reader->GetOrCreate("s", "anna").status()));
  }
}

TEST_F(RedisKeyStoreTest, WhatIsForgottenIsNotPutBack) {
  KeyNode node(server_.address(), keks_, random_);
  ASSERT_TRUE(node->RaiseEpoch("s", 7).ok());
  ASSERT_TRUE(node->RaiseEpoch("t", 7).ok());
  node->Forget("s");
  server_.StartEmpty();
  KeyNode other(server_.address(), keks_, random_);
  ASSERT_TRUE(Eventually([&] { return other->LastEpoch("t").value_or(0) == 7; }));
  EXPECT_EQ(other->LastEpoch("s").value_or(99), 0u);
}

TEST_F(RedisKeyStoreTest, WithoutAServerItIsUnavailableAndGoesOnLater) {
  KeyNode node(server_.address(), keks_, random_);
  const std::string anna = Key(node, "anna");
  server_.Kill9();
  EXPECT_TRUE(absl::IsUnavailable(node->GetOrCreate("s", "bert").status()));
  EXPECT_EQ(Key(node, "anna"), anna) << "from memory";
  server_.Start();
  EXPECT_TRUE(Eventually([&] { return node->GetOrCreate("s", "bert").ok(); }));
}

// Journal and keys: nothing of an erased person is left in any file of the server, with an
// append-only file and with snapshots.
TEST(RedisFiles, NothingOfTheErasedIsLeftInTheServersFiles) {
  Server server({"--save", "3600 1", "--rdbcompression", "no"});
  RedisNode node(server.address());
  const Fence fence{1, "nonce"};
  const Subject anna = SubjectNamed("anna");
  const Subject bert = SubjectNamed("bert");
  const auto text = [](const char* who, uint64_t n) {
    return std::string("payload of ") + who + " number " + std::to_string(n) + ";";
  };
  const auto count = [&](const char* who) {
    const std::string bytes = BytesOfFiles(server.folder());
    int found = 0;
    for (uint64_t n = 1; n <= 200; ++n) found += bytes.find(text(who, n)) != std::string::npos;
    return found + (bytes.find(std::string("blob of ") + who) != std::string::npos ? 1 : 0);
  };
  for (const SessionId session : {"s", "gone"}) {
    ASSERT_TRUE(node->Open(session, fence).ok());
    for (uint64_t n = 1; n <= 200; ++n) {
      const char* who = session == "gone" ? "gone" : n % 2 == 0 ? "anna" : "bert";
      node->Append(session, fence, {{n, n % 2 == 0 ? anna : bert, text(who, n)}},
                   [](const absl::Status&) {});
    }
  }
  ASSERT_TRUE(WriteBlobNow(*node, "s", fence, "hers", 1, anna, "blob of anna").ok());
  ASSERT_TRUE(node.client().CallAndWait({"BGSAVE"}).ok());
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(server.folder() + "/dump.rdb"); }));
  ASSERT_EQ(count("anna"), 101);
  ASSERT_EQ(count("bert"), 100);
  ASSERT_EQ(count("gone"), 200);
  ASSERT_TRUE(EraseNow(*node, "s", fence, anna).ok());
  EXPECT_EQ(count("anna"), 0);
  EXPECT_EQ(count("bert"), 100);
  Answers answers;
  node->DeleteSession("gone", fence, answers.Next());
  ASSERT_TRUE(answers.Wait().ok());
  EXPECT_EQ(count("gone"), 0);
  EXPECT_EQ(count("bert"), 100);
  const auto entries = ReadAll(*node, "s");
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_EQ(entries->size(), 200u);
}

}  // namespace
}  // namespace attune::journal
