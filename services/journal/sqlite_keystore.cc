#include "services/journal/sqlite_keystore.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"
#include "services/base/status_macros.h"
#include "services/journal/checksum.h"
#include "services/journal/key_wrapping.h"
#include "services/journal/sqlite_db.h"
#include "services/journal/sqlite_scrub.h"

namespace attune::journal {
namespace {

constexpr char kSessionDomain = 'k';

// keys: an empty `wrapped` is a tombstone. sessions: erased is the tombstone of all its subjects.
// proofs: a known text under each key-encryption key, so that a wrong one is noticed at once.
FileKind KeyStoreKind() {
  return {"key store",
          0x41'54'4b'31,  // "ATK1"
          1,
          {"CREATE TABLE keys(session BLOB NOT NULL, subject BLOB NOT NULL, kek BLOB NOT NULL, "
           "wrapped BLOB NOT NULL, UNIQUE(session, subject))",
           "CREATE TABLE sessions(session BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, "
           "erased INTEGER NOT NULL, crc BLOB NOT NULL)",
           "CREATE TABLE proofs(kek BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL)"}};
}

absl::Status Erased() { return absl::NotFoundError("erased: the key has been destroyed"); }

struct SessionRow {
  uint64_t epoch = 0;
  bool erased = false;
};

std::string SessionCrc(const std::string& session, const SessionRow& row) {
  return Checksum(kSessionDomain).Add(session).Add(row.epoch).Add(row.erased ? 1 : 0).Bytes();
}

class SqliteKeyStore final : public KeyStore {
 public:
  SqliteKeyStore(std::unique_ptr<Database> db, SqliteKeyStoreOptions options)
      : wrapper_(std::move(options.keys), *options.random), db_(std::move(db)) {}

  absl::Status Start();

  absl::StatusOr<std::shared_ptr<const DataKey>> GetOrCreate(const std::string& session,
                                                             const std::string& subject) override {
    MutexLock lock(mu_);
    return Find(session, subject, /*create=*/true);
  }
  absl::StatusOr<std::shared_ptr<const DataKey>> Get(const std::string& session,
                                                     const std::string& subject) override {
    MutexLock lock(mu_);
    return Find(session, subject, /*create=*/false);
  }
  absl::Status Destroy(const std::string& session, const std::string& subject) override;
  absl::Status DestroySession(const std::string& session) override;
  absl::StatusOr<uint64_t> LastEpoch(const std::string& session) override {
    MutexLock lock(mu_);
    ATTUNE_ASSIGN_OR_RETURN(const SessionRow row, ReadSession(session));
    return row.epoch;
  }
  absl::Status RaiseEpoch(const std::string& session, uint64_t epoch) override;
  void Forget(const std::string&) override {}

 private:
  using Key = std::shared_ptr<const DataKey>;

  absl::StatusOr<Key> Find(const std::string& session, const std::string& subject, bool create)
      ATTUNE_REQUIRES(mu_);
  absl::StatusOr<Key> Create(const std::string& session, const std::string& subject)
      ATTUNE_REQUIRES(mu_);
  absl::StatusOr<SessionRow> ReadSession(const std::string& session) ATTUNE_REQUIRES(mu_);
  absl::Status WriteSession(const std::string& session, const SessionRow& row) ATTUNE_REQUIRES(mu_);
  absl::Status Prove();
  // All of `change` on disk, or nothing.
  template <typename Change>
  absl::Status InTransaction(const Change& change) ATTUNE_REQUIRES(mu_);

