// The journal's tables and what may be done to them, one transaction at a time. No threads, no
// queue: sqlite_journal.cc has those.
//
// All session and blob heads are kept in memory (a few hundred bytes each), loaded and checked at
// open. Only entries and the bytes of blobs are looked up in the file.
#ifndef ATTUNE_SERVICES_JOURNAL_SQLITE_STORE_H_
#define ATTUNE_SERVICES_JOURNAL_SQLITE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "services/journal/journal.h"
#include "services/journal/ops.h"
#include "services/journal/sqlite_db.h"

namespace attune::journal {

// Sessions in one journal at a time; Open refuses more with RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxSessions = 1'000'000;
// One chunk of Read; the writer waits for a chunk at most.
inline constexpr size_t kReadChunkEntries = 512;
inline constexpr size_t kReadChunkBytes = size_t{256} << 10;

struct Op {
  SessionId session;
  Fence fence;
  What what;
  Journal::Done done;
  size_t entries = 0;  // its share of the queue
  size_t bytes = 0;
  absl::Status result;  // set by Apply

  // Not answered before the unused space has been scrubbed.
  bool needs_scrub() const { return NeedsScrub(what); }
};

struct BlobHead {
  int64_t row = 0;
  uint64_t revision = 0;
  uint64_t epoch = 0;
  Subject subject;
};

struct SessionRow {
  int64_t id = 0;
  Fence fence;
  uint64_t first_number = 1;
  uint64_t last_number = 0;
  int64_t written_utc_us = 0;
  std::string label;
  std::map<std::string, std::vector<BlobHead>> blobs;  // at most two heads a name
  Position position() const { return {last_number, first_number, fence.epoch}; }
};

// One thread at a time may call what touches the file (Open, Apply, Scrub, ReadEntries, ReadBlob);
// Find and List may be called from anywhere.
class SqliteStore {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path,
                                                           const std::string& vfs_name, Tier tier);

  // Applies all operations in one transaction and sets their results (a refused one has written
  // nothing, the others are not touched by that). On an error nothing at all has happened.
  absl::Status Apply(std::list<Op>& ops, int64_t now_utc_us);

  bool scrub_pending() const { return meta_.scrub; }
  // Cleans up after erasures (sqlite_scrub.h).
  absl::Status Scrub();

  std::optional<SessionRow> Find(const SessionId& session) const;
  Listing List(std::string_view cursor, size_t limit) const;

  // Entries from `from` up to `to`, a chunk of them at most, checked; `from` <= `to` are within the
  // session's numbers.
  absl::StatusOr<std::vector<Entry>> ReadEntries(const SessionId& session, const SessionRow& row,
                                                 uint64_t from, uint64_t to);
  absl::StatusOr<Blob> ReadBlob(const SessionId& session, const std::string& name);

  Database& db() { return *db_; }

 private:
  struct Meta {
    int64_t sessions = 0;
    int64_t blobs = 0;
    int64_t next_session = 1;
    bool scrub = false;
  };
  struct Touched {
    std::optional<SessionRow> row;  // empty: does not exist (any more)
    bool changed = false;
  };

  explicit SqliteStore(std::unique_ptr<Database> db) : db_(std::move(db)) {}
  absl::Status PrepareStatements();
  absl::Status Load();
  absl::Status LoadMeta();
  absl::Status LoadSessions();
  absl::Status LoadBlobs();

  // The outer status: the database failed. The inner one: the operation was refused.
  absl::Status ApplyOne(Op& op);
  absl::Status Do(Op& op, Touched& touched, OpenOp& what);
  absl::Status Do(Op& op, Touched& touched, AppendOp& what);
  absl::Status Do(Op& op, Touched& touched, WriteBlobOp& what);
  absl::Status Do(Op& op, Touched& touched, DeleteBlobOp& what);
  absl::Status Do(Op& op, Touched& touched, SetLabelOp& what);
  absl::Status Do(Op& op, Touched& touched, TrimOp& what);
  absl::Status Do(Op& op, Touched& touched, RestoreOp& what);
  absl::Status Do(Op& op, Touched& touched, EraseOp& what);
  absl::Status Do(Op& op, Touched& touched, DeleteSessionOp& what);
  absl::Status DeleteBlobRow(int64_t row);
  absl::Status WriteMeta();
  absl::Status WriteSession(const SessionId& session, const SessionRow& row);
  Touched& Touch(const SessionId& session);

  const std::unique_ptr<Database> db_;
  Statement put_meta_, put_session_, delete_session_, put_entry_, read_entries_, delete_entries_,
      find_subject_, erase_entry_, put_blob_, replace_blob_, read_blob_, delete_blob_;
  size_t damaged_blob_heads_ = 0;

  // Of the transaction that is being made:
  std::map<SessionId, Touched> touched_;
  Meta next_meta_;

  Meta meta_;
  mutable Mutex mu_;
  // Changed by Apply only.
  std::map<SessionId, SessionRow, std::less<>> sessions_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SQLITE_STORE_H_
