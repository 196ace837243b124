// The append-only journal of sessions: numbered entries, a few named blobs (checkpoints, reports)
// and an ownership fence per session. It knows bytes and ids; what the bytes mean, and that they
// are sealed (sealer.h), is the caller's business.
//
// One process opens a journal; any of its threads may use it. Of a session there is one owner at a
// time, and the owner numbers its entries 1, 2, 3, ... without holes. Whoever holds an older fence
// is refused at every write.
//
// A write is answered through its callback, after the commit that the tier names:
//
//   journal->Append(session, fence, {{1, "", opening}}, [](absl::Status status) { ... });
//
// Errors, everywhere:
//   FAILED_PRECONDITION  the fence is stale: another owner has opened the session. Stop writing.
//   OUT_OF_RANGE         a number or revision out of turn; nothing of the call was written.
//   RESOURCE_EXHAUSTED   the queue is full; nothing of the call was written. Try again later.
//   INVALID_ARGUMENT     a limit below is passed.
//   NOT_FOUND            no such session or blob.
//   DATA_LOSS            stored bytes are damaged. Damaged bytes are never handed out.
//   UNAVAILABLE          shutting down; of Open and of what reads also: the store (the disk, Redis)
//                        refuses or cannot be reached at the moment.
#ifndef ATTUNE_SERVICES_JOURNAL_JOURNAL_H_
#define ATTUNE_SERVICES_JOURNAL_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace attune::journal {

// Opaque, 1..kMaxSessionIdBytes bytes.
using SessionId = std::string;
// Whose bytes these are: kSubjectBytes random bytes per person and session, or empty for what
// belongs to the session itself.
using Subject = std::string;

inline constexpr size_t kMaxSessionIdBytes = 64;
inline constexpr size_t kSubjectBytes = 16;
inline constexpr size_t kMaxFenceNonceBytes = 64;
inline constexpr size_t kMaxEntryBytes = size_t{1} << 20;
inline constexpr size_t kMaxBlobNameBytes = 64;
inline constexpr size_t kMaxBlobBytes = size_t{16} << 20;
inline constexpr size_t kMaxLabelBytes = 64;
inline constexpr size_t kMaxListed = 1000;
inline constexpr uint64_t kMaxNumber = 0xffff'ffff;
inline constexpr uint64_t kMaxEpoch = 0xffff'ffff;  // the sealer's nonce has 32 bits for it
// What may wait for the writer; beyond it a write is refused with RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxQueuedEntries = 65'536;
inline constexpr size_t kMaxQueuedBytes = size_t{64} << 20;

// The ownership under which one writes: the epoch of the lease and its random nonce. Two owners
// that were given the same epoch by mistake still differ in the nonce.
struct Fence {
  uint64_t epoch = 0;  // 1..kMaxEpoch
  std::string nonce;   // 1..kMaxFenceNonceBytes bytes
  bool operator==(const Fence&) const = default;
};

// What an answered write has survived.
enum class Tier {
  kProcess,  // "process": the death of the process (kill -9, a crash). Power loss or a crash of the
             // kernel may take the newest entries; what is left is then an earlier, whole state.
  kFsync,    // "fsync": power loss too, as far as the disk tells the truth about its cache.
  kRedis,    // "redis": the death of the node. Redis has executed it; what a death or failover of
             // Redis itself takes, the owner's memory and the edges put back (README.md).
  kRedisWait,  // "redis-wait": the loss of the primary too: replicas have it (WAIT).
};
std::string_view TierName(Tier tier);
// INVALID_ARGUMENT names the tiers there are.
absl::StatusOr<Tier> ParseTier(std::string_view name);

// Whether an Append may wait for company.
enum class Urgency {
  kNow,
  // Goes with the next write of its session that is kNow, and at the latest after the journal's
  // linger (RedisJournalOptions::append_linger_us): so a session that hears from many people costs
  // one command a tick. A journal on a disk treats it as kNow.
  kMayWait,
};