  KeyWrapper wrapper_;
  Mutex mu_;
  const std::unique_ptr<Database> db_;
  // The stores statements must go before the connection.
  Statement find_, put_, drop_, find_session_, put_session_;
  std::map<std::pair<std::string, std::string>, Key> cache_ ATTUNE_GUARDED_BY(mu_);
};

template <typename Change>
absl::Status SqliteKeyStore::InTransaction(const Change& change) {
  absl::Status status = db_->Begin();
  if (status.ok()) status = change();
  if (status.ok()) status = db_->Commit();
  if (!status.ok()) db_->Rollback();
  return status;
}

absl::Status SqliteKeyStore::Start() {
  ATTUNE_ASSIGN_OR_RETURN(const std::string verdict, db_->Text("PRAGMA integrity_check(1)"));
  if (verdict != "ok") {
    return absl::DataLossError(absl::StrCat("the key store is damaged: ", verdict));
  }
  ATTUNE_ASSIGN_OR_RETURN(
      find_, db_->Prepare("SELECT kek, wrapped FROM keys WHERE session = ?1 AND subject = ?2"));
  ATTUNE_ASSIGN_OR_RETURN(put_, db_->Prepare("INSERT OR REPLACE INTO keys(session, subject, kek, "
                                             "wrapped) VALUES(?1, ?2, ?3, ?4)"));
  ATTUNE_ASSIGN_OR_RETURN(drop_, db_->Prepare("DELETE FROM keys WHERE session = ?1"));
  ATTUNE_ASSIGN_OR_RETURN(find_session_,
                          db_->Prepare("SELECT epoch, erased, crc FROM sessions WHERE session = "
                                       "?1"));
  ATTUNE_ASSIGN_OR_RETURN(put_session_,
                          db_->Prepare("INSERT OR REPLACE INTO sessions(session, epoch, erased, "
                                       "crc) VALUES(?1, ?2, ?3, ?4)"));
  ATTUNE_RETURN_IF_ERROR(Prove());
  // A death between a destruction's commit and its cleaning.
  return ScrubUnusedSpace(*db_);
}

absl::Status SqliteKeyStore::Prove() {
  bool current_is_proven = false;
  {
    ATTUNE_ASSIGN_OR_RETURN(Statement proofs, db_->Prepare("SELECT kek, wrapped FROM proofs"));
    while (true) {
      ATTUNE_ASSIGN_OR_RETURN(const bool row, proofs.Step());
      if (!row) break;
      const std::string id(proofs.Bytes(0));
      ATTUNE_RETURN_IF_ERROR(wrapper_.CheckProof(id, proofs.Bytes(1)));
      current_is_proven = current_is_proven || id == wrapper_.first_id();
    }
  }
  if (current_is_proven) return absl::OkStatus();
  ATTUNE_ASSIGN_OR_RETURN(const std::string wrapped, wrapper_.Proof());
  ATTUNE_ASSIGN_OR_RETURN(Statement put,
                          db_->Prepare("INSERT INTO proofs(kek, wrapped) VALUES(?1, ?2)"));
  return put.Bind(wrapper_.first_id()).Bind(wrapped).Run();
}

absl::StatusOr<SqliteKeyStore::Key> SqliteKeyStore::Find(const std::string& session,
                                                         const std::string& subject, bool create) {
  const auto cached = cache_.find({session, subject});
  if (cached != cache_.end()) return cached->second;
  ATTUNE_ASSIGN_OR_RETURN(const bool row, find_.Bind(session).Bind(subject).Step());
  Key key;
  if (row) {
    const std::string kek(find_.Bytes(0));
    const std::string wrapped(find_.Bytes(1));
    find_.Reset();
    if (wrapped.empty()) return Erased();
    ATTUNE_ASSIGN_OR_RETURN(key, wrapper_.Unwrap(session, subject, kek, wrapped));
  } else {
    ATTUNE_ASSIGN_OR_RETURN(const SessionRow in, ReadSession(session));
    if (in.erased) return Erased();
    if (!create) {
      return absl::DataLossError(
          "there is no key for these bytes: is this the key store that belongs to the journal?");
    }
    ATTUNE_ASSIGN_OR_RETURN(key, Create(session, subject));
  }
  if (cache_.size() >= kMaxCachedKeys) cache_.clear();
  cache_[{session, subject}] = key;
  return key;
}

absl::StatusOr<SqliteKeyStore::Key> SqliteKeyStore::Create(const std::string& session,
                                                           const std::string& subject) {
  ATTUNE_ASSIGN_OR_RETURN(const KeyWrapper::Made made, wrapper_.Make(session, subject));
  ATTUNE_RETURN_IF_ERROR(InTransaction(
      [&] { return put_.Bind(session).Bind(subject).Bind(made.kek).Bind(made.wrapped).Run(); }));
  return made.key;
}

absl::Status SqliteKeyStore::Destroy(const std::string& session, const std::string& subject) {
  MutexLock lock(mu_);
  cache_.erase({session, subject});
  ATTUNE_ASSIGN_OR_RETURN(const SessionRow in, ReadSession(session));
  if (!in.erased) {
    ATTUNE_RETURN_IF_ERROR(InTransaction([&] {
      return put_.Bind(session)
          .Bind(subject)
          .Bind(std::string_view())
          .Bind(std::string_view())
          .Run();
    }));
  }
  return ScrubUnusedSpace(*db_);
}

absl::Status SqliteKeyStore::DestroySession(const std::string& session) {
  MutexLock lock(mu_);
  std::erase_if(cache_, [&](const auto& cached) { return cached.first.first == session; });
  ATTUNE_RETURN_IF_ERROR(InTransaction([&]() -> absl::Status {
    ATTUNE_ASSIGN_OR_RETURN(SessionRow row, ReadSession(session));
    row.erased = true;
    ATTUNE_RETURN_IF_ERROR(WriteSession(session, row));
    return drop_.Bind(session).Run();
  }));
  return ScrubUnusedSpace(*db_);
}

absl::StatusOr<SessionRow> SqliteKeyStore::ReadSession(const std::string& session) {
  SessionRow row;
  ATTUNE_ASSIGN_OR_RETURN(const bool found, find_session_.Bind(session).Step());
  if (!found) return row;
  row.epoch = static_cast<uint64_t>(find_session_.Int(0));
  row.erased = find_session_.Int(1) != 0;
  const bool good = find_session_.Bytes(2) == SessionCrc(session, row);
  find_session_.Reset();
  if (!good) return absl::DataLossError("a session's row in the key store is damaged");
  return row;
}

absl::Status SqliteKeyStore::WriteSession(const std::string& session, const SessionRow& row) {
  const std::string crc = SessionCrc(session, row);
  return put_session_.Bind(session)
      .Bind(static_cast<int64_t>(row.epoch))
      .Bind(int64_t{row.erased})
      .Bind(crc)
      .Run();
}

absl::Status SqliteKeyStore::RaiseEpoch(const std::string& session, uint64_t epoch) {
  MutexLock lock(mu_);
  ATTUNE_ASSIGN_OR_RETURN(SessionRow row, ReadSession(session));
  if (epoch <= row.epoch) {
    return absl::FailedPreconditionError(
        absl::StrCat("epoch ", epoch, " has been used: acquire the session above ", row.epoch));
  }
  row.epoch = epoch;
  return InTransaction([&] { return WriteSession(session, row); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyStore>> OpenSqliteKeyStore(const std::string& path,
                                                             SqliteKeyStoreOptions options) {
  if (options.random == nullptr) return absl::InvalidArgumentError("no source of randomness");
  ATTUNE_RETURN_IF_ERROR(CheckKeyEncryptionKeys(options.keys));
  ATTUNE_ASSIGN_OR_RETURN(auto db,
                          Database::Open(path, options.vfs_name, KeyStoreKind(), /*wal=*/false,
                                         /*sync_commits=*/true));
  auto store = std::make_unique<SqliteKeyStore>(std::move(db), std::move(options));
  ATTUNE_RETURN_IF_ERROR(store->Start());
  return store;
}

}  // namespace attune::journal
