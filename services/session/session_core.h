// SessionCore: one session as a pure state machine. Records in, effects out.
//
// No I/O, no clock, no randomness, no threads, no logging: whatever it needs comes with a call. Two
// halves, never mixed:
//
//   Propose...  (const)  checks a wish against the state and says which journal record it would be,
//                        or why not. Changes nothing.
//   Apply       takes a record - a proposed one or one read back from the journal - changes
//                        the state and says what follows from it.
//
// So the state is a function of the applied records alone, and replaying a journal gives the same
// frames and the same report, to the byte. What may not be replayed (who is connected now, how long
// a link has been silent, when a tick may close) is held beside the state, fed by the `Note...`
// calls, and shows only in envelopes and in the moment at which ProposeTick offers a record.
//
// The owner (services/node) does with every record: Propose -> Apply -> seal -> append -> and only
// when the append is durable, release the effects (the output gate).
//
// Which consent does what (anything else is refused; see consent.h):
//
//   PURPOSE_MEASURE     AUDIENCE_SELF         data is taken, own values are computed
//   PURPOSE_GROUP       AUDIENCE_SESSION      contributes to group values
//   PURPOSE_PAIR        AUDIENCE_PARTNER      the own pair, to its two partners (both must grant)
//   PURPOSE_PAIR        AUDIENCE_FACILITATOR  the own pair, to facilitators (both must grant)
//   PURPOSE_INDIVIDUAL  AUDIENCE_FACILITATOR  own values and pairs, to facilitators (lab only)
//   PURPOSE_REPORT      AUDIENCE_SELF         others may still see in the report what they saw live
//
// Not thread-safe; belongs to one worker.
#ifndef ATTUNE_SERVICES_SESSION_SESSION_CORE_H_
#define ATTUNE_SERVICES_SESSION_SESSION_CORE_H_

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "attune/v1/edge.pb.h"
#include "attune/v1/journal.pb.h"
#include "attune/v1/live.pb.h"
#include "attune/v1/report.pb.h"
#include "attune/v1/session.pb.h"

namespace attune::session {

struct State;  // state.h

// Bounds of one session. Beyond them: RESOURCE_EXHAUSTED, with the limit in the message.
struct Limits {
  uint32_t people = 1000;
  uint32_t viewers = 64;
  uint32_t dyads = 200;
  uint32_t annotations = 2000;
  uint32_t practices = 500;
  uint32_t measures_per_person = 100;
  uint32_t beats_per_person = 200'000;  // 12 h at 278 per minute
  uint32_t spools_per_person = 16;      // boot ids
  uint32_t log_entries_kept = 4096;     // for Watch with a cursor
  uint32_t frames_kept = 600;           // for History
  uint32_t request_ids_kept = 4096;     // for idempotent calls
  uint32_t tokens_revoked = 1024;
  uint64_t frame_bytes_kept = 64u << 20;  // for History; the oldest go first
  // Not a bound: where the engine lies (null: the default). Held by the session, which may be let
  // go last by whoever still answers for it.
  std::shared_ptr<std::pmr::memory_resource> engine_memory;
};

// Who looks. Built by the owner from a verified token.
struct Viewer {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  uint32_t participant = 0;  // 0: none
};

// Acknowledgement owed to a participant's edge once the record is durable.
struct EdgeAck {
  uint32_t participant = 0;
  std::string boot_id;
  uint64_t seq = 0;  // everything up to this number of this spool is admitted
};

// What follows from one record. All of it may leave only after the record is durable.
struct Effects {
  std::optional<EdgeAck> ack;
  // A tick closed: the unprojected frame, to be shown to nobody; pass it to Project.
  std::shared_ptr<const v1::Frame> frame;
  bool closed_by_lateness = false;
  std::vector<v1::LogEntry> log;  // unprojected; see ProjectEntry
  bool consent_changed = false;   // frames made before must be projected anew
  uint32_t erased = 0;            // participant whose key and bytes must be destroyed
  std::string erased_subject;
  bool ended = false;   // no more ticks; the report may be built after the grace
  bool closed = false;  // the report is stored; streams finish
  std::string revoked_token_id;
};

class SessionCore {
 public:
  // An empty session: the first record applied must be `created`. `limits` as given for its life.
  explicit SessionCore(const Limits& limits = {});
  ~SessionCore();
  SessionCore(SessionCore&&) noexcept;
  SessionCore& operator=(SessionCore&&) noexcept;

  // ---- Propose: all const. `now_us` is session time on the owner's clock. Every record comes back
  // with its number and time filled in. A repeated request_id gives ALREADY_EXISTS; the first
  // answer can then be made from the state (see ResultOf).

