#include "services/node/recovery.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"
#include "services/base/status_macros.h"
#include "services/base/strands.h"
#include "services/node/blobs.h"
#include "services/node/elsewhere.h"

namespace attune::node {
namespace {

constexpr int64_t kReseedUs = 5'000'000;

// Of a call of the journal, waited for; it may come too late.
class Answer {
 public:
  void Give(absl::Status status) {
    MutexLock lock(mu_);
    status_ = std::move(status);
    given_.NotifyAll();
  }
  absl::Status Await(const Clock& clock, int64_t timeout_us) {
    if (Strands* strands = StrandsOf(clock)) {
      strands->Await([this] { return Given(); }, timeout_us);
    }
    MutexLock lock(mu_);
    while (!status_.has_value() && StrandsOf(clock) == nullptr && given_.WaitFor(mu_, timeout_us)) {
    }
    return status_.value_or(absl::UnavailableError("the journal does not answer"));
  }

 private:
  bool Given() {
    MutexLock lock(mu_);
    return status_.has_value();
  }
  Mutex mu_;
  CondVar given_;
  std::optional<absl::Status> status_ ATTUNE_GUARDED_BY(mu_);
};

session::Limits LimitsOf(Parts& parts) {
  session::Limits limits;
  limits.engine_memory = parts.engine_memory;
  return limits;
}

// The core as of the newest usable checkpoint; empty when there is none.
std::optional<session::SessionCore> FromCheckpoint(Parts& parts, const std::string& session,
                                                   uint64_t last_number, int64_t& last_us) {
  const auto checkpoint = Blobs(parts.journal, parts.sealer).ReadCheckpoint(session);
  absl::Status why = checkpoint.status();
  if (checkpoint.ok() && checkpoint->number > last_number) {
    why = absl::DataLossError("the checkpoint is newer than the journal");
  } else if (checkpoint.ok()) {
    v1::CheckpointShared shared;
    absl::StatusOr<session::SessionCore> core =
        session::SessionCore::Restore(*checkpoint, LimitsOf(parts));
    if (core.ok() && shared.ParseFromString(checkpoint->shared)) {
      last_us = shared.at_session_us();
      return *std::move(core);
    }
    why = core.ok() ? absl::DataLossError("unreadable") : core.status();
  }
  if (!absl::IsNotFound(why)) {
    parts.log.Write(Severity::kWarning, "checkpoint_not_used",
                    {{"why", std::string(why.message())}});
  }
  return std::nullopt;
}

absl::Status ApplyEntry(Parts& parts, const std::string& session, const journal::Entry& entry,
                        Opened& opened) {
  if (entry.erased) return opened.core.ApplyErased(entry.number);
  absl::StatusOr<std::string> bytes =
      parts.sealer.Unseal(session, entry.subject, entry.epoch, entry.number, entry.payload);
  if (journal::IsErased(bytes.status())) return opened.core.ApplyErased(entry.number);
  if (!bytes.ok()) return bytes.status();
  v1::JournalRecord record;
  if (!record.ParseFromString(*bytes)) {
    return absl::DataLossError(absl::StrCat("record ", entry.number, " is not a record"));
  }
  opened.last_us = std::max(opened.last_us, record.at_session_us());
  if (record.has_erased()) {
    opened.erased.push_back({record.erased().participant(), record.erased().subject()});
  }
  return opened.core.Apply(record).status();
}

absl::Status Replay(Parts& parts, const std::string& session, Opened& opened) {
  return parts.journal.Read(session, opened.core.next_number(), [&](const journal::Entry& entry) {
    return ApplyEntry(parts, session, entry, opened);
  });
}

}  // namespace

absl::StatusOr<placement::Lease> TakeOwnership(Parts& parts, const std::string& session,
                                               uint64_t epoch_floor) {
  const absl::StatusOr<journal::Position> position = parts.journal.Last(session);
  if (position.ok()) {
    epoch_floor = std::max(epoch_floor, position->epoch);
  } else if (!absl::IsNotFound(position.status())) {
    return position.status();
  }
  ATTUNE_ASSIGN_OR_RETURN(const uint64_t sealed, parts.sealer.EpochFloor(session));
  ATTUNE_ASSIGN_OR_RETURN(placement::Lease lease,
                          parts.directory.Acquire(session, std::max(epoch_floor, sealed)));
  if (!lease.is_mine) {
    if (lease.overdue) {
      // Whoever were sent there would find nobody, and come back late.
      return absl::UnavailableError(
          "the session's node may be gone; another takes over in seconds");
    }
    return ElsewhereStatus({lease.owner_address, lease.epoch});
  }
  absl::Status status = parts.journal.Open(session, {lease.epoch, lease.nonce});
  if (status.ok()) status = parts.sealer.OpenSession(session, lease.epoch);
  if (!status.ok()) {
    // Somebody else may have more luck.
    parts.directory.Release(lease).IgnoreError();
    return status;
  }
  return lease;
}

absl::Status IsKnown(Parts& parts, const std::string& session) {
  ATTUNE_ASSIGN_OR_RETURN(const journal::Position position, parts.journal.Last(session));
  if (position.last_number == 0) return absl::NotFoundError("the session was never opened");
  return absl::OkStatus();
}

absl::StatusOr<Opened> Recover(Parts& parts, const std::string& session,
                               const placement::Lease& lease) {
  ATTUNE_ASSIGN_OR_RETURN(const journal::Position position, parts.journal.Last(session));
  if (position.last_number == 0) return absl::NotFoundError("the session was never opened");
  const int64_t begun_us = parts.clock.SteadyMicros();
  Opened opened;
  opened.lease = lease;
  opened.core = session::SessionCore(LimitsOf(parts));
  bool checkpointed = false;
  if (auto core = FromCheckpoint(parts, session, position.last_number, opened.last_us)) {
    opened.core = *std::move(core);
    checkpointed = true;
  }
  const uint64_t first = opened.core.next_number();
  absl::Status replayed = Replay(parts, session, opened);
  if (!replayed.ok() && checkpointed) {
    // The checkpoint may be what is wrong: the journal alone is the truth.
    opened.core = session::SessionCore(LimitsOf(parts));
    opened.last_us = 0;
    opened.erased.clear();
    replayed = Replay(parts, session, opened);
  }
  if (!replayed.ok()) {
    parts.sealer.CloseSession(session);
    parts.journal.Close(session, {opened.lease.epoch, opened.lease.nonce});
    return replayed;
  }
  if (!opened.core.created()) return absl::DataLossError("the opening record is gone");
  parts.log.Write(Severity::kInfo, "session_recovered",
                  {{"records", opened.core.next_number() - first},
                   {"from_checkpoint", checkpointed},
                   {"took_us", parts.clock.SteadyMicros() - begun_us}});
  return opened;
}

absl::StatusOr<Opened> OpenNew(Parts& parts, const std::string& session,
                               const v1::JournalRecord& opening, const placement::Lease& lease) {
  Opened opened;
  opened.core = session::SessionCore(LimitsOf(parts));
  ATTUNE_RETURN_IF_ERROR(opened.core.Apply(opening).status());
  opened.lease = lease;
  ATTUNE_RETURN_IF_ERROR(parts.keystore.GetOrCreate(session, "").status());
  opened.opening = opening;
  return opened;
}

absl::StatusOr<Opened> Reseed(Parts& parts, const std::string& session,
                              const placement::Lease& lease,
                              const session::SessionCore::Checkpoint& checkpoint) {
  const journal::Fence fence{lease.epoch, lease.nonce};
  Opened opened;
  opened.lease = lease;
  ATTUNE_ASSIGN_OR_RETURN(opened.core, session::SessionCore::Restore(checkpoint));
  v1::CheckpointShared shared;
  if (!shared.ParseFromString(checkpoint.shared)) return absl::InternalError("unreadable");
  opened.last_us = shared.at_session_us();
  const auto written = std::make_shared<Answer>();
  Blobs(parts.journal, parts.sealer)
      .WriteCheckpoint(session, fence, checkpoint,
                       [written](absl::Status status) { written->Give(std::move(status)); });
  ATTUNE_RETURN_IF_ERROR(written->Await(parts.clock, kReseedUs));
  const auto restored = std::make_shared<Answer>();
  parts.journal.Restore(session, fence, checkpoint.number,
                        [restored](absl::Status status) { restored->Give(std::move(status)); });
  ATTUNE_RETURN_IF_ERROR(restored->Await(parts.clock, kReseedUs));
  return opened;
}

}  // namespace attune::node
