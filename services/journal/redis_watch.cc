// The server: is it another one, is it set as it should be, do its replicas follow?
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/journal/redis_info.h"
#include "services/journal/redis_writer.h"

namespace attune::journal {
namespace {

// What to do about an error of Redis, by its first word.
std::string_view Advice(std::string_view why) {
  if (why.starts_with("OOM")) return "raise maxmemory or give Redis more memory";
  if (why.starts_with("NOREPLICAS"))
    return "start Redis's replicas, or lower min-replicas-to-write";
  if (why.starts_with("MISCONF")) return "Redis cannot write its disk: see its log";
  return "start Redis or repair the way to it";
}

}  // namespace

void RedisWriter::After(int64_t after_us, void (RedisWriter::*what)()) {
  MutexLock lock(mu_);
  if (stopped_) return;
  run_after_(after_us, [weak = weak_from_this(), what] {
    if (const auto self = weak.lock()) ((*self).*what)();
  });
}

void RedisWriter::WatchServer() {
  const redis::ServerState state = client_.state();
  std::vector<Session> in_doubt;
  bool first = false;
  bool other = false;
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    other = state.ready && state.servers != server_;
    if (other) {
      first = server_ == 0;
      server_ = state.servers;
      for (const auto& [id, session] : sessions_) {
        if (!session->opened) continue;
        session->suspect = true;
        in_doubt.push_back(session);
      }
    }
  }
  if (other) CheckSettings();
  if (first) scrubber_->TakeUpWhatWasLeft();
  for (const Session& session : in_doubt) Pump(session);
  After(options_.look_every_us, &RedisWriter::WatchServer);
}

void RedisWriter::CheckSettings() {
  client_.Call({"INFO", "memory"}, [self = shared_from_this()](absl::StatusOr<redis::Reply> reply) {
    if (!reply.ok() || reply->error()) return;
    const std::string policy = InfoField(reply->text, "maxmemory_policy");
    MutexLock lock(self->mu_);
    self->health_.warning = policy.empty() || policy == "noeviction"
                                ? ""
                                : absl::StrCat("Redis may throw sessions away (maxmemory-policy ",
                                               policy, "): set maxmemory-policy noeviction");
  });
}

void RedisWriter::SetTrouble(const std::string& why) {
  MutexLock lock(mu_);
  trouble_ = why.empty() ? ""
                         : absl::StrCat(
                               "Redis takes no writes (", why,
                               "); they wait, and go on by themselves: ", std::string(Advice(why)));
}

Health RedisWriter::GetHealth() const {
  const redis::ServerState state = client_.state();
  const std::string files = scrubber_->trouble();
  MutexLock lock(mu_);
  Health health = health_;
  if (!trouble_.empty()) {
    health.degraded_reason = trouble_;
  } else if (!state.ready) {
    health.degraded_reason = absl::StrCat("Redis cannot be reached (", state.trouble,
                                          "); writes wait, and go on by themselves: start Redis or "
                                          "repair the way to it");
  } else if (!replica_trouble_.empty()) {
    health.degraded_reason = replica_trouble_;
  } else if (lost_ > 0) {
    health.degraded_reason =
        absl::StrCat("Redis has lost writes of ", lost_,
                     " sessions; their owners put back what they have in memory. If this stays, "
                     "look for what emptied Redis");
  } else {
    health.degraded_reason = files;
  }
  health.ok = health.degraded_reason.empty();
  return health;
}

// ---- Replicas

void RedisWriter::AskReplicas() {
  {
    MutexLock lock(mu_);
    if (asking_replicas_ || to_confirm_.empty()) return;
    asking_replicas_ = true;
    for (Confirm& one : to_confirm_) one.asked = true;
  }
  const int64_t within_ms = std::max<int64_t>(1, options_.wait_within_us / 1000);
  client_.Call(
      {"WAIT", std::to_string(options_.replicas), std::to_string(within_ms)},
      [self = shared_from_this()](absl::StatusOr<redis::Reply> reply) {
        self->OnReplicas(std::move(reply));
      },
      options_.wait_within_us + 2'000'000);
}

void RedisWriter::OnReplicas(absl::StatusOr<redis::Reply> reply) {
  const uint64_t connection = client_.state().connections;
  const bool answered = reply.ok() && reply->kind == redis::Reply::Kind::kInteger;
  const bool enough = answered && reply->integer >= options_.replicas;
  std::vector<Confirm> good;
  std::vector<Confirm> again;  // written over a connection that is no more: nobody can tell
  std::vector<Confirm> refused;
  {
    MutexLock lock(mu_);
    asking_replicas_ = false;
    std::vector<Confirm> asked = std::move(to_confirm_);
    to_confirm_.clear();
    // What came into the list since WAIT was sent is asked for anew.
    for (Confirm& one : asked) {
      if (!answered || one.connection != connection) {
        again.push_back(std::move(one));
      } else if (one.asked && enough) {
        good.push_back(std::move(one));
      } else if (!enough && (stopping_ ||
                             std::holds_alternative<OpenOp>(one.session->under_way.front().what))) {
        refused.push_back(std::move(one));
      } else {
        to_confirm_.push_back(std::move(one));
      }
    }
    if (answered) {
      replica_trouble_ =
          enough ? ""
                 : absl::StrCat("only ", reply->integer, " of ", options_.replicas,
                                " replicas of Redis confirm writes; they wait, and go on by "
                                "themselves: start the replicas, or use the tier \"redis\"");
    }
    if (answered && !enough) ++health_.write_failures;
  }
  for (const Confirm& one : again) {
    Retry(one.session, absl::UnknownError("the connection was lost before replicas confirmed"));
  }
  for (const Confirm& one : refused) {
    for (RedisOp& op : one.session->under_way) {
      op.result = absl::UnavailableError("replicas of Redis are missing");
    }
    Finish(one.session);
  }
  for (const Confirm& one : good) Finish(one.session);
  if (answered && !enough) {
    After(options_.retry_pause_us, &RedisWriter::AskReplicas);
  } else {
    AskReplicas();
  }
}

}  // namespace attune::journal
