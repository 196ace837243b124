#include "services/journal/redis_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::journal {
namespace {

// How long Stop waits for what is under way, and then for Redis's files to be rewritten.
constexpr int64_t kStopWithinUs = 10'000'000;

absl::Status ShuttingDown() { return absl::UnavailableError("the journal is shutting down"); }

bool IsAppend(const RedisOp& op) { return std::holds_alternative<AppendOp>(op.what); }
bool CallerWaits(const RedisOp& op) { return std::holds_alternative<OpenOp>(op.what); }
// While entries are lost, what is about entries waits for Restore.
bool IsHeld(const RedisOp& op) { return IsAppend(op) || std::holds_alternative<TrimOp>(op.what); }

RedisOps SplitOff(RedisOps& from, bool (*which)(const RedisOp&)) {
  RedisOps out;
  for (auto op = from.begin(); op != from.end();) {
    const auto next = std::next(op);
    if (which(*op)) out.splice(out.end(), from, op);
    op = next;
  }
  return out;
}

}  // namespace

RedisWriter::RedisWriter(redis::Client& client, RedisJournalOptions options, RunAfter run_after)
    : client_(client),
      options_(std::move(options)),
      run_after_(std::move(run_after)),
      scrubber_(std::make_shared<RedisScrubber>(client_, run_after_)) {}

void RedisWriter::Start() { WatchServer(); }

void RedisWriter::Submit(const SessionId& id, RedisOp op) {
  absl::Status refused;
  Session session;
  {
    MutexLock lock(mu_);
    op.since_us = options_.clock->SteadyMicros();
    if (stopping_) {
      refused = ShuttingDown();
    } else if (health_.queued_entries + op.entries > options_.max_queued_entries ||
               health_.queued_bytes + op.bytes > options_.max_queued_bytes) {
      refused = absl::ResourceExhaustedError("the journal's queue is full: try again later");
    } else {
      session = Of(id);
      if (CallerWaits(op) && paused_.contains(session)) {
        refused = absl::UnavailableError(trouble_);
      } else {
        health_.queued_entries += op.entries;
        health_.queued_bytes += op.bytes;
        ++pending_;
        session->queue.push_back(std::move(op));
      }
    }
  }
  if (!refused.ok()) return op.done(refused);
  Pump(session);
}

RedisWriter::Session RedisWriter::Of(const SessionId& id) {
  Session& session = sessions_[id];
  if (session == nullptr) session = std::make_shared<RedisSession>(id);
  return session;
}

