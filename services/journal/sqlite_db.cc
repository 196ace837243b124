#include "services/journal/sqlite_db.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::journal {
namespace {

// A damaged length must not make us ask for a gigabyte.
constexpr int kMaxRowBytes = 32 << 20;
constexpr int kLogSizeLimitBytes = 8 << 20;

}  // namespace

absl::Status SqliteError(sqlite3* db, int code) {
  const std::string text = absl::StrCat(db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code),
                                        " (SQLite ", code, ")");
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
      return absl::DataLossError(absl::StrCat("the database is damaged: ", text));
    case SQLITE_FULL:
      return absl::UnavailableError(
          absl::StrCat("the disk is full: make room on it; nothing is lost: ", text));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      // We hold our own lock for as long as a file is open.
      return absl::FailedPreconditionError(
          absl::StrCat("another process has it open; one at a time may use it: ", text));
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
      return absl::UnavailableError(
          absl::StrCat("the disk refuses: check it, its rights and its room: ", text));
    default:
      return absl::InternalError(text);
  }
}

Statement& Statement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_.get(), ++bound_, value);
  return *this;
}

Statement& Statement::Bind(std::string_view bytes) {
  // A null pointer would bind NULL.
  sqlite3_bind_blob64(statement_.get(), ++bound_, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::BindZeros(size_t count) {
  sqlite3_bind_zeroblob64(statement_.get(), ++bound_, count);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  absl::Status status;
  if (code != SQLITE_DONE) status = SqliteError(sqlite3_db_handle(statement_.get()), code);
  Reset();
  if (!status.ok()) return status;
  return false;
}

absl::Status Statement::Run() {
  const auto row = Step();
  if (!row.ok()) return row.status();
  Reset();
  return absl::OkStatus();
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bound_ = 0;
}

std::string_view Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr
             ? std::string_view()
             : std::string_view(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path,
                                                         const std::string& vfs_name,
                                                         const FileKind& kind, bool wal,
                                                         bool sync_commits) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE |
                          SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      vfs_name.empty() ? nullptr : vfs_name.c_str());
  std::unique_ptr<Database> db(new Database(raw));
  absl::Status status = code == SQLITE_OK ? absl::OkStatus() : SqliteError(raw, code);
  // Before the first byte is in it; the log and the rollback journal inherit the mode. (Opening the
  // file ourselves and closing it again would drop SQLite's POSIX locks on it.)
  if (status.ok() && chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 && errno != ENOENT) {
    status = absl::UnavailableError(std::strerror(errno));
  }
  if (status.ok()) status = db->Prepare(kind, wal, sync_commits);
  if (status.ok()) return db;
  return absl::Status(status.code(), absl::StrCat("cannot open the ", kind.name, " ", path, ": ",
                                                  std::string(status.message())));
}

Database::~Database() { sqlite3_close(db_); }

