#include "services/journal/sqlite_journal.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"
#include "services/base/status_macros.h"
#include "services/journal/sqlite_store.h"
#include "services/journal/sqlite_writer.h"

namespace attune::journal {
namespace {

// Of one step of a backup; the writer waits for a step at most.
constexpr int kBackupPages = 256;

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(std::unique_ptr<SqliteStore> store, const std::string& path, SqliteOptions options)
      : tier_(options.tier),
        store_(std::move(store)),
        writer_(*store_, store_mu_, path, std::move(options)) {}

  Tier tier() const override { return tier_; }

  absl::Status Open(const SessionId& session, const Fence& fence) override {
    if (writer_.IsWriterThread()) {
      return absl::FailedPreconditionError("Open must not be called from a journal's callback");
    }
    std::promise<absl::Status> answer;
    Submit(session, fence, OpenOp{},
           [&](absl::Status status) { answer.set_value(std::move(status)); });
    return answer.get_future().get();
  }

  void Append(const SessionId& session, const Fence& fence, std::vector<Entry> entries, Done done,
              Urgency) override {
    Submit(session, fence, AppendOp{std::move(entries)}, std::move(done));
  }

  absl::Status Read(const SessionId& session, uint64_t from_number, const Sink& sink) override;

  absl::StatusOr<Position> Last(const SessionId& session) override {
    const auto row = store_->Find(session);
    if (!row.has_value()) return absl::NotFoundError("the journal has no such session");
    return row->position();
  }

  void WriteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                 uint64_t revision, const Subject& subject, std::string bytes, Done done) override {
    Submit(session, fence, WriteBlobOp{name, revision, subject, std::move(bytes)}, std::move(done));
  }

  absl::StatusOr<Blob> ReadBlob(const SessionId& session, const std::string& name) override {
    MutexLock lock(store_mu_);
    return store_->ReadBlob(session, name);
  }

  void DeleteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                  Done done) override {
    Submit(session, fence, DeleteBlobOp{name}, std::move(done));
  }

  void SetLabel(const SessionId& session, const Fence& fence, const std::string& label,
                Done done) override {
    Submit(session, fence, SetLabelOp{label}, std::move(done));
  }

  void Trim(const SessionId& session, const Fence& fence, uint64_t up_to_number,
            Done done) override {
    Submit(session, fence, TrimOp{up_to_number}, std::move(done));
  }

  void EraseSubject(const SessionId& session, const Fence& fence, const Subject& subject,
                    Done done) override {
    Submit(session, fence, EraseOp{subject}, std::move(done));
  }

  void DeleteSession(const SessionId& session, const Fence& fence, Done done) override {
    Submit(session, fence, DeleteSessionOp{}, std::move(done));
  }

  // A disk that has lost acknowledged entries says DATA_LOSS when they are read.
  void SetOnLost(OnLost) override {}

  void Restore(const SessionId& session, const Fence& fence, uint64_t last_number,
               Done done) override {
    Submit(session, fence, RestoreOp{last_number}, std::move(done));
  }

  void Close(const SessionId&, const Fence&) override {}

  absl::StatusOr<Listing> List(std::string_view cursor, size_t limit) override {
    ATTUNE_RETURN_IF_ERROR(CheckListLimit(limit));
    return store_->List(cursor, limit);
  }

  Health GetHealth() const override { return writer_.GetHealth(); }

  absl::Status BackupTo(const std::string& path) override;

 private:
  void Submit(const SessionId& session, const Fence& fence, What what, Done done) {
    const absl::Status valid = CheckOp(session, fence, what);
    if (!valid.ok()) return done(valid);
    const size_t entries = EntriesOf(what);
    const size_t bytes = BytesOf(what);
    writer_.Submit({session, fence, std::move(what), std::move(done), entries, bytes, {}});
  }
  absl::Status CopyTo(sqlite3* copy);

  const Tier tier_;
  // Over the file: held for a transaction, a chunk of reading, a step of a backup.
  Mutex store_mu_;
  const std::unique_ptr<SqliteStore> store_;
  SqliteWriter writer_;  // last: it uses the others
};