void RedisWriter::Close(const SessionId& id, const Fence& fence) {
  Session session;
  {
    MutexLock lock(mu_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    session = found->second;
    if (!session->opened || session->fence != fence) return;
    Forget(*session);
  }
  Pump(session);
}

void RedisWriter::SetOnLost(Journal::OnLost on_lost) {
  MutexLock lock(mu_);
  on_lost_ = std::move(on_lost);
}

void RedisWriter::Stop() {
  std::vector<Session> all;
  {
    MutexLock lock(mu_);
    stopping_ = true;
    for (const auto& [id, session] : sessions_) all.push_back(session);
  }
  ResumePaused();
  for (const Session& session : all) Pump(session);
  for (int round = 0; round < 2; ++round) {
    {
      MutexLock lock(mu_);
      while (pending_ > 0 && all_answered_.WaitFor(mu_, kStopWithinUs)) {
      }
    }
    scrubber_->Stop();
  }
  MutexLock lock(mu_);
  stopped_ = true;
}

// ---- Turns

void RedisWriter::Pump(const Session& session) {
  Call call;
  {
    MutexLock lock(mu_);
    call = Next(session);
  }
  if (call) call();
}

RedisWriter::Call RedisWriter::Next(const Session& session) {
  if (session->busy) return {};
  if (!session->opened) session->suspect = false;
  if (session->suspect && !stopping_) {
    session->busy = true;
    return [self = shared_from_this(), session] { self->Look(session); };
  }
  if (session->lost && stopping_) {
    auto held = std::make_shared<RedisOps>(SplitOff(session->queue, &IsHeld));
    if (!held->empty()) {
      return [self = shared_from_this(), session, held] {
        self->FailAll(std::move(*held), ShuttingDown());
        self->Pump(session);
      };
    }
  }
  RedisOps& queue = session->queue;
  auto op = queue.begin();
  if (session->lost) op = std::find_if_not(queue.begin(), queue.end(), &IsHeld);
  if (op == queue.end()) {
    Idle(session);
    return {};
  }
  if (IsAppend(*op)) return NextAppend(session);
  if (std::holds_alternative<RestoreOp>(op->what)) {
    for (auto before = queue.begin(); before != op; ++before) before->overtaken = session->lost;
  }
  session->under_way.splice(session->under_way.end(), queue, op);
  session->busy = true;
  session->began_us = options_.clock->SteadyMicros();
  return [self = shared_from_this(), session] { self->Do(session); };
}

RedisWriter::Call RedisWriter::NextAppend(const Session& session) {
  if (Lingers(session)) return {};
  RedisOps& queue = session->queue;
  const Fence fence = queue.front().fence;
  size_t entries = 0;
  size_t bytes = 0;
  while (!queue.empty() && IsAppend(queue.front()) && queue.front().fence == fence &&
         (entries == 0 || (entries + queue.front().entries <= kMaxCallEntries &&
                           bytes + queue.front().bytes <= kMaxCallBytes))) {
    entries += std::max<size_t>(1, queue.front().entries);
    bytes += queue.front().bytes;
    session->under_way.splice(session->under_way.end(), queue, queue.begin());
  }
  session->busy = true;
  session->began_us = options_.clock->SteadyMicros();
  return [self = shared_from_this(), session] { self->Do(session); };
}

bool RedisWriter::Lingers(const Session& session) {
  if (stopping_ || options_.append_linger_us <= 0) return false;
  size_t bytes = 0;
  for (auto op = session->queue.rbegin(); op != session->queue.rend(); ++op) {
    bytes += op->bytes;
    if (op->urgency == Urgency::kNow || op->tried || bytes >= kMaxCallBytes) return false;
  }
  const int64_t left_us =
      session->queue.front().since_us + options_.append_linger_us - options_.clock->SteadyMicros();
  if (left_us <= 0) return false;
  if (!session->timed) {
    session->timed = true;
    run_after_(left_us, [weak = weak_from_this(), session] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      {
        MutexLock lock(self->mu_);
        session->timed = false;
      }
      self->Pump(session);
    });
  }
  return true;
}

void RedisWriter::Run(const Session& session, const redis::Script& script,
                      std::vector<std::string> keys, std::vector<std::string> arguments,
                      OnAnswer on_answer) {
  client_.Run(script, std::move(keys), std::move(arguments),
              [self = shared_from_this(), session, &script,
               on_answer = std::move(on_answer)](absl::StatusOr<redis::Reply> reply) {
                const absl::StatusOr<Answer> answer = ToAnswer(script, std::move(reply));
                if (!answer.ok()) return self->Retry(session, answer.status());
                self->SetTrouble("");
                on_answer(session, *answer);
              });
}

void RedisWriter::Retry(const Session& session, const absl::Status& why) {
  RedisOps failed;
  absl::Status failure = ShuttingDown();
  bool first = false;
  SetTrouble(std::string(why.message()));
  {
    MutexLock lock(mu_);
    ++health_.write_failures;
    for (RedisOp& op : session->under_way) {
      op.tried = op.tried || absl::IsUnknown(why);
      op.result = absl::OkStatus();
    }
    session->queue.splice(session->queue.begin(), session->under_way);
    if (stopping_) {
      failed = std::move(session->queue);
      session->queue.clear();
      session->busy = false;
    } else {
      failed = SplitOff(session->queue, &CallerWaits);
      failure = absl::UnavailableError(trouble_);
      first = paused_.empty();
      paused_.insert(session);  // and stays busy
    }
  }
  FailAll(std::move(failed), failure);
  if (first) After(options_.retry_pause_us, &RedisWriter::ResumePaused);
}

