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
// What an operation without entries takes up in the queue.
constexpr size_t kOpBytes = 256;

absl::Status CheckSession(const SessionId& session) {
  if (!session.empty() && session.size() <= kMaxSessionIdBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a session id is 1 to ", kMaxSessionIdBytes, " bytes"));
}

absl::Status CheckFence(const Fence& fence) {
  if (fence.epoch >= 1 && fence.epoch <= kMaxEpoch && !fence.nonce.empty() &&
      fence.nonce.size() <= kMaxFenceNonceBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("a fence is an epoch of 1 to ", kMaxEpoch,
                                                 " and a nonce of 1 to ", kMaxFenceNonceBytes,
                                                 " bytes"));
}

absl::Status CheckSubject(const Subject& subject) {
  if (subject.empty() || subject.size() == kSubjectBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a subject is ", kSubjectBytes, " bytes, or empty"));
}

absl::Status CheckName(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxBlobNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a blob's name is 1 to ", kMaxBlobNameBytes, " bytes"));
}

absl::Status CheckEntries(const std::vector<Entry>& entries) {
  if (entries.size() > kMaxQueuedEntries) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kMaxQueuedEntries, " entries in one call"));
  }
  for (const Entry& entry : entries) {
    ATTUNE_RETURN_IF_ERROR(CheckSubject(entry.subject));
    if (entry.payload.size() > kMaxEntryBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("an entry is at most ", kMaxEntryBytes, " bytes"));
    }
  }
  return absl::OkStatus();
}

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
    Submit(session, fence, OpenOp{}, 1, kOpBytes, absl::OkStatus(),
           [&](absl::Status status) { answer.set_value(std::move(status)); });
    return answer.get_future().get();
  }

  void Append(const SessionId& session, const Fence& fence, std::vector<Entry> entries, Done done,
              Urgency) override {
    const absl::Status valid = CheckEntries(entries);
    size_t bytes = kOpBytes;
    for (const Entry& entry : entries) bytes += entry.payload.size() + sizeof(Entry);
    const size_t count = entries.size();
    Submit(session, fence, AppendOp{std::move(entries)}, count, bytes, valid, std::move(done));
  }

  absl::Status Read(const SessionId& session, uint64_t from_number, const Sink& sink) override;

  absl::StatusOr<Position> Last(const SessionId& session) override {
    const auto row = store_->Find(session);
    if (!row.has_value()) return absl::NotFoundError("the journal has no such session");
    return row->position();
  }

  void WriteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                 uint64_t revision, const Subject& subject, std::string bytes, Done done) override {
    absl::Status valid = CheckName(name);
    if (valid.ok()) valid = CheckSubject(subject);
    if (valid.ok() && bytes.size() > kMaxBlobBytes) {
      valid =
          absl::InvalidArgumentError(absl::StrCat("a blob is at most ", kMaxBlobBytes, " bytes"));
    }
    if (valid.ok() && revision > static_cast<uint64_t>(INT64_MAX)) {
      valid = absl::InvalidArgumentError("a revision is at most 2^63 - 1");
    }
    const size_t cost = kOpBytes + bytes.size();
    Submit(session, fence, WriteBlobOp{name, revision, subject, std::move(bytes)}, 1, cost, valid,
           std::move(done));
  }

  absl::StatusOr<Blob> ReadBlob(const SessionId& session, const std::string& name) override {
    MutexLock lock(store_mu_);
    return store_->ReadBlob(session, name);
  }

  void DeleteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                  Done done) override {
    Submit(session, fence, DeleteBlobOp{name}, 1, kOpBytes, CheckName(name), std::move(done));
  }

  void SetLabel(const SessionId& session, const Fence& fence, const std::string& label,
                Done done) override {
    absl::Status valid;
    if (label.size() > kMaxLabelBytes) {
      valid =
          absl::InvalidArgumentError(absl::StrCat("a label is at most ", kMaxLabelBytes, " bytes"));
    }
    Submit(session, fence, SetLabelOp{label}, 1, kOpBytes, valid, std::move(done));
  }

  void Trim(const SessionId& session, const Fence& fence, uint64_t up_to_number,
            Done done) override {
    Submit(session, fence, TrimOp{up_to_number}, 1, kOpBytes, absl::OkStatus(), std::move(done));
  }

  void EraseSubject(const SessionId& session, const Fence& fence, const Subject& subject,
                    Done done) override {
    Submit(session, fence, EraseOp{subject}, 1, kOpBytes, CheckSubject(subject), std::move(done));
  }

  void DeleteSession(const SessionId& session, const Fence& fence, Done done) override {
    Submit(session, fence, DeleteSessionOp{}, 1, kOpBytes, absl::OkStatus(), std::move(done));
  }

  // A disk that has lost acknowledged entries says DATA_LOSS when they are read.
  void SetOnLost(OnLost) override {}

  void Restore(const SessionId& session, const Fence& fence, uint64_t last_number,
               Done done) override {
    absl::Status valid;
    if (last_number > kMaxNumber) {
      valid = absl::InvalidArgumentError(absl::StrCat("a number is at most ", kMaxNumber));
    }
    Submit(session, fence, RestoreOp{last_number}, 1, kOpBytes, valid, std::move(done));
  }

  void Close(const SessionId&, const Fence&) override {}

  absl::StatusOr<Listing> List(std::string_view cursor, size_t limit) override {
    if (limit == 0 || limit > kMaxListed) {
      return absl::InvalidArgumentError(absl::StrCat("list 1 to ", kMaxListed, " at a time"));
    }
    return store_->List(cursor, limit);
  }

  Health GetHealth() const override { return writer_.GetHealth(); }

  absl::Status BackupTo(const std::string& path) override;

 private:
  template <typename What>
  void Submit(const SessionId& session, const Fence& fence, What what, size_t entries, size_t bytes,
              absl::Status valid, Done done) {
    if (valid.ok()) valid = CheckSession(session);
    if (valid.ok()) valid = CheckFence(fence);
    if (!valid.ok()) return done(valid);
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
