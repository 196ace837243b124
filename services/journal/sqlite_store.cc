#include "services/journal/sqlite_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/journal/sqlite_schema.h"
#include "services/journal/sqlite_scrub.h"

namespace attune::journal {
namespace {

constexpr size_t kBlobSlots = 2;

absl::Status Stale() {
  return absl::FailedPreconditionError(
      "the fence is stale or not opened: the session belongs to another owner");
}

}  // namespace

// ---- Transactions

absl::Status SqliteStore::Apply(std::list<Op>& ops, int64_t now_utc_us) {
  touched_.clear();
  next_meta_ = meta_;
  const absl::Status status = [&]() -> absl::Status {
    ATTUNE_RETURN_IF_ERROR(db_->Begin());
    for (Op& op : ops) ATTUNE_RETURN_IF_ERROR(ApplyOne(op));
    bool meta_changed = next_meta_.sessions != meta_.sessions || next_meta_.blobs != meta_.blobs ||
                        next_meta_.scrub != meta_.scrub ||
                        next_meta_.next_session != meta_.next_session;
    for (auto& [session, touched] : touched_) {
      if (!touched.changed || !touched.row.has_value()) continue;
      touched.row->written_utc_us = now_utc_us;
      ATTUNE_RETURN_IF_ERROR(WriteSession(session, *touched.row));
    }
    if (meta_changed) ATTUNE_RETURN_IF_ERROR(WriteMeta());
    return db_->Commit();
  }();
  if (!status.ok()) {
    db_->Rollback();
    return status;
  }
  meta_ = next_meta_;
  MutexLock lock(mu_);
  for (auto& [session, touched] : touched_) {
    if (!touched.changed) continue;
    if (touched.row.has_value()) {
      sessions_.insert_or_assign(session, std::move(*touched.row));
    } else {
      sessions_.erase(session);
    }
  }
  return absl::OkStatus();
}

SqliteStore::Touched& SqliteStore::Touch(const SessionId& session) {
  const auto known = touched_.find(session);
  if (known != touched_.end()) return known->second;
  return touched_.emplace(session, Touched{Find(session), false}).first->second;
}

absl::Status SqliteStore::ApplyOne(Op& op) {
  op.result = absl::OkStatus();
  Touched& touched = Touch(op.session);
  if (!std::holds_alternative<OpenOp>(op.what)) {
    if (!touched.row.has_value()) {
      if (!std::holds_alternative<DeleteSessionOp>(op.what)) {
        op.result = absl::NotFoundError("the journal has no such session");
      }
      return absl::OkStatus();
    }
    if (touched.row->fence != op.fence) {
      op.result = Stale();
      return absl::OkStatus();
    }
  }
  return std::visit([&](auto& what) { return Do(op, touched, what); }, op.what);
}

absl::Status SqliteStore::Do(Op& op, Touched& touched, OpenOp&) {
  if (touched.row.has_value()) {
    const Fence& held = touched.row->fence;
    if (op.fence == held) return absl::OkStatus();
    if (op.fence.epoch <= held.epoch) {
      op.result = Stale();
      return absl::OkStatus();
    }
  } else {
    if (next_meta_.sessions >= static_cast<int64_t>(kMaxSessions) ||
        next_meta_.next_session > kMaxSessionRow) {
      op.result = absl::ResourceExhaustedError("the journal holds as many sessions as it may");
      return absl::OkStatus();
    }
    touched.row.emplace();
    touched.row->id = next_meta_.next_session++;
    ++next_meta_.sessions;
  }
  touched.row->fence = op.fence;
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::Do(Op& op, Touched& touched, AppendOp& what) {
  SessionRow& row = *touched.row;
  for (size_t i = 0; i < what.entries.size(); ++i) {
    const uint64_t expected = row.last_number + 1 + i;
    if (what.entries[i].number == expected && expected <= kMaxNumber) continue;
    op.result = absl::OutOfRangeError(
        absl::StrCat("entry ", what.entries[i].number, " is out of turn: ", expected, " is next"));
    return absl::OkStatus();
  }
  for (const Entry& entry : what.entries) {
    const std::string crc = EntryCrc(op.session, entry.number, op.fence.epoch, entry.subject,
                                     /*erased=*/false, entry.payload);
    ATTUNE_RETURN_IF_ERROR(put_entry_.Bind(EntryRow(row.id, entry.number))
                               .Bind(static_cast<int64_t>(op.fence.epoch))
                               .Bind(entry.subject)
                               .Bind(crc)
                               .Bind(entry.payload)
                               .Run());
    row.last_number = entry.number;
    touched.changed = true;
  }
  return absl::OkStatus();
}

absl::Status SqliteStore::Do(Op& op, Touched& touched, WriteBlobOp& what) {
  std::vector<BlobHead>& heads = touched.row->blobs[what.name];
  const auto older = [](const BlobHead& a, const BlobHead& b) { return a.revision < b.revision; };
  const auto newest = std::max_element(heads.begin(), heads.end(), older);
  if (newest != heads.end() && what.revision < newest->revision) {
    op.result = absl::OutOfRangeError(absl::StrCat("revision ", what.revision, " is below the ",
                                                   "stored one, ", newest->revision));
    return absl::OkStatus();
  }
  const std::string head_crc =
      BlobHeadCrc(touched.row->id, what.name, what.revision, op.fence.epoch, what.subject);
  const std::string bytes_crc = BlobBytesCrc(op.session, what.name, what.revision, what.bytes);
  const bool same = newest != heads.end() && newest->revision == what.revision;
  const bool add = !same && heads.size() < kBlobSlots;
  Statement& put = add ? put_blob_ : replace_blob_;
  put.Bind(touched.row->id)
      .Bind(what.name)
      .Bind(static_cast<int64_t>(what.revision))
      .Bind(static_cast<int64_t>(op.fence.epoch))
      .Bind(what.subject)
      .Bind(head_crc)
      .Bind(bytes_crc)
      .Bind(what.bytes);
  BlobHead* head = nullptr;
  if (add) {
    ATTUNE_RETURN_IF_ERROR(put.Run());
    ++next_meta_.blobs;
    head = &heads.emplace_back();
    head->row = sqlite3_last_insert_rowid(db_->handle());
  } else {
    head = same ? &*newest : &*std::min_element(heads.begin(), heads.end(), older);
    ATTUNE_RETURN_IF_ERROR(put.Bind(head->row).Run());
  }
  *head = {head->row, what.revision, op.fence.epoch, what.subject};
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::DeleteBlobRow(int64_t row) {
  --next_meta_.blobs;
  return delete_blob_.Bind(row).Run();
}

absl::Status SqliteStore::Do(Op&, Touched& touched, DeleteBlobOp& what) {
  const auto found = touched.row->blobs.find(what.name);
  if (found == touched.row->blobs.end()) return absl::OkStatus();
  for (const BlobHead& head : found->second) ATTUNE_RETURN_IF_ERROR(DeleteBlobRow(head.row));
  touched.row->blobs.erase(found);
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::Do(Op&, Touched& touched, SetLabelOp& what) {
  touched.row->label = what.label;
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::Do(Op& op, Touched& touched, TrimOp& what) {
  SessionRow& row = *touched.row;
  if (what.up_to_number > row.last_number) {
    op.result = absl::OutOfRangeError(absl::StrCat("cannot trim up to ", what.up_to_number,
                                                   ": the last entry is ", row.last_number));
    return absl::OkStatus();
  }
  if (what.up_to_number < row.first_number) return absl::OkStatus();
  ATTUNE_RETURN_IF_ERROR(delete_entries_.Bind(EntryRow(row.id, row.first_number))
                             .Bind(EntryRow(row.id, what.up_to_number))
                             .Run());
  row.first_number = what.up_to_number + 1;
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::Do(Op& op, Touched& touched, RestoreOp& what) {
  SessionRow& row = *touched.row;
  if (what.last_number < row.last_number) {
    op.result = absl::OutOfRangeError(absl::StrCat("cannot restore up to ", what.last_number,
                                                   ": the last entry is ", row.last_number));
    return absl::OkStatus();
  }
  if (row.first_number <= row.last_number) {
    ATTUNE_RETURN_IF_ERROR(delete_entries_.Bind(EntryRow(row.id, row.first_number))
                               .Bind(EntryRow(row.id, row.last_number))
                               .Run());
  }
  row.first_number = what.last_number + 1;
  row.last_number = what.last_number;
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::Do(Op& op, Touched& touched, EraseOp& what) {
  SessionRow& row = *touched.row;
  struct Found {
    int64_t id;
    int64_t epoch;
    size_t bytes;
  };
  std::vector<Found> entries;
  find_subject_.Bind(EntryRow(row.id, row.first_number))
      .Bind(EntryRow(row.id, row.last_number))
      .Bind(what.subject);
  while (true) {
    ATTUNE_ASSIGN_OR_RETURN(const bool more, find_subject_.Step());
    if (!more) break;
    entries.push_back(
        {find_subject_.Int(0), find_subject_.Int(1), static_cast<size_t>(find_subject_.Int(2))});
  }
  for (const Found& entry : entries) {
    const std::string crc =
        EntryCrc(op.session, static_cast<uint64_t>(entry.id) & kMaxNumber,
                 static_cast<uint64_t>(entry.epoch), what.subject, /*erased=*/true, "");
    ATTUNE_RETURN_IF_ERROR(erase_entry_.Bind(crc).BindZeros(entry.bytes).Bind(entry.id).Run());
  }
  for (auto name = row.blobs.begin(); name != row.blobs.end();) {
    auto& heads = name->second;
    for (auto head = heads.begin(); head != heads.end();) {
      if (head->subject != what.subject) {
        ++head;
        continue;
      }
      ATTUNE_RETURN_IF_ERROR(DeleteBlobRow(head->row));
      head = heads.erase(head);
    }
    name = heads.empty() ? row.blobs.erase(name) : std::next(name);
  }
  next_meta_.scrub = true;
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::Do(Op&, Touched& touched, DeleteSessionOp&) {
  const SessionRow& row = *touched.row;
  ATTUNE_RETURN_IF_ERROR(
      delete_entries_.Bind(EntryRow(row.id, 0)).Bind(EntryRow(row.id, kMaxNumber)).Run());
  for (const auto& [name, heads] : row.blobs) {
    for (const BlobHead& head : heads) ATTUNE_RETURN_IF_ERROR(DeleteBlobRow(head.row));
  }
  ATTUNE_RETURN_IF_ERROR(delete_session_.Bind(row.id).Run());
  --next_meta_.sessions;
  next_meta_.scrub = true;
  touched.row.reset();
  touched.changed = true;
  return absl::OkStatus();
}

absl::Status SqliteStore::WriteMeta() {
  const std::string crc =
      MetaCrc(next_meta_.sessions, next_meta_.blobs, next_meta_.next_session, next_meta_.scrub);
  return put_meta_.Bind(next_meta_.sessions)
      .Bind(next_meta_.blobs)
      .Bind(next_meta_.next_session)
      .Bind(int64_t{next_meta_.scrub})
      .Bind(crc)
      .Run();
}

absl::Status SqliteStore::WriteSession(const SessionId& session, const SessionRow& row) {
  const std::string crc =
      SessionCrc(row.id, session, row.fence, row.position(), row.written_utc_us, row.label);
  return put_session_.Bind(row.id)
      .Bind(session)
      .Bind(static_cast<int64_t>(row.fence.epoch))
      .Bind(row.fence.nonce)
      .Bind(static_cast<int64_t>(row.first_number))
      .Bind(static_cast<int64_t>(row.last_number))
      .Bind(row.written_utc_us)
      .Bind(row.label)
      .Bind(crc)
      .Run();
}

absl::Status SqliteStore::Scrub() {
  ATTUNE_RETURN_IF_ERROR(ScrubUnusedSpace(*db_));
  next_meta_ = meta_;
  next_meta_.scrub = false;
  ATTUNE_RETURN_IF_ERROR(WriteMeta());
  meta_ = next_meta_;
  return absl::OkStatus();
}

// ---- Reading

std::optional<SessionRow> SqliteStore::Find(const SessionId& session) const {
  MutexLock lock(mu_);
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return std::nullopt;
  return found->second;
}

Listing SqliteStore::List(std::string_view cursor, size_t limit) const {
  Listing listing;
  MutexLock lock(mu_);
  for (auto at = sessions_.upper_bound(cursor); at != sessions_.end(); ++at) {
    if (listing.sessions.size() == limit) {
      listing.next_cursor = listing.sessions.back().session;
      break;
    }
    const SessionRow& row = at->second;
    listing.sessions.push_back({at->first, row.position(), row.label, row.written_utc_us});
  }
  return listing;
}

absl::StatusOr<std::vector<Entry>> SqliteStore::ReadEntries(const SessionId& session,
                                                            const SessionRow& row, uint64_t from,
                                                            uint64_t to) {
  std::vector<Entry> entries;
  size_t bytes = 0;
  read_entries_.Bind(EntryRow(row.id, from)).Bind(EntryRow(row.id, to));
  const absl::Status status = [&]() -> absl::Status {
    for (uint64_t number = from; number <= to; ++number) {
      ATTUNE_ASSIGN_OR_RETURN(const bool more, read_entries_.Step());
      if (!more || read_entries_.Int(0) != EntryRow(row.id, number)) {
        return absl::DataLossError(absl::StrCat("entry ", number, " is missing in the journal"));
      }
      Entry entry{number, std::string(read_entries_.Bytes(2)), "",
                  static_cast<uint64_t>(read_entries_.Int(1)), read_entries_.Int(3) != 0};
      if (!entry.erased) entry.payload = std::string(read_entries_.Bytes(5));
      if (read_entries_.Bytes(4) !=
          EntryCrc(session, number, entry.epoch, entry.subject, entry.erased, entry.payload)) {
        return absl::DataLossError(absl::StrCat("entry ", number, " is damaged in the journal"));
      }
      bytes += entry.payload.size();
      entries.push_back(std::move(entry));
      if (entries.size() >= kReadChunkEntries || bytes >= kReadChunkBytes) break;
    }
    return absl::OkStatus();
  }();
  read_entries_.Reset();
  // What was read before the damage is good and is handed out first; the next call meets the
  // damage.
  if (!status.ok() && entries.empty()) {
    return absl::IsDataLoss(status) ? absl::DataLossError(absl::StrCat(
                                          "at entry ", from, ": ", std::string(status.message())))
                                    : status;
  }
  return entries;
}

absl::StatusOr<Blob> SqliteStore::ReadBlob(const SessionId& session, const std::string& name) {
  const auto row = Find(session);
  if (!row.has_value()) return absl::NotFoundError("the journal has no such session");
  const auto found = row->blobs.find(name);
  if (found == row->blobs.end() || found->second.empty()) {
    if (damaged_blob_heads_ > 0) {
      return absl::DataLossError("the blob is not there, and one whose name is damaged is");
    }
    return absl::NotFoundError(absl::StrCat("the session has no blob \"", name, "\""));
  }
  std::vector<BlobHead> heads = found->second;
  std::sort(heads.begin(), heads.end(),
            [](const BlobHead& a, const BlobHead& b) { return a.revision > b.revision; });
  absl::Status unreadable = absl::DataLossError("every revision of the blob is damaged");
  for (const BlobHead& head : heads) {
    const auto more = read_blob_.Bind(head.row).Step();
    if (!more.ok() && !absl::IsDataLoss(more.status())) unreadable = more.status();
    if (!more.ok() || !*more) {
      read_blob_.Reset();
      continue;
    }
    Blob blob{head.revision, head.epoch, head.subject, std::string(read_blob_.Bytes(1))};
    const bool good = read_blob_.Bytes(0) == BlobBytesCrc(session, name, head.revision, blob.bytes);
    read_blob_.Reset();
    if (good) return blob;
  }
  return unreadable;
}

}  // namespace attune::journal