struct Entry {
  uint64_t number = 0;  // 1..kMaxNumber
  Subject subject;
  std::string payload;
  // Set by Read, ignored by Append:
  uint64_t epoch = 0;   // of the fence it was written under
  bool erased = false;  // its subject was erased: the payload is gone, the number stays
};

// How far a session's entries go. Nothing kept: last_number = first_number - 1.
struct Position {
  uint64_t last_number = 0;
  uint64_t first_number = 1;  // the oldest that is still kept; above 1 after Trim
  uint64_t epoch = 0;         // the highest that has opened the session
};

struct Blob {
  uint64_t revision = 0;
  uint64_t epoch = 0;  // of the fence it was written under
  Subject subject;
  std::string bytes;
};

struct SessionState {
  SessionId session;
  Position position;
  std::string label;           // see SetLabel
  int64_t written_utc_us = 0;  // the last write, by the clock of the process that wrote
};

struct Listing {
  std::vector<SessionState> sessions;
  std::string next_cursor;  // empty: that was all
};

struct Health {
  bool ok = true;
  std::string degraded_reason;  // empty when ok; says what to do
  std::string warning;          // works, but not as it should (a setting of Redis): what to do
  size_t queued_entries = 0;    // accepted and not yet answered
  size_t queued_bytes = 0;
  int64_t last_commit_us = 0;  // how long the newest commit took
  uint64_t commits = 0;
  uint64_t entries = 0;         // committed since the journal was opened
  size_t largest_batch = 0;     // entries in one commit
  uint64_t write_failures = 0;  // commits that the disk refused; each was kept and tried again
  int64_t database_bytes = 0;   // on disk, as of the newest commit
  int64_t wal_bytes = 0;
};

// Thread-safe.
//
// Callbacks run on the writer's thread, outside all locks, in the order in which one session's
// calls were made; they must be short and must not call Open. Two exceptions: EraseSubject and
// DeleteSession may be answered after later calls, and what is refused at once (INVALID_ARGUMENT,
// RESOURCE_EXHAUSTED, UNAVAILABLE while shutting down) is so on the caller's thread. Destroying the
// journal first drains the queue, so every callback is called exactly once.
//
// A disk that is full or fails, or a Redis that is away, is not a refusal. The writer keeps what it
// has accepted, says so in GetHealth(), and tries again until it succeeds; meanwhile nothing is
// answered and the queue fills. Only a shutdown ends this: what still does not fit is then answered
// UNAVAILABLE, and may or may not be found in the journal later.
//
// A store that has forgotten acknowledged writes (Redis failed over or was emptied) is healed from
// what the journal still has in memory, while the one who opened the session here is its owner.
// What that does not reach is lost for the journal, not for the session: SetOnLost, Restore.
class Journal {
 public:
  using Done = std::function<void(absl::Status)>;
  using Sink = std::function<absl::Status(Entry)>;
  using OnLost = std::function<void(const SessionId&)>;

  virtual ~Journal() = default;

  virtual Tier tier() const = 0;

  // Takes the session over, creating it if need be: from its return on, lower epochs (and the same
  // epoch with another nonce) are refused. Blocks for one commit. Repeating it is harmless.
  virtual absl::Status Open(const SessionId& session, const Fence& fence) = 0;

  // All or nothing. The first number must follow the last one accepted, the others must follow it.
  // An empty list is answered when everything before it is.
  virtual void Append(const SessionId& session, const Fence& fence, std::vector<Entry> entries,
                      Done done, Urgency urgency = Urgency::kNow) = 0;

  // Hands entries `from_number` (0: the first kept) to the newest committed one to `sink`, in
  // order, without holding up the writer. Each one's checksum covers session, number, epoch,
  // subject and payload. DATA_LOSS at the first hole or damaged entry, naming its number: what was
  // handed out before it is good. OUT_OF_RANGE if `from_number` has been trimmed. An error of the
  // sink ends the reading and is returned. The sink may take its time; it must not call Open.
  virtual absl::Status Read(const SessionId& session, uint64_t from_number, const Sink& sink) = 0;

