#include "services/node/drain.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"
#include "services/synchrony/params.h"

namespace attune::node {
namespace {

constexpr uint32_t kSpreadMs = 200;
constexpr int kMostRounds = 3;

// What a wave has answered so far; answers may come after nobody waits any more.
struct Answers {
  Mutex mu;
  CondVar changed;
  size_t left ATTUNE_GUARDED_BY(mu) = 0;
  bool over ATTUNE_GUARDED_BY(mu) = false;
  std::vector<Registry::Host> ready ATTUNE_GUARDED_BY(mu);
};

}  // namespace

Drain::Drain(Parts& parts, Registry& registry, Adopt adopt, DrainOptions options)
    : parts_(parts), registry_(registry), adopt_(std::move(adopt)), options_(options) {}

Drain::Hosts Drain::Quiesce(const Hosts& wave) {
  const auto answers = std::make_shared<Answers>();
  {
    MutexLock lock(answers->mu);
    answers->left = wave.size();
  }
  for (const Registry::Host& host : wave) {
    host->Post([answers, host](SessionHost& at_home) {
      at_home.Quiesce([answers, host](const absl::Status& status) {
        bool late = false;
        {
          MutexLock lock(answers->mu);
          late = answers->over;
          --answers->left;
          if (status.ok() && !late) answers->ready.push_back(host);
          answers->changed.NotifyAll();
        }
        if (late || !status.ok()) {
          host->Post([](SessionHost& stays) { stays.Unquiesce(); });
        }
      });
    });
  }
  const int64_t deadline = parts_.clock.SteadyMicros() + options_.quiesce_within_us;
  MutexLock lock(answers->mu);
  while (answers->left > 0) {
    const int64_t left_us = deadline - parts_.clock.SteadyMicros();
    if (left_us <= 0) break;
    answers->changed.WaitFor(answers->mu, left_us);
  }
  answers->over = true;
  return std::move(answers->ready);
}

std::map<std::string, Drain::Hosts> Drain::HandOver(const Hosts& wave) {
  std::map<std::string, Hosts> by_address;
  for (const Registry::Host& host : wave) {
    placement::Needs needs;
    needs.people = std::max<int64_t>(1, host->Info().people());
    needs.engine_version = absl::StrCat(synchrony::kEngineVersion);
    needs.not_incarnation = parts_.options.incarnation;
    absl::StatusOr<placement::NodeRecord> target = parts_.nodes.Pick(needs);
    absl::Status handed = target.status();
    if (target.ok()) {
      handed = parts_.directory.HandOff(host->lease(), target->incarnation, target->address);
    }
    if (handed.ok()) {
      registry_.HandedOver(host->lease());
      parts_.metrics.handoffs_done.Increment();
      by_address[target->address].push_back(host);
      continue;
    }
    parts_.metrics.handoffs_failed.Increment();
    parts_.log.Write(Severity::kWarning, "session_not_handed_over",
                     {{"why", std::string(handed.message())}});
    host->Post([](SessionHost& stays) { stays.Unquiesce(); });
  }
  return by_address;
}

size_t Drain::Move(const Hosts& wave) {
  const std::map<std::string, Hosts> by_address = HandOver(Quiesce(wave));
  std::vector<std::thread> asking;
  size_t moved = 0;
  for (const auto& [address, hosts] : by_address) {
    moved += hosts.size();
    asking.emplace_back([this, &address = address, &hosts = hosts] {
      std::vector<std::string> sessions;
      for (const Registry::Host& host : hosts) sessions.push_back(host->id());
      const absl::Status adopted = adopt_(address, std::move(sessions));
      if (!adopted.ok()) {
        // They are that node's all the same: it opens them when they are asked for.
        parts_.log.Write(Severity::kWarning, "sessions_not_adopted_at_once",
                         {{"why", std::string(adopted.message())}});
      }
      for (const Registry::Host& host : hosts) {
        host->Post([address](SessionHost& leaving) {
          leaving.Depart({.address = address, .delay_least_ms = 0, .delay_most_ms = kSpreadMs});
        });
      }
    });
  }
  for (std::thread& one : asking) one.join();
  return moved;
}

Drain::Result Drain::Run(int64_t deadline_steady_us) {
  Result result;
  for (int round = 0; round < kMostRounds; ++round) {
    Hosts hosts;
    for (const Registry::Host& host : registry_.Hosts()) {
      if (host->Info().state() != v1::SESSION_STATE_CLOSED && host->InForce()) {
        hosts.push_back(host);
      }
    }
    result.left = hosts.size();
    for (size_t from = 0; from < hosts.size(); from += options_.wave) {
      if (parts_.clock.SteadyMicros() >= deadline_steady_us) return result;
      const auto begin = hosts.begin() + static_cast<std::ptrdiff_t>(from);
      const auto end =
          hosts.begin() + static_cast<std::ptrdiff_t>(std::min(from + options_.wave, hosts.size()));
      const size_t moved = Move(Hosts(begin, end));
      result.handed += moved;
      result.left -= moved;
      // Nobody to hand them to, or no directory: the rest would fare no better.
      if (moved == 0) break;
    }
    if (result.left == 0) break;
  }
  return result;
}

}  // namespace attune::node