absl::Status SqliteJournal::Read(const SessionId& session, uint64_t from_number, const Sink& sink) {
  const auto row = store_->Find(session);
  if (!row.has_value()) return absl::NotFoundError("the journal has no such session");
  uint64_t next = from_number == 0 ? row->first_number : from_number;
  if (next < row->first_number) {
    return absl::OutOfRangeError(
        absl::StrCat("entry ", next, " has been trimmed: the first is ", row->first_number));
  }
  while (next <= row->last_number) {
    absl::StatusOr<std::vector<Entry>> entries;
    {
      MutexLock lock(store_mu_);
      entries = store_->ReadEntries(session, *row, next, row->last_number);
    }
    if (absl::IsDataLoss(entries.status())) {
      const auto now = store_->Find(session);
      if (!now.has_value() || now->id != row->id || next < now->first_number) {
        return absl::OutOfRangeError(absl::StrCat("entry ", next, " was trimmed meanwhile"));
      }
    }
    ATTUNE_RETURN_IF_ERROR(entries.status());
    for (Entry& entry : *entries) {
      ATTUNE_RETURN_IF_ERROR(sink(std::move(entry)));
      ++next;
    }
  }
  return absl::OkStatus();
}

absl::Status SqliteJournal::BackupTo(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) == 0 || errno != ENOENT) {
    return absl::AlreadyExistsError(
        absl::StrCat("a backup goes into a file that does not exist yet: ", path));
  }
  sqlite3* copy = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &copy,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  absl::Status status = code == SQLITE_OK ? absl::OkStatus() : SqliteError(copy, code);
  if (status.ok() && chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
    status = absl::UnavailableError(std::strerror(errno));
  }
  if (status.ok()) status = CopyTo(copy);
  sqlite3_close(copy);
  if (status.ok()) return status;
  unlink(path.c_str());
  unlink((path + "-journal").c_str());
  return absl::Status(status.code(), absl::StrCat("cannot write the backup ", path, ": ",
                                                  std::string(status.message())));
}

absl::Status SqliteJournal::CopyTo(sqlite3* copy) {
  const uint64_t scrubs = writer_.scrubs();
  sqlite3_backup* backup = nullptr;
  {
    MutexLock lock(store_mu_);
    backup = sqlite3_backup_init(copy, "main", store_->db().handle(), "main");
  }
  if (backup == nullptr) return SqliteError(copy, sqlite3_errcode(copy));
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    // What the writer changes between the steps goes into the copy as well: SQLite sees to it, as
    // both use the same connection.
    MutexLock lock(store_mu_);
    code = sqlite3_backup_step(backup, kBackupPages);
  }
  MutexLock lock(store_mu_);
  const int finished = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) return SqliteError(nullptr, code);
  if (finished != SQLITE_OK) return SqliteError(nullptr, finished);
  if (writer_.scrubs() != scrubs) {
    // The cleaning goes past SQLite: pages that were copied before it are not clean.
    return absl::AbortedError("somebody was erased meanwhile: take the backup again");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> OpenSqliteJournal(const std::string& path,
                                                           SqliteOptions options) {
  if (options.clock == nullptr) return absl::InvalidArgumentError("a journal needs a clock");
  if (options.tier != Tier::kProcess && options.tier != Tier::kFsync) {
    return absl::InvalidArgumentError(absl::StrCat("a journal on a disk cannot promise the tier \"",
                                                   std::string(TierName(options.tier)),
                                                   "\": use \"process\" or \"fsync\""));
  }
  ATTUNE_ASSIGN_OR_RETURN(auto store, SqliteStore::Open(path, options.vfs_name, options.tier));
  return std::make_unique<SqliteJournal>(std::move(store), path, std::move(options));
}

}  // namespace attune::journal
