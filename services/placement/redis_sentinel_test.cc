// Two servers and a Sentinel: the primary is switched over, and then killed, while nodes renew
// their leases and another one joins. At no moment has a session two owners that would both act.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "services/base/mutex.h"
#include "services/placement/redis_view.h"
#include "services/redis/testing/sentinel.h"
#include "services/redis/testing/server.h"

namespace attune::placement {
namespace {

using redis::testing::Sentinel;
using redis::testing::Server;

constexpr int kSessions = 60;
constexpr int64_t kTtlUs = 6'000'000, kLeaseMarginUs = 1'000'000;  // as in production
constexpr int64_t kLookEveryUs = 100'000;

// Who would act for a session, by the owners' own clocks (one machine: one steady clock).
class Referee {
 public:
  // `until_us`: the node acts until then; 0: it has stopped.
  void Tell(const std::string& session, const std::string& node, const Lease& lease,
            int64_t until_us, int64_t now_us) {
    MutexLock lock(mu_);
    for (const auto& [other, its] : acting_[session]) {
      if (other != node && its > now_us && until_us > now_us) ++two_owners_;
    }
    acting_[session][node] = until_us;
    uint64_t& highest = epochs_[session];
    if (until_us > 0 && lease.epoch < highest) ++back_;
    highest = std::max(highest, lease.epoch);
  }
  uint64_t Floor(const std::string& session) {
    MutexLock lock(mu_);
    return epochs_[session];
  }
  int two_owners() {
    MutexLock lock(mu_);
    return two_owners_;
  }
  int epochs_that_went_back() {
    MutexLock lock(mu_);
    return back_;
  }
  size_t served(int64_t now_us) {
    MutexLock lock(mu_);
    size_t served = 0;
    for (const auto& [session, nodes] : acting_) {
      served += std::any_of(nodes.begin(), nodes.end(),
                            [now_us](const auto& one) { return one.second > now_us; });
    }
    return served;
  }

 private:
  Mutex mu_;
  std::map<std::string, std::map<std::string, int64_t>> acting_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, uint64_t> epochs_ ATTUNE_GUARDED_BY(mu_);
  int two_owners_ ATTUNE_GUARDED_BY(mu_) = 0;
  int back_ ATTUNE_GUARDED_BY(mu_) = 0;
};

redis::ClientOptions Through(const Sentinel& sentinel) {
  redis::ClientOptions options;
  options.addresses = {sentinel.address()};
  options.sentinel_master = "main";
  return options;
}

// Renews what it has, and takes what nobody has.
class Owner {
 public:
  Owner(const std::string& name, const Sentinel& sentinel, Referee& referee)
      : name_(name),
        view_(Through(sentinel), name + "#1", name + ":1", kTtlUs, kLeaseMarginUs),
        referee_(referee),
        thread_([this] { Run(); }) {}
  ~Owner() {
    stop_ = true;
    thread_.join();
  }

 private:
  void Run() {
    while (!stop_) {
      Renew();
      for (int i = 0; i < kSessions && !stop_; ++i) {
        const std::string session = "s" + std::to_string(i);
        if (held_.contains(session) || i % 3 == static_cast<int>(name_[0] - 'a' + 1) % 3) continue;
        const auto lease = view_->Acquire(session, referee_.Floor(session));
        if (!lease.ok()) break;  // nobody may, or no server: later
        if (!lease->is_mine) continue;
        held_[session] = *lease;
        Tell(*lease, lease->valid_until_steady_us);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(kLookEveryUs));
    }
  }
  void Renew() {
    std::vector<Lease> leases;
    for (const auto& [session, lease] : held_) leases.push_back(lease);
    const auto renewed = view_->RenewAll(leases);
    for (size_t i = 0; i < leases.size(); ++i) {
      if (renewed[i].ok()) {
        held_[leases[i].session] = *renewed[i];
        Tell(*renewed[i], renewed[i]->valid_until_steady_us);
      } else if (absl::IsFailedPrecondition(renewed[i].status())) {
        held_.erase(leases[i].session);
        Tell(leases[i], 0);
      }
    }
  }
  void Tell(const Lease& lease, int64_t until_us) {
    referee_.Tell(lease.session, name_, lease, until_us, view_.clock().SteadyMicros());
  }

  const std::string name_;
  View view_;
  Referee& referee_;
  std::map<std::string, Lease> held_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST(RedisSentinel, NoTwoOwnersWhileThePrimaryIsSwitchedOverAndKilled) {
  Server one({"--repl-diskless-sync-delay", "0"});
  Server two({"--repl-diskless-sync-delay", "0", "--replicaof",
              "127.0.0.1 " + std::to_string(one.port())});
  Sentinel sentinel(one);
  ASSERT_TRUE(Eventually([&] { return sentinel.Said("+slave slave") > 0; }));
  Referee referee;
  SystemClock clock;
  std::vector<std::unique_ptr<Owner>> owners;
  for (const char* name : {"a", "b", "c"}) {
    owners.push_back(std::make_unique<Owner>(name, sentinel, referee));
  }
  const auto all_served = [&] { return referee.served(clock.SteadyMicros()) == kSessions; };
  ASSERT_TRUE(Eventually(all_served));

  // An operator switches over: the former primary goes on taking writes for some seconds.
  ASSERT_TRUE(sentinel.Ask("SENTINEL FAILOVER main"));
  ASSERT_TRUE(Eventually([&] { return sentinel.Said("+switch-master") == 1; }));
  // Who comes now is sent to the new one, and may acquire there one lease later.
  owners.push_back(std::make_unique<Owner>("d", sentinel, referee));
  // Until no lease of before can be left.
  std::this_thread::sleep_for(std::chrono::microseconds(kTtlUs + 2'000'000));
  ASSERT_TRUE(Eventually(all_served));
  EXPECT_EQ(referee.two_owners(), 0);

  // The former primary follows by now; the new one dies.
  ASSERT_TRUE(Eventually([&] { return sentinel.Said("+convert-to-slave") > 0; }));
  std::this_thread::sleep_for(std::chrono::seconds(2));
  two.Kill9();
  ASSERT_TRUE(Eventually([&] { return sentinel.Said("+switch-master") == 2; }));
  std::this_thread::sleep_for(std::chrono::microseconds(kTtlUs + 1'000'000));
  EXPECT_TRUE(Eventually(all_served)) << "everything goes on by itself";
  EXPECT_EQ(referee.two_owners(), 0);
  EXPECT_EQ(referee.epochs_that_went_back(), 0);
}

}  // namespace
}  // namespace attune::placement
