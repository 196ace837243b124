#include "services/journal/redis_scrubber.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/journal/redis_info.h"

namespace attune::journal {
namespace {

constexpr int64_t kLookAgainUs = 30'000;
constexpr int64_t kTryAgainUs = 500'000;

bool Is(const std::string& info, const char* field, const char* value) {
  return InfoField(info, field) == value;
}

}  // namespace

void RedisScrubber::Scrub(std::string note, Done done) {
  bool stopped = false;
  bool begin = false;
  {
    MutexLock lock(mu_);
    stopped = stopped_;
    if (!stopped) {
      begin = !running_;
      running_ = true;
      waiting_.push_back({std::move(note), std::move(done)});
    }
  }
  if (stopped) return done(absl::UnavailableError("the journal is shutting down"));
  if (begin) Step();
}

void RedisScrubber::TakeUpWhatWasLeft() {
  client_.Call({"SMEMBERS", kUncleanKey},
               [self = shared_from_this()](absl::StatusOr<redis::Reply> reply) {
                 if (!reply.ok() || reply->error()) return;
                 for (const redis::Reply& note : reply->elements) {
                   self->Scrub(note.text, [](const absl::Status&) {});
                 }
               });
}

void RedisScrubber::Stop() {
  std::vector<Asked> left;
  {
    MutexLock lock(mu_);
    stopped_ = true;
    left = std::move(round_);
    for (Asked& asked : waiting_) left.push_back(std::move(asked));
    round_.clear();
    waiting_.clear();
  }
  for (Asked& asked : left) {
    asked.done(absl::UnavailableError(
        "shutting down: erased, but Redis's files are not rewritten yet; repeat it"));
  }
}

std::string RedisScrubber::trouble() const {
  MutexLock lock(mu_);
  return trouble_;
}

bool RedisScrubber::Stopped() const {
  MutexLock lock(mu_);
  return stopped_;
}

// A new round, if anybody waits for one.
void RedisScrubber::Step() {
  {
    MutexLock lock(mu_);
    running_ = !stopped_ && !(waiting_.empty() && round_.empty());
    if (!running_) return;
    for (Asked& asked : waiting_) round_.push_back(std::move(asked));
    waiting_.clear();
    phase_ = Phase::kBegin;
    server_ = client_.state().servers;
  }
  Look();
}

void RedisScrubber::Look() {
  if (Stopped()) return;
  client_.Call({"INFO", "persistence"},
               [self = shared_from_this()](absl::StatusOr<redis::Reply> reply) {
                 self->OnInfo(std::move(reply));
               });
}

void RedisScrubber::OnInfo(absl::StatusOr<redis::Reply> reply) {
  if (!reply.ok()) return Fail(std::string(reply.status().message()));
  if (reply->error()) return Fail(reply->text);
  const std::string& info = reply->text;
  Phase phase;
  bool other_server;
  {
    MutexLock lock(mu_);
    phase = phase_;
    other_server = server_ != client_.state().servers;
  }
  if (other_server) return Fail("Redis is another one than before");
  if (Is(info, "aof_rewrite_in_progress", "1") || Is(info, "aof_rewrite_scheduled", "1") ||
      Is(info, "rdb_bgsave_in_progress", "1")) {
    return Again(kLookAgainUs);
  }
  // What was under way at the beginning does not count: it may have begun before the erasure.
  if (phase == Phase::kBegin && Is(info, "aof_enabled", "1")) {
    return Ask({"BGREWRITEAOF"}, Phase::kRewriting);
  }
  if (phase == Phase::kRewriting && !Is(info, "aof_last_bgrewrite_status", "ok")) {
    return Fail("Redis cannot rewrite its append-only file; its log says why");
  }
  if (phase == Phase::kSaving) {
    if (Is(info, "rdb_last_bgsave_status", "ok")) return Finish();
    return Fail("Redis cannot write its snapshot; its log says why");
  }
  // A snapshot that was ever taken is replaced, too.
  const std::string saves = InfoField(info, "rdb_saves");
  if (!saves.empty() && saves != "0") return Ask({"BGSAVE"}, Phase::kSaving);
  client_.Call({"CONFIG", "GET", "save"},
               [self = shared_from_this()](absl::StatusOr<redis::Reply> config) {
                 if (!config.ok()) return self->Fail(std::string(config.status().message()));
                 const bool saves_by_itself =
                     config->elements.size() == 2 && !config->elements[1].text.empty();
                 if (!saves_by_itself) return self->Finish();
                 self->Ask({"BGSAVE"}, Phase::kSaving);
               });
}

void RedisScrubber::Ask(std::vector<std::string> command, Phase next) {
  client_.Call(std::move(command),
               [self = shared_from_this(), next](const absl::StatusOr<redis::Reply>& reply) {
                 if (!reply.ok()) return self->Fail(std::string(reply.status().message()));
                 if (reply->error()) return self->Fail(reply->text);
                 {
                   MutexLock lock(self->mu_);
                   self->phase_ = next;
                 }
                 self->Again(kLookAgainUs);
               });
}

// Whoever stops it may let the timers go: they are asked under the lock, and not after that.
void RedisScrubber::Again(int64_t after_us) {
  MutexLock lock(mu_);
  if (stopped_) return;
  run_after_(after_us, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Look();
  });
}

void RedisScrubber::Fail(const std::string& why) {
  MutexLock lock(mu_);
  if (stopped_) return;
  trouble_ = absl::StrCat("erased bytes may still be in Redis's files: ", why);
  run_after_(kTryAgainUs, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Step();
  });
}

void RedisScrubber::Finish() {
  std::vector<Asked> round;
  {
    MutexLock lock(mu_);
    round = std::move(round_);
    round_.clear();
    trouble_.clear();
  }
  std::vector<std::string> clean = {"SREM", kUncleanKey};
  for (const Asked& asked : round) clean.push_back(asked.note);
  if (clean.size() > 2) client_.Call(std::move(clean), [](const absl::StatusOr<redis::Reply>&) {});
  for (Asked& asked : round) asked.done(absl::OkStatus());
  Step();
}

}  // namespace attune::journal
