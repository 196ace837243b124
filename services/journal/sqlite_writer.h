// The queue before the store, and the one thread that empties it: whatever has gathered while the
// last commit ran goes into the next one (group commit).
#ifndef ATTUNE_SERVICES_JOURNAL_SQLITE_WRITER_H_
#define ATTUNE_SERVICES_JOURNAL_SQLITE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "services/journal/journal.h"
#include "services/journal/sqlite_journal.h"
#include "services/journal/sqlite_store.h"

namespace attune::journal {

// Entries in one commit at most, so that one commit stays short.
inline constexpr size_t kMaxBatchEntries = 8192;
inline constexpr size_t kMaxBatchBytes = size_t{8} << 20;
// The log is moved into the file, between commits, when it has grown to this many pages (4 MiB).
inline constexpr int kCheckpointPages = 1024;

class SqliteWriter {
 public:
  // `store` and the lock over its file must outlive the writer.
  SqliteWriter(SqliteStore& store, Mutex& store_mu, std::string path, SqliteOptions options);
  // Drains the queue first.
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // The operation's `done` is called exactly once: at once when it is refused here.
  void Submit(Op op);
  Health GetHealth() const;
  bool IsWriterThread() const { return std::this_thread::get_id() == thread_.get_id(); }
  // How often unused space has been scrubbed; a backup that spans one starts anew.
  uint64_t scrubs() const;

 private:
  using Ops = std::list<Op>;

  void Run();
  Ops TakeBatch();
  void Write(Ops batch);
  // Commits, apart if the database refuses them together; false: the disk refused.
  bool TryWrite(Ops& batch);
  absl::Status Commit(Ops& batch);
  void CommitOneByOne(Ops& batch);
  void TryScrub();
  void TryCheckpoint();
  // Removes operations whose caller waits (Open), so that it does not wait for a disk.
  static Ops SplitOff(Ops& from, bool (*which)(const Op&));
  void Answer(Ops ops);
  void Fail(Ops ops, const absl::Status& status);
  void SetDegraded(const absl::Status& status);
  void SetWorking();
  // Waits before the next try; false: shutting down.
  bool Pause();
  void NoteSizes();

  SqliteStore& store_;
  Mutex& store_mu_;
  const std::string path_;
  const SqliteOptions options_;
  // Committed erasures whose cleaning the disk refused so far. Writer thread only.
  Ops unscrubbed_;

  mutable Mutex mu_;
  CondVar wake_;
  CondVar stop_;
  Ops queue_ ATTUNE_GUARDED_BY(mu_);
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  bool disk_refuses_ ATTUNE_GUARDED_BY(mu_) = false;
  std::string damage_ ATTUNE_GUARDED_BY(mu_);  // stays until a restart
  uint64_t scrubs_ ATTUNE_GUARDED_BY(mu_) = 0;
  Health health_ ATTUNE_GUARDED_BY(mu_);
  std::thread thread_;  // last: it uses the others
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SQLITE_WRITER_H_
