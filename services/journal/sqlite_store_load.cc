// Opening: statements, and the heads that are kept in memory.
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/journal/sqlite_schema.h"
#include "services/journal/sqlite_store.h"

namespace attune::journal {
namespace {

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "the journal is damaged (", std::string(what),
      "): restore a backup, or move the file away to begin anew; edges send again what they hold"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path,
                                                               const std::string& vfs_name,
                                                               Tier tier) {
  ATTUNE_ASSIGN_OR_RETURN(auto db, Database::Open(path, vfs_name, JournalKind(), /*wal=*/true,
                                                  /*sync_commits=*/tier == Tier::kFsync));
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(db)));
  ATTUNE_RETURN_IF_ERROR(store->PrepareStatements());
  ATTUNE_RETURN_IF_ERROR(store->Load());
  // A death between an erasure's commit and its cleaning.
  if (store->scrub_pending()) ATTUNE_RETURN_IF_ERROR(store->Scrub());
  return store;
}

absl::Status SqliteStore::PrepareStatements() {
  const auto prepare = [&](Statement& statement, const char* sql) -> absl::Status {
    ATTUNE_ASSIGN_OR_RETURN(statement, db_->Prepare(sql));
    return absl::OkStatus();
  };
  ATTUNE_RETURN_IF_ERROR(prepare(put_meta_,
                                 "INSERT OR REPLACE INTO meta(id, sessions, blobs, next_session, "
                                 "scrub, crc) VALUES(1, ?1, ?2, ?3, ?4, ?5)"));
  ATTUNE_RETURN_IF_ERROR(prepare(put_session_,
                                 "INSERT OR REPLACE INTO sessions(id, name, epoch, nonce, "
                                 "first_number, last_number, written_utc_us, label, crc) "
                                 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
  ATTUNE_RETURN_IF_ERROR(prepare(delete_session_, "DELETE FROM sessions WHERE id = ?1"));
  ATTUNE_RETURN_IF_ERROR(prepare(put_entry_,
                                 "INSERT INTO entries(id, epoch, subject, erased, crc, payload) "
                                 "VALUES(?1, ?2, ?3, 0, ?4, ?5)"));
  ATTUNE_RETURN_IF_ERROR(prepare(read_entries_,
                                 "SELECT id, epoch, subject, erased, crc, payload FROM entries "
                                 "WHERE id BETWEEN ?1 AND ?2 ORDER BY id"));
  ATTUNE_RETURN_IF_ERROR(
      prepare(delete_entries_, "DELETE FROM entries WHERE id BETWEEN ?1 AND ?2"));
  ATTUNE_RETURN_IF_ERROR(prepare(find_subject_,
                                 "SELECT id, epoch, length(payload) FROM entries "
                                 "WHERE id BETWEEN ?1 AND ?2 AND subject = ?3 AND erased = 0"));
  // Zeros of the same length: the row is overwritten where it is.
  ATTUNE_RETURN_IF_ERROR(
      prepare(erase_entry_, "UPDATE entries SET erased = 1, crc = ?1, payload = ?2 WHERE id = ?3"));
  ATTUNE_RETURN_IF_ERROR(prepare(put_blob_,
                                 "INSERT INTO blobs(session, name, revision, epoch, subject, "
                                 "head_crc, bytes_crc, bytes) "
                                 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  ATTUNE_RETURN_IF_ERROR(
      prepare(replace_blob_,
              "UPDATE blobs SET session = ?1, name = ?2, revision = ?3, epoch = ?4, subject = ?5, "
              "head_crc = ?6, bytes_crc = ?7, bytes = ?8 WHERE id = ?9"));
  ATTUNE_RETURN_IF_ERROR(prepare(read_blob_, "SELECT bytes_crc, bytes FROM blobs WHERE id = ?1"));
  return prepare(delete_blob_, "DELETE FROM blobs WHERE id = ?1");
}

absl::Status SqliteStore::Load() {
  ATTUNE_RETURN_IF_ERROR(LoadMeta());
  ATTUNE_RETURN_IF_ERROR(LoadSessions());
  return LoadBlobs();
}

absl::Status SqliteStore::LoadMeta() {
  ATTUNE_ASSIGN_OR_RETURN(
      Statement read,
      db_->Prepare("SELECT sessions, blobs, next_session, scrub, crc FROM meta WHERE id = 1"));
  ATTUNE_ASSIGN_OR_RETURN(const bool row, read.Step());
  if (!row) {
    // A fresh file: nothing else may be in it then.
    for (const char* table : {"sessions", "entries", "blobs"}) {
      ATTUNE_ASSIGN_OR_RETURN(const int64_t rows,
                              db_->Int(absl::StrCat("SELECT count(*) FROM ", table)));
      if (rows != 0) return Damaged("its first row is missing");
    }
    next_meta_ = meta_;
    return WriteMeta();
  }
  meta_ = {read.Int(0), read.Int(1), read.Int(2), read.Int(3) != 0};
  if (read.Bytes(4) != MetaCrc(meta_.sessions, meta_.blobs, meta_.next_session, meta_.scrub)) {
    return Damaged("its first row");
  }
  return absl::OkStatus();
}

absl::Status SqliteStore::LoadSessions() {
  ATTUNE_ASSIGN_OR_RETURN(Statement read,
                          db_->Prepare("SELECT id, name, epoch, nonce, first_number, last_number, "
                                       "written_utc_us, label, crc FROM sessions"));
  MutexLock lock(mu_);
  while (true) {
    ATTUNE_ASSIGN_OR_RETURN(const bool more, read.Step());
    if (!more) break;
    SessionRow row;
    row.id = read.Int(0);
    const std::string session(read.Bytes(1));
    row.fence = {static_cast<uint64_t>(read.Int(2)), std::string(read.Bytes(3))};
    row.first_number = static_cast<uint64_t>(read.Int(4));
    row.last_number = static_cast<uint64_t>(read.Int(5));
    row.written_utc_us = read.Int(6);
    row.label = std::string(read.Bytes(7));
    if (read.Bytes(8) !=
            SessionCrc(row.id, session, row.fence, row.position(), row.written_utc_us, row.label) ||
        !sessions_.emplace(session, row).second) {
      return Damaged("a session's row");
    }
  }
  if (static_cast<int64_t>(sessions_.size()) != meta_.sessions) return Damaged("rows are missing");
  return absl::OkStatus();
}

absl::Status SqliteStore::LoadBlobs() {
  MutexLock lock(mu_);
  std::map<int64_t, SessionRow*> by_id;
  for (auto& [name, row] : sessions_) by_id[row.id] = &row;
  // The bytes are not touched here.
  ATTUNE_ASSIGN_OR_RETURN(
      Statement read,
      db_->Prepare("SELECT id, session, name, revision, epoch, subject, head_crc FROM blobs"));
  int64_t rows = 0;
  while (true) {
    ATTUNE_ASSIGN_OR_RETURN(const bool more, read.Step());
    if (!more) break;
    ++rows;
    const int64_t session = read.Int(1);
    const std::string name(read.Bytes(2));
    const BlobHead head = {read.Int(0), static_cast<uint64_t>(read.Int(3)),
                           static_cast<uint64_t>(read.Int(4)), std::string(read.Bytes(5))};
    const auto owner = by_id.find(session);
    if (owner == by_id.end() ||
        read.Bytes(6) != BlobHeadCrc(session, name, head.revision, head.epoch, head.subject)) {
      ++damaged_blob_heads_;
      continue;
    }
    owner->second->blobs[name].push_back(head);
  }
  if (rows != meta_.blobs) return Damaged("rows are missing");
  return absl::OkStatus();
}

}  // namespace attune::journal
