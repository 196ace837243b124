#include "services/journal/sqlite_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "services/base/status_macros.h"

namespace attune::journal {
namespace {

int64_t FileBytes(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 ? static_cast<int64_t>(info.st_size) : 0;
}

absl::Status ShuttingDown() { return absl::UnavailableError("the journal is shutting down"); }

bool CallerWaits(const Op& op) { return std::holds_alternative<OpenOp>(op.what); }
bool NeedsScrub(const Op& op) { return op.needs_scrub() && op.result.ok(); }

}  // namespace

SqliteWriter::SqliteWriter(SqliteStore& store, Mutex& store_mu, std::string path,
                           SqliteOptions options)
    : store_(store), store_mu_(store_mu), path_(std::move(path)), options_(std::move(options)) {
  NoteSizes();
  thread_ = std::thread([this] { Run(); });
}

SqliteWriter::~SqliteWriter() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  stop_.NotifyAll();
  thread_.join();
}

void SqliteWriter::Submit(Op op) {
  absl::Status refused;
  bool was_empty = false;
  {
    MutexLock lock(mu_);
    if (stopping_) {
      refused = ShuttingDown();
    } else if (disk_refuses_ && CallerWaits(op)) {
      refused = absl::UnavailableError(health_.degraded_reason);
    } else if (health_.queued_entries + op.entries > options_.max_queued_entries ||
               health_.queued_bytes + op.bytes > options_.max_queued_bytes) {
      refused = absl::ResourceExhaustedError("the journal's queue is full: try again later");
    } else {
      health_.queued_entries += op.entries;
      health_.queued_bytes += op.bytes;
      was_empty = queue_.empty();
      queue_.push_back(std::move(op));
    }
  }
  if (!refused.ok()) return op.done(refused);
  // Otherwise the writer is at work, or has been woken already.
  if (was_empty) wake_.NotifyOne();
}

Health SqliteWriter::GetHealth() const {
  MutexLock lock(mu_);
  return health_;
}

uint64_t SqliteWriter::scrubs() const {
  MutexLock lock(mu_);
  return scrubs_;
}

void SqliteWriter::Run() {
  while (true) {
    {
      MutexLock lock(mu_);
      while (queue_.empty() && !stopping_ && unscrubbed_.empty()) wake_.Wait(mu_);
      if (queue_.empty() && stopping_ && unscrubbed_.empty()) return;
    }
    Ops batch = TakeBatch();
    if (!batch.empty()) Write(std::move(batch));
    if (!unscrubbed_.empty()) TryScrub();
    TryCheckpoint();
  }
}

SqliteWriter::Ops SqliteWriter::TakeBatch() {
  Ops batch;
  size_t entries = 0;
  size_t bytes = 0;
  MutexLock lock(mu_);
  while (!queue_.empty() && entries < kMaxBatchEntries && bytes < kMaxBatchBytes) {
    entries += queue_.front().entries;
    bytes += queue_.front().bytes;
    batch.splice(batch.end(), queue_, queue_.begin());
  }
  return batch;
}

void SqliteWriter::Write(Ops batch) {
  while (!TryWrite(batch)) {
    Ops waiting = SplitOff(batch, &CallerWaits);
    {
      MutexLock lock(mu_);
      waiting.splice(waiting.end(), SplitOff(queue_, &CallerWaits));
    }
    Fail(std::move(waiting), absl::UnavailableError(GetHealth().degraded_reason));
    const bool go_on = Pause();
    {
      // Room in the log is room on the disk.
      MutexLock lock(store_mu_);
      store_.db().Checkpoint(/*truncate=*/true).IgnoreError();
    }
    if (go_on) continue;
    if (!TryWrite(batch)) Fail(std::move(batch), ShuttingDown());
    return;
  }
  if (batch.empty()) return;
  Ops erasures = SplitOff(batch, &NeedsScrub);
  Answer(std::move(batch));
  unscrubbed_.splice(unscrubbed_.end(), erasures);
}

bool SqliteWriter::TryWrite(Ops& batch) {
  const absl::Status status = Commit(batch);
  if (status.ok()) return true;
  SetDegraded(status);
  if (absl::IsUnavailable(status)) return false;
  // Damage. Whom it does not touch shall go on.
  CommitOneByOne(batch);
  return batch.empty();
}

