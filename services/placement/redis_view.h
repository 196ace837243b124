// For tests: one node's view of the leases, the nodes and the codes in a real Redis.
#ifndef ATTUNE_SERVICES_PLACEMENT_REDIS_VIEW_H_
#define ATTUNE_SERVICES_PLACEMENT_REDIS_VIEW_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/placement/redis_codes.h"
#include "services/placement/redis_directory.h"
#include "services/placement/redis_nodes.h"
#include "services/redis/client.h"

namespace attune::placement {

// Of tests that wait for a lease to end.
inline constexpr int64_t kShortUs = 2'000'000;
// Of all others: no machine is so busy that a lease ends, or a quarantine is over, by itself.
inline constexpr int64_t kLongUs = 120'000'000;
inline constexpr int64_t kMarginUs = 200'000;
// Long enough to connect, and connect again, on a busy machine.
inline constexpr int64_t kAnswerUs = 20'000'000;

inline bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 4000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// The system's clock, which a test may put forward as if that much time had passed.
class ForwardClock final : public Clock {
 public:
  int64_t SteadyMicros() const override { return system_.SteadyMicros() + ahead_us_; }
  int64_t UtcMicros() const override { return system_.UtcMicros() + ahead_us_; }
  void Forward(int64_t by_us) { ahead_us_ += by_us; }

 private:
  SystemClock system_;
  std::atomic<int64_t> ahead_us_{0};
};

// One node's view of the leases.
class View {
 public:
  View(const std::string& redis, const std::string& incarnation, const std::string& address,
       int64_t ttl_us, int64_t answer_within_us = kAnswerUs)
      : View(At(redis, answer_within_us), incarnation, address, ttl_us) {}
  View(redis::ClientOptions options, const std::string& incarnation, const std::string& address,
       int64_t ttl_us, int64_t margin_us = kMarginUs)
      : client_(Start(std::move(options))),
        directory_({address, incarnation, ttl_us, margin_us}, *client_, clock_, random_) {}
  Directory& operator*() { return directory_; }
  RedisDirectory* operator->() { return &directory_; }
  redis::Client& client() { return *client_; }
  RandomSource& random() { return random_; }
  // The directory's own; Redis and the connection do not see what is done to it.
  ForwardClock& clock() { return clock_; }
  // As if the quarantine that follows every new server were over.
  void EndQuarantine() {
    ASSERT_TRUE(Eventually([this] {
      return client_
          ->CallAndWait(
              {"HSET", "attune:server", "run_id", redis::Client::kThisServer, "since_ms", "0"})
          .ok();
    }));
  }

 private:
  static redis::ClientOptions At(const std::string& redis, int64_t answer_within_us) {
    redis::ClientOptions options;
    options.addresses = {redis};
    options.answer_within_us = answer_within_us;
    options.connect_within_us = kAnswerUs;
    return options;
  }
  std::unique_ptr<redis::Client> Start(redis::ClientOptions options) {
    for (const auto& scripts : {DirectoryScripts(), NodesScripts(), CodesScripts()}) {
      options.scripts.insert(options.scripts.end(), scripts.begin(), scripts.end());
    }
    return redis::Client::Start(std::move(options), system_, random_, nullptr);
  }
  SystemClock system_;
  ForwardClock clock_;
  SystemRandom random_;
  std::unique_ptr<redis::Client> client_;
  RedisDirectory directory_;
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_REDIS_VIEW_H_
