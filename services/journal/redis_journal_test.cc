#include "services/journal/redis_journal.h"

#include <memory>
#include <string>
#include <utility>

#include "services/journal/conformance.h"
#include "services/journal/redis_journal_testing.h"

namespace attune::journal {
namespace {

// The process dies; Redis lives on.
class RedisUnderTest final : public ConformanceStore {
 public:
  RedisUnderTest() { Begin(); }
  Journal& journal() override { return **node_; }
  void KillAndReopen() override { Begin(); }

 private:
  void Begin() {
    node_.reset();
    RedisJournalOptions options;
    options.append_linger_us = 50'000;
    node_ = std::make_unique<RedisNode>(server_.address(), std::move(options));
  }
  redis::testing::Server server_;
  std::unique_ptr<RedisNode> node_;
};

// The process and the primary of Redis die, and a replica takes over: everything answered is there.
class RedisWaitUnderTest final : public ConformanceStore {
 public:
  RedisWaitUnderTest() : primary_(Start()) { Begin(); }
  Journal& journal() override { return **node_; }
  void KillAndReopen() override {
    primary_->Kill9();
    node_.reset();
    primary_ = std::move(replica_);
    Follow(primary_->address(), "");
    Begin();
  }

 private:
  static std::unique_ptr<redis::testing::Server> Start() {
    return std::make_unique<redis::testing::Server>(
        std::vector<std::string>{"--appendonly", "no", "--repl-diskless-sync-delay", "0",
                                 "--repl-ping-replica-period", "1"});
  }
  void Begin() {
    replica_ = Start();
    const std::string& address = primary_->address();
    Follow(replica_->address(), address);
    RedisJournalOptions options;
    options.tier = Tier::kRedisWait;
    options.wait_within_us = 2'000'000;  // a busy machine's replica is late, not missing
    options.append_linger_us = 50'000;
    node_ = std::make_unique<RedisNode>(address, std::move(options));
    // The first write that the replica confirms says that it follows.
    ASSERT_TRUE(Eventually([&] {
      redis::Client& client = node_->client();
      client.CallAndWait({"SET", "follows", "1"}).IgnoreError();
      const auto replicas = client.CallAndWait({"WAIT", "1", "500"});
      return replicas.ok() && replicas->integer == 1;
    }));
  }
  std::unique_ptr<redis::testing::Server> primary_;
  std::unique_ptr<redis::testing::Server> replica_;
  std::unique_ptr<RedisNode> node_;
};

std::string ParamName(const testing::TestParamInfo<ConformanceParam>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Redis, JournalConformance,
    testing::Values(ConformanceParam{"redis", [] { return std::make_unique<RedisUnderTest>(); }},
                    ConformanceParam{"redis_wait",
                                     [] { return std::make_unique<RedisWaitUnderTest>(); }}),
    ParamName);

}  // namespace
}  // namespace attune::journal