// Leaves in `batch` what the disk refused, for another try.
void SqliteWriter::CommitOneByOne(Ops& batch) {
  while (!batch.empty()) {
    Ops one;
    one.splice(one.end(), batch, batch.begin());
    const absl::Status status = Commit(one);
    if (absl::IsUnavailable(status)) {
      batch.splice(batch.begin(), one);
      return;
    }
    if (!status.ok()) {
      Fail(std::move(one), status);
      continue;
    }
    Ops erasures = SplitOff(one, &NeedsScrub);
    Answer(std::move(one));
    unscrubbed_.splice(unscrubbed_.end(), erasures);
  }
}

absl::Status SqliteWriter::Commit(Ops& batch) {
  const int64_t began_us = options_.clock->SteadyMicros();
  {
    MutexLock lock(store_mu_);
    ATTUNE_RETURN_IF_ERROR(store_.Apply(batch, options_.clock->UtcMicros()));
  }
  const int64_t took_us = options_.clock->SteadyMicros() - began_us;
  size_t entries = 0;
  for (const Op& op : batch) {
    const auto* append = std::get_if<AppendOp>(&op.what);
    if (append != nullptr && op.result.ok()) entries += append->entries.size();
  }
  NoteSizes();
  {
    MutexLock lock(mu_);
    health_.last_commit_us = took_us;
    health_.commits += 1;
    health_.entries += entries;
    health_.largest_batch = std::max(health_.largest_batch, entries);
  }
  if (unscrubbed_.empty()) SetWorking();
  if (options_.on_commit) options_.on_commit(took_us, entries);
  return absl::OkStatus();
}

void SqliteWriter::TryScrub() {
  absl::Status status;
  {
    MutexLock lock(store_mu_);
    status = store_.Scrub();
    MutexLock counting(mu_);
    ++scrubs_;
  }
  if (status.ok()) {
    SetWorking();
    NoteSizes();
    Answer(std::move(unscrubbed_));
    unscrubbed_.clear();
    return;
  }
  SetDegraded(status);
  if (!absl::IsUnavailable(status) || !Pause()) {
    Fail(std::move(unscrubbed_), status);
    unscrubbed_.clear();
  }
}

// Its failure harms nobody yet: the log only grows. A disk without room for it will refuse the next
// commit, too, and that is reported.
void SqliteWriter::TryCheckpoint() {
  MutexLock lock(store_mu_);
  if (store_.db().log_pages() < kCheckpointPages) return;
  store_.db().Checkpoint(/*truncate=*/false).IgnoreError();
}

SqliteWriter::Ops SqliteWriter::SplitOff(Ops& from, bool (*which)(const Op&)) {
  Ops out;
  for (auto op = from.begin(); op != from.end();) {
    const auto next = std::next(op);
    if (which(*op)) out.splice(out.end(), from, op);
    op = next;
  }
  return out;
}

void SqliteWriter::Answer(Ops ops) {
  {
    MutexLock lock(mu_);
    for (const Op& op : ops) {
      health_.queued_entries -= op.entries;
      health_.queued_bytes -= op.bytes;
    }
  }
  for (Op& op : ops) op.done(std::move(op.result));
}

void SqliteWriter::Fail(Ops ops, const absl::Status& status) {
  // Each caller gets a status of its own: what ThreadSanitizer cannot see inside Abseil, the count
  // of its holders, is then not shared between threads.
  for (Op& op : ops) op.result = absl::Status(status.code(), status.message());
  Answer(std::move(ops));
}

void SqliteWriter::SetDegraded(const absl::Status& status) {
  MutexLock lock(mu_);
  disk_refuses_ = absl::IsUnavailable(status);
  if (!disk_refuses_) damage_ = std::string(status.message());
  health_.ok = false;
  health_.degraded_reason = std::string(status.message());
  ++health_.write_failures;
}

void SqliteWriter::SetWorking() {
  MutexLock lock(mu_);
  disk_refuses_ = false;
  health_.ok = damage_.empty();
  health_.degraded_reason = damage_;
}

bool SqliteWriter::Pause() {
  const int64_t until_us = options_.clock->SteadyMicros() + options_.retry_pause_us;
  MutexLock lock(mu_);
  while (!stopping_) {
    const int64_t left_us = until_us - options_.clock->SteadyMicros();
    if (left_us <= 0 || !stop_.WaitFor(mu_, left_us)) break;
  }
  return !stopping_;
}

void SqliteWriter::NoteSizes() {
  const int64_t database_bytes = FileBytes(path_);
  const int64_t wal_bytes = FileBytes(path_ + "-wal");
  MutexLock lock(mu_);
  health_.database_bytes = database_bytes;
  health_.wal_bytes = wal_bytes;
}

}  // namespace attune::journal
