// One SQLite connection that has its file to itself, and its statements. Shared by the journal and
// the key store; not thread-safe: each of them uses it under a lock of its own.
//
// Errors: DATA_LOSS for damage, UNAVAILABLE for a disk that is full or fails (trying again makes
// sense), FAILED_PRECONDITION for a file in use or from a newer version, INTERNAL for the rest.
#ifndef ATTUNE_SERVICES_JOURNAL_SQLITE_DB_H_
#define ATTUNE_SERVICES_JOURNAL_SQLITE_DB_H_

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace attune::journal {

// What a file must be. `tables` are CREATE statements, compared word for word with what the file
// holds.
struct FileKind {
  const char* name;  // for messages: "journal"
  int32_t application_id;
  int32_t version;
  std::vector<std::string> tables;
};

class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement = nullptr) : statement_(statement) {}
  // Binds the next parameter, from the first. Bytes must live until the statement has been run.
  Statement& Bind(int64_t value);
  Statement& Bind(std::string_view bytes);
  Statement& BindZeros(size_t count);
  // True: there is a row. False: done (the statement is then reset).
  absl::StatusOr<bool> Step();
  // For statements without rows.
  absl::Status Run();
  void Reset();
  int64_t Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  // Valid until the next Step or Reset.
  std::string_view Bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

class Database {
 public:
  // Opens or creates `path`, takes the exclusive lock, checks header and schema. `wal`: write-ahead
  // log; otherwise a rollback journal that is truncated after each transaction. `sync_commits`: a
  // commit is on the disk when it returns.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path,
                                                        const std::string& vfs_name,
                                                        const FileKind& kind, bool wal,
                                                        bool sync_commits);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  absl::StatusOr<Statement> Prepare(const std::string& sql);
  absl::Status Run(const std::string& sql);
  absl::StatusOr<std::string> Text(const std::string& sql);
  absl::StatusOr<int64_t> Int(const std::string& sql);

  absl::Status Begin() { return Run("BEGIN IMMEDIATE"); }
  // On failure the transaction is still to be rolled back.
  absl::Status Commit() { return Run("COMMIT"); }
  void Rollback();

  // Moves the log into the file. `truncate`: and leaves the log empty.
  absl::Status Checkpoint(bool truncate);

  // In the write-ahead log as of the newest commit.
  int log_pages() const { return log_pages_; }

  sqlite3* handle() const { return db_; }

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  static int NoteCommit(void* self, sqlite3* db, const char* schema, int log_pages);
  absl::Status Prepare(const FileKind& kind, bool wal, bool sync_commits);
  absl::Status CheckOrCreate(const FileKind& kind);

  sqlite3* const db_;
  int log_pages_ = 0;
};

absl::Status SqliteError(sqlite3* db, int code);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SQLITE_DB_H_
