// A Redis journal of one process, over a client of its own; for tests.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_JOURNAL_TESTING_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_JOURNAL_TESTING_H_

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/journal/journal_testing.h"
#include "services/journal/redis_journal.h"
#include "services/redis/connection.h"
#include "services/redis/testing/server.h"

namespace attune::journal {

inline bool Eventually(const std::function<bool()>& holds, int64_t within_us = 20'000'000) {
  const SystemClock clock;
  const int64_t until_us = clock.SteadyMicros() + within_us;
  while (!holds()) {
    if (clock.SteadyMicros() > until_us) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// A command for a server that no client takes, such as a replica.
inline redis::Reply CommandTo(const std::string& address, const std::vector<std::string>& command) {
  redis::Reply reply;
  const auto connection = redis::Connection::Begin(address);
  EXPECT_TRUE(connection.ok());
  (*connection)->Send(redis::Encode(command));
  EXPECT_TRUE(Eventually([&] {
    EXPECT_TRUE((*connection)->OnWritable().ok());
    EXPECT_TRUE((*connection)->OnReadable().ok());
    return (*connection)->Next(&reply).value_or(false);
  }));
  return reply;
}

// Makes `replica` follow `primary`, or nobody when that is empty.
inline void Follow(const std::string& replica, const std::string& primary) {
  const size_t colon = primary.rfind(':');
  const redis::Reply reply =
      primary.empty()
          ? CommandTo(replica, {"REPLICAOF", "NO", "ONE"})
          : CommandTo(replica, {"REPLICAOF", primary.substr(0, colon), primary.substr(colon + 1)});
  EXPECT_EQ(reply.text, "OK");
}

// What one node has: clock, client, journal.
class RedisNode {
 public:
  explicit RedisNode(const std::string& address, RedisJournalOptions options = {}) {
    redis::ClientOptions client;
    client.addresses = {address};
    client.scripts = JournalScripts();
    client.answer_within_us = 1'000'000;
    client_ = redis::Client::Start(std::move(client), clock_, random_, nullptr);
    options.clock = &clock_;
    options.retry_pause_us = 50'000;
    options.look_every_us = 50'000;
    auto journal = OpenRedisJournal(*client_, std::move(options));
    EXPECT_TRUE(journal.ok()) << journal.status();
    journal_ = std::move(*journal);
  }
  Journal& operator*() { return *journal_; }
  Journal* operator->() { return journal_.get(); }
  redis::Client& client() { return *client_; }

 private:
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<redis::Client> client_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_JOURNAL_TESTING_H_