void RedisWriter::ResumePaused() {
  std::set<Session> paused;
  {
    MutexLock lock(mu_);
    paused.swap(paused_);
    for (const Session& session : paused) session->busy = false;
  }
  for (const Session& session : paused) Pump(session);
}

void RedisWriter::PutBack(const Session& session) {
  {
    MutexLock lock(mu_);
    for (RedisOp& op : session->under_way) op.result = absl::OkStatus();
    session->queue.splice(session->queue.begin(), session->under_way);
    session->busy = false;
  }
  Pump(session);
}

// ---- Answers

void RedisWriter::Executed(const Session& session) {
  const bool good = std::any_of(session->under_way.begin(), session->under_way.end(),
                                [](const RedisOp& op) { return op.result.ok(); });
  if (!Waits() || !good) return Finish(session);
  {
    MutexLock lock(mu_);
    to_confirm_.push_back({session, client_.state().connections, false});
  }
  AskReplicas();
}

void RedisWriter::Finish(const Session& session) {
  RedisOps ops = std::move(session->under_way);
  session->under_way.clear();
  size_t entries = 0;
  int64_t took_us = 0;
  {
    MutexLock lock(mu_);
    for (const RedisOp& op : ops) {
      if (!op.result.ok()) continue;
      Note(*session, op);
      const auto* append = std::get_if<AppendOp>(&op.what);
      if (append != nullptr) entries += append->entries.size();
    }
    took_us = options_.clock->SteadyMicros() - session->began_us;
    health_.last_commit_us = took_us;
    health_.commits += 1;
    health_.entries += entries;
    health_.largest_batch = std::max(health_.largest_batch, entries);
  }
  if (options_.on_commit) options_.on_commit(took_us, entries);
  RedisOps erasures =
      SplitOff(ops, [](const RedisOp& op) { return NeedsScrub(op.what) && op.result.ok(); });
  AnswerAll(std::move(ops));
  for (RedisOp& op : erasures) {
    std::string note = op.note;
    auto erasure = std::make_shared<RedisOp>(std::move(op));
    scrubber_->Scrub(std::move(note), [self = shared_from_this(), erasure](absl::Status status) {
      erasure->result = std::move(status);
      RedisOps one;
      one.push_back(std::move(*erasure));
      self->AnswerAll(std::move(one));
    });
  }
  Release(session);
}

void RedisWriter::Release(const Session& session) {
  {
    MutexLock lock(mu_);
    session->busy = false;
  }
  Pump(session);
}

void RedisWriter::AnswerAll(RedisOps ops) {
  if (ops.empty()) return;
  {
    MutexLock lock(mu_);
    for (const RedisOp& op : ops) {
      health_.queued_entries -= op.entries;
      health_.queued_bytes -= op.bytes;
    }
  }
  for (RedisOp& op : ops) op.done(std::move(op.result));
  MutexLock lock(mu_);
  pending_ -= ops.size();
  if (pending_ == 0) all_answered_.NotifyAll();
}

void RedisWriter::FailAll(RedisOps ops, const absl::Status& why) {
  // A status of its own for each caller, as in SqliteWriter::Fail.
  for (RedisOp& op : ops) op.result = absl::Status(why.code(), why.message());
  AnswerAll(std::move(ops));
}

void RedisWriter::Idle(const Session& session) {
  if (session->opened || session->busy || session->timed || !session->queue.empty()) return;
  const auto found = sessions_.find(session->id);
  if (found != sessions_.end() && found->second == session) sessions_.erase(found);
}

}  // namespace attune::journal