  virtual absl::StatusOr<Position> Last(const SessionId& session) = 0;

  // A named blob that is replaced as a whole. The previous revision stays beside the new one, so
  // that ReadBlob can fall back when the newest is damaged. `revision` must not be lower than the
  // newest stored; the same one again replaces it. DeleteBlob removes both.
  virtual void WriteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                         uint64_t revision, const Subject& subject, std::string bytes,
                         Done done) = 0;
  // The newest revision whose checksum holds. DATA_LOSS when there are some and none does.
  virtual absl::StatusOr<Blob> ReadBlob(const SessionId& session, const std::string& name) = 0;
  // Deleting what is not there is OK.
  virtual void DeleteBlob(const SessionId& session, const Fence& fence, const std::string& name,
                          Done done) = 0;

  // A short mark for List ("ended"), so that a node need not replay a session to know what to do
  // with it. Opaque to the journal.
  virtual void SetLabel(const SessionId& session, const Fence& fence, const std::string& label,
                        Done done) = 0;

  // Forgets entries up to and including `up_to_number`, which must have been appended.
  virtual void Trim(const SessionId& session, const Fence& fence, uint64_t up_to_number,
                    Done done) = 0;

  // Erases the payloads of the subject's entries and its blobs. Answered when no byte of them, in
  // any copy the store made, is left in the journal's files; that takes longer than an append and
  // does not hold up other sessions for long. Idempotent. If the process dies before the answer,
  // the cleaning is finished at the next start once the erase itself has been committed: repeat the
  // call to be sure that it has. Blobs of other subjects (a checkpoint or a report of the session)
  // that contain something of this person must be deleted *before* this call.
  virtual void EraseSubject(const SessionId& session, const Fence& fence, const Subject& subject,
                            Done done) = 0;

  // Removes everything of the session, its fence included, as thoroughly as EraseSubject. OK when
  // there is no such session. A later Open starts it anew at number 1.
  virtual void DeleteSession(const SessionId& session, const Fence& fence, Done done) = 0;

  // Told when acknowledged writes of a session that is open here are missing in the store and
  // cannot be put back from the journal's memory. Its appends are held from then on: not answered,
  // while everything else goes on, so blobs can be written. The owner writes what its memory holds
  // as checkpoint blobs and calls Restore, or opens the session anew and reads what there is.
  // Called like the callbacks above, again after each new loss. Set it before the first Open.
  virtual void SetOnLost(OnLost on_lost) = 0;

  // Begins the entries anew: as if all up to `last_number` had been appended and trimmed. The
  // caller has written, under the same fence and answered before, checkpoints that stand for them.
  // Appends that are held are then answered: those up to `last_number` OK, later ones once written.
  // `last_number`: the highest that the owner has handed to Append. OUT_OF_RANGE when the journal
  // has later entries. Repeating it is harmless.
  virtual void Restore(const SessionId& session, const Fence& fence, uint64_t last_number,
                       Done done) = 0;

  // The owner lets go of the session (handed over, retired): the journal frees what it has kept in
  // memory of it, and heals it no more. In the store nothing changes; the fence stays in force.
  // Call it when an ownership ends, or what another owner erases later might be put back from here.
  virtual void Close(const SessionId& session, const Fence& fence) = 0;

  // Sessions in order of their ids, from the beginning (empty cursor) or from a `next_cursor`.
  // `limit`: 1..kMaxListed. Sessions made or deleted meanwhile may or may not be seen.
  virtual absl::StatusOr<Listing> List(std::string_view cursor, size_t limit) = 0;

  virtual Health GetHealth() const = 0;

  // A consistent copy for operators while the journal is in use. `path` must not exist. The copy
  // holds sealed payloads and no keys: those live in the key store, on purpose (keystore.h).
  virtual absl::Status BackupTo(const std::string& path) = 0;
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_JOURNAL_H_