  // The opening record from a creator's wish; static, because there is no state yet.
  struct CreateOptions {
    std::string session_id;
    std::string join_code;
    int64_t utc_us = 0;
    double clock_rate = 1;
    int64_t lateness_us = 5'000'000;
    int64_t grace_us = 15'000'000;
    bool lab_allowed = false;
  };
  static absl::StatusOr<v1::JournalRecord> ProposeCreate(const v1::CreateSessionRequest& request,
                                                         const CreateOptions& options);
  absl::StatusOr<v1::JournalRecord> ProposeOwnerTaken(const v1::OwnerTaken& owner,
                                                      int64_t now_us) const;
  // `subject`: 16 fresh random bytes.
  absl::StatusOr<v1::JournalRecord> ProposeJoin(const v1::JoinSessionRequest& request,
                                                std::string_view subject, int64_t now_us) const;
  // Joining with a dyad_key whose other half is there forms a pair: ask after every applied join
  // and consent change; nullopt: nothing to do.
  std::optional<v1::JournalRecord> ProposeDyad(int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeViewerJoined(const Viewer& viewer, int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeViewerLeft(uint32_t viewer_number, int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeConsent(uint32_t participant,
                                                   const v1::SetConsentRequest& request,
                                                   int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeLeave(uint32_t participant, std::string_view request_id,
                                                 int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeErase(uint32_t participant, std::string_view request_id,
                                                 int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeDissolveDyad(const v1::DissolveDyadRequest& request,
                                                        int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeStartPractice(const v1::StartPracticeRequest& request,
                                                         int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeStopPractice(const v1::StopPracticeRequest& request,
                                                        int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeAnnotate(const v1::AnnotateRequest& request,
                                                    int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeMeasure(uint32_t participant,
                                                   const v1::SubmitMeasureRequest& request,
                                                   int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeRevoke(const v1::RevokeTokenRequest& request,
                                                  int64_t now_us) const;
  absl::StatusOr<v1::JournalRecord> ProposeEnd(const v1::EndSessionRequest& request,
                                               int64_t now_us) const;

  // Data. nullopt: all of it was known already (acknowledge Cursor). Errors: INVALID_ARGUMENT for a
  // message that breaks the rules, OUT_OF_RANGE for numbers that jump over the cursor,
  // PERMISSION_DENIED without consent, FAILED_PRECONDITION when left, erased or closed,
  // RESOURCE_EXHAUSTED beyond the limits.
  absl::StatusOr<std::optional<v1::JournalRecord>> ProposeObservations(
      uint32_t participant, std::string_view boot_id, const v1::Observations& observations,
      int64_t now_us) const;
  absl::StatusOr<std::optional<v1::JournalRecord>> ProposeGap(uint32_t participant,
                                                              std::string_view boot_id,
                                                              const v1::Gap& gap,
                                                              int64_t now_us) const;
  absl::StatusOr<std::optional<v1::JournalRecord>> ProposeSourceFinished(uint32_t participant,
                                                                         int64_t now_us) const;

  // The next thing that time alone brings: a tick to close, a practice to stop, the planned end.
  // Call until nullopt, after every batch of input and at NextDeadline. Making a tick's record
  // computes its frame; applying that same record next does not compute it again. Until it is
  // applied, Apply refuses any other record and this gives the same one again.
  std::optional<v1::JournalRecord> ProposeTimed(int64_t now_us);
  // Session time at which ProposeTimed has something although nothing arrives; the largest int64_t:
  // never. After ProposeTimed said nullopt it is later than the `now_us` given then.
  int64_t NextDeadlineUs() const;

  // ---- Apply.

  // The record must carry the next number. Errors: FAILED_PRECONDITION for a wrong number or a
  // first record that is not `created` or that was made by another engine version; DATA_LOSS when a
  // closed tick's frame does not come out with the digest in the record (the numbers have drifted).
  absl::StatusOr<Effects> Apply(const v1::JournalRecord& record);
  // A record whose payload was erased: takes its number. Digests of ticks closed before the
  // erasure are not compared any more.
  absl::Status ApplyErased(uint64_t number);

  // ---- What is not in the journal: connections and completeness, on the owner's clock.

  // A participant's edge is (not) connected.
  void NoteAttached(uint32_t participant, bool attached, int64_t now_us);
  // No data at or before `through_us` will come any more. Apply takes what admitted observations
  // say of it by itself; this is for Progress, and for observations that were known already.
  void NoteComplete(uint32_t participant, int64_t through_us);

  // ---- What is there.

  bool created() const;
  uint64_t next_number() const;  // of the next record
  uint64_t tick() const;         // last closed; 0: none
  uint64_t late_beats() const;
  uint64_t ticks_by_lateness() const;
  uint64_t epochs() const;
  v1::SessionInfo Info(int64_t now_us) const;
  const std::string& join_code() const;
  v1::SessionState state() const;
  // Number of the participant or other result that the call with this request_id had; nullopt:
  // not known (any more).
  std::optional<uint32_t> ResultOf(std::string_view request_id) const;
  // The store's name for a participant; empty: unknown or erased.
  std::string SubjectOf(uint32_t participant) const;
  // Whose key seals this record; empty: the session's own.
  std::string SubjectOf(const v1::JournalRecord& record) const;
  // Highest number of this spool that is admitted; 0: none.
  uint64_t Cursor(uint32_t participant, std::string_view boot_id) const;
  bool Consents(uint32_t participant, v1::Purpose purpose, v1::Audience audience) const;
  std::vector<v1::Consent> ConsentsOf(uint32_t participant) const;
  // Left, erased, never there: false.
  bool IsActive(uint32_t participant) const;
  bool IsErased(uint32_t participant) const;
  bool IsRevoked(std::string_view token_id) const;

  // ---- What one viewer may see. Pure functions of state and viewer; see project.h for the rules.

  // The frame projected, everybody's presence and the counts this viewer may know; the caller adds
  // `epoch` and `recovered`.
  v1::FrameEnvelope EnvelopeFor(const v1::Frame& frame, bool closed_by_lateness,
                                const Viewer& viewer, int64_t now_us) const;
  v1::Frame ProjectFrame(const v1::Frame& frame, const Viewer& viewer) const;
  // nullopt: nothing of it is for this viewer.
  std::optional<v1::LogEntry> ProjectEntry(const v1::LogEntry& entry, const Viewer& viewer) const;
  v1::Snapshot SnapshotFor(const Viewer& viewer, int64_t now_us) const;
  std::vector<v1::Presence> PresenceFor(const Viewer& viewer, int64_t now_us) const;
  v1::HistoryResponse HistoryFor(const v1::HistoryRequest& request, const Viewer& viewer) const;
  // Unprojected entries with a cursor larger than `after`; those no longer kept are missing.
  std::vector<v1::LogEntry> LogAfter(uint64_t after) const;

  // ---- Report. Computed from all admitted beats, late ones too, by the same engine.

  // True from the end plus grace (or earlier, when every source is finished), until stored.
  bool ReportDue(int64_t now_us) const;
  // When ReportDue becomes true although nothing arrives; the largest int64_t: not by time alone.
  int64_t ReportDueAtUs() const;
  // Revision of the newest stored report; 0: none.
  uint32_t report_revision() const;
  // True (team sessions): once the report is stored, raw beats must go, here and on the edges.
  bool DeleteRawAfterReport() const;
  // A builder works in slices, so that a long session does not hold up its worker's others.
  class ReportBuilder {
   public:
    virtual ~ReportBuilder() = default;
    // Works for about `ticks` ticks; true: done.
    virtual bool Step(int ticks) = 0;
    // Unprojected; once, after Step said true.
    virtual v1::Report Take() = 0;
  };
  // Holds a copy of what it needs: the session may go on meanwhile (an erasure makes it worthless).
  std::unique_ptr<ReportBuilder> BuildReport() const;
  absl::StatusOr<v1::JournalRecord> ProposeReportStored(const v1::Report& report,
                                                        int64_t now_us) const;
  v1::Report ProjectReport(const v1::Report& report, const Viewer& viewer) const;
  v1::ReportEnvelope ReportEnvelopeFor(const Viewer& viewer) const;
  // A page of raw beats and what their numbers depend on; errors as in project.h.
  absl::StatusOr<v1::GetExportResponse> ExportFor(const v1::GetExportRequest& request,
                                                  const Viewer& viewer) const;

  // ---- Checkpoint: the state after the last applied record, one section per person so that each
  // can be sealed with that person's key. Restoring all sections gives a core that goes on
  // bit-identically; a person whose section cannot be opened any more is restored as erased.
  struct Checkpoint {
    uint64_t number = 0;  // of the last applied record
    std::string shared;   // versioned, serialised
    struct Section {
      std::string subject;
      std::string bytes;
    };
    std::vector<Section> people;
  };
  Checkpoint Save() const;
  static absl::StatusOr<SessionCore> Restore(const Checkpoint& checkpoint,
                                             const Limits& limits = {});

 private:
  std::unique_ptr<State> state_;
};

// First 8 bytes, little-endian, of the SHA-256 of the message's bytes.
uint64_t Digest(std::string_view bytes);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_SESSION_CORE_H_