absl::Status Database::Prepare(const FileKind& kind, bool wal, bool sync_commits) {
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, kMaxRowBytes);
  // Before the first access: it also keeps the log's index in our memory and off the disk.
  ATTUNE_RETURN_IF_ERROR(Run("PRAGMA locking_mode = EXCLUSIVE"));
  ATTUNE_RETURN_IF_ERROR(Run("PRAGMA page_size = 4096"));
  ATTUNE_RETURN_IF_ERROR(Run("PRAGMA auto_vacuum = NONE"));
  ATTUNE_RETURN_IF_ERROR(Run("PRAGMA temp_store = MEMORY"));
  ATTUNE_RETURN_IF_ERROR(Run("PRAGMA secure_delete = ON"));
  ATTUNE_RETURN_IF_ERROR(Run("PRAGMA cell_size_check = ON"));
  ATTUNE_RETURN_IF_ERROR(Run("PRAGMA trusted_schema = OFF"));
  ATTUNE_ASSIGN_OR_RETURN(const std::string mode, Text(wal ? "PRAGMA journal_mode = WAL"
                                                           : "PRAGMA journal_mode = TRUNCATE"));
  if (mode != (wal ? "wal" : "truncate")) {
    return absl::UnavailableError(absl::StrCat("its file system does not support the \"",
                                               wal ? "wal" : "truncate", "\" journal mode"));
  }
  ATTUNE_RETURN_IF_ERROR(
      Run(sync_commits ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  // Checkpoints are made between commits, when nobody waits for an answer.
  sqlite3_wal_hook(db_, &Database::NoteCommit, this);
  ATTUNE_RETURN_IF_ERROR(Run(absl::StrCat("PRAGMA journal_size_limit = ", kLogSizeLimitBytes)));
  return CheckOrCreate(kind);
}

absl::Status Database::CheckOrCreate(const FileKind& kind) {
  ATTUNE_RETURN_IF_ERROR(Begin());
  absl::Status status = [&]() -> absl::Status {
    ATTUNE_ASSIGN_OR_RETURN(const int64_t id, Int("PRAGMA application_id"));
    ATTUNE_ASSIGN_OR_RETURN(const int64_t version, Int("PRAGMA user_version"));
    ATTUNE_ASSIGN_OR_RETURN(const int64_t objects, Int("SELECT count(*) FROM sqlite_schema"));
    if (id == 0 && version == 0 && objects == 0) {
      for (const std::string& table : kind.tables) ATTUNE_RETURN_IF_ERROR(Run(table));
      ATTUNE_RETURN_IF_ERROR(Run(absl::StrCat("PRAGMA application_id = ", kind.application_id)));
      return Run(absl::StrCat("PRAGMA user_version = ", kind.version));
    }
    if (id != kind.application_id) {
      return absl::DataLossError(absl::StrCat("it is not a ", kind.name,
                                              ", or its header is "
                                              "damaged"));
    }
    if (version > kind.version) {
      return absl::FailedPreconditionError(
          absl::StrCat("it was written by a newer version (format ", version, ", this one knows ",
                       kind.version, ")"));
    }
    if (version != kind.version) return absl::DataLossError("its header is damaged (version)");
    ATTUNE_ASSIGN_OR_RETURN(Statement schema, Prepare("SELECT sql FROM sqlite_schema WHERE type = "
                                                      "'table' AND name NOT LIKE 'sqlite_%' "
                                                      "ORDER BY rowid"));
    for (const std::string& table : kind.tables) {
      ATTUNE_ASSIGN_OR_RETURN(const bool row, schema.Step());
      if (!row || schema.Bytes(0) != table) {
        return absl::DataLossError("its schema is damaged");
      }
    }
    return absl::OkStatus();
  }();
  if (status.ok()) status = Commit();
  if (!status.ok()) Rollback();
  return status;
}

absl::StatusOr<Statement> Database::Prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code == SQLITE_OK) return Statement(raw);
  // Our statements fit our schema: when one does not, the stored schema is not ours any more.
  if (code == SQLITE_ERROR) {
    return absl::DataLossError(absl::StrCat("the schema is damaged: ", sqlite3_errmsg(db_)));
  }
  return SqliteError(db_, code);
}

absl::Status Database::Run(const std::string& sql) {
  ATTUNE_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  return statement.Run();
}

absl::StatusOr<std::string> Database::Text(const std::string& sql) {
  ATTUNE_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ATTUNE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::DataLossError(absl::StrCat("no answer to ", sql));
  return std::string(statement.Bytes(0));
}

absl::StatusOr<int64_t> Database::Int(const std::string& sql) {
  ATTUNE_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ATTUNE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::DataLossError(absl::StrCat("no answer to ", sql));
  return statement.Int(0);
}

void Database::Rollback() {
  // SQLite rolls back by itself on some errors.
  if (sqlite3_get_autocommit(db_) == 0) Run("ROLLBACK").IgnoreError();
}

int Database::NoteCommit(void* self, sqlite3*, const char*, int log_pages) {
  static_cast<Database*>(self)->log_pages_ = log_pages;
  return SQLITE_OK;
}

absl::Status Database::Checkpoint(bool truncate) {
  const int code = sqlite3_wal_checkpoint_v2(
      db_, nullptr, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, nullptr,
      nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(db_, code);
}

}  // namespace attune::journal
