#include "services/session/session_core.h"

#include <openssl/sha.h>

#include <algorithm>
#include <string>
#include <utility>

#include "services/base/status_macros.h"
#include "services/session/admission.h"
#include "services/session/checkpoint.h"
#include "services/session/consent.h"
#include "services/session/project.h"
#include "services/session/report_builder.h"
#include "services/session/roster.h"
#include "services/session/state.h"
#include "services/session/ticks.h"

namespace attune::session {

uint64_t Digest(std::string_view bytes) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash);
  uint64_t digest = 0;
  for (int i = 7; i >= 0; --i) digest = digest << 8 | hash[i];
  return digest;
}

SessionCore::SessionCore(const Limits& limits) : state_(std::make_unique<State>(limits)) {}
SessionCore::~SessionCore() = default;
SessionCore::SessionCore(SessionCore&&) noexcept = default;
SessionCore& SessionCore::operator=(SessionCore&&) noexcept = default;

void SessionCore::NoteAttached(uint32_t participant, bool attached, int64_t now_us) {
  const Person* person = state_->book.Find(participant);
  if (person == nullptr || person->erased) return;
  Link& link = state_->links[participant];
  if (link.attached && !attached) link.detached_us = now_us;
  link.attached = attached;
}

void SessionCore::NoteComplete(uint32_t participant, int64_t through_us) {
  const Person* person = state_->book.Find(participant);
  if (person == nullptr || person->erased) return;
  Link& link = state_->links[participant];
  link.complete_through_us = std::max(link.complete_through_us, through_us);
}

bool SessionCore::created() const { return state_->number > 0; }
uint64_t SessionCore::next_number() const { return state_->number + 1; }
uint64_t SessionCore::tick() const { return state_->tick; }
uint64_t SessionCore::late_beats() const { return state_->late_beats; }
uint64_t SessionCore::ticks_by_lateness() const { return state_->ticks_by_lateness; }
uint64_t SessionCore::epochs() const { return state_->epochs; }
v1::SessionInfo SessionCore::Info(int64_t now_us) const { return InfoOf(*state_, now_us); }
const std::string& SessionCore::join_code() const { return state_->book.created.join_code(); }
v1::SessionState SessionCore::state() const { return LifeOf(state_->book); }

std::optional<uint32_t> SessionCore::ResultOf(std::string_view request_id) const {
  const auto it = state_->requests.find(std::string(request_id));
  if (it == state_->requests.end()) return std::nullopt;
  return it->second.result;
}

std::string SessionCore::SubjectOf(uint32_t participant) const {
  const Person* person = state_->book.Find(participant);
  return person == nullptr ? std::string() : person->subject;
}

std::string SessionCore::SubjectOf(const v1::JournalRecord& record) const {
  switch (record.what_case()) {
    case v1::JournalRecord::kJoined:
      return record.joined().subject();
    case v1::JournalRecord::kConsentChanged:
      return SubjectOf(record.consent_changed().participant());
    case v1::JournalRecord::kObservations:
      return SubjectOf(record.observations().participant());
    case v1::JournalRecord::kGap:
      return SubjectOf(record.gap().participant());
    case v1::JournalRecord::kMeasure:
      return SubjectOf(record.measure().participant());
    case v1::JournalRecord::kPromptSent:
      return SubjectOf(record.prompt_sent().prompt().participant());
    case v1::JournalRecord::kAnnotationSet:
      return SubjectOf(record.annotation_set().annotation().participant());
    default:
      // The roster's bare numbers must be readable after an erasure.
      return {};
  }
}

uint64_t SessionCore::Cursor(uint32_t participant, std::string_view boot_id) const {
  const Person* person = state_->book.Find(participant);
  const Spool* spool = person == nullptr ? nullptr : FindSpool(*person, boot_id);
  return spool == nullptr ? 0 : spool->cursor;
}

bool SessionCore::Consents(uint32_t participant, v1::Purpose purpose, v1::Audience audience) const {
  const uint32_t bit = GrantBit(purpose, audience);
  const Person* person = state_->book.Find(participant);
  return bit != 0 && person != nullptr && Has(GrantsOf(*person), bit);
}

std::vector<v1::Consent> SessionCore::ConsentsOf(uint32_t participant) const {
  std::vector<v1::Consent> consents;
  if (const Person* person = state_->book.Find(participant)) {
    for (const GrantState& grant : person->grants) consents.push_back(grant.consent);
  }
  return consents;
}

bool SessionCore::IsActive(uint32_t participant) const {
  const Person* person = state_->book.Find(participant);
  return person != nullptr && person->active();
}

bool SessionCore::IsErased(uint32_t participant) const {
  const Person* person = state_->book.Find(participant);
  return person != nullptr && person->erased;
}

bool SessionCore::IsRevoked(std::string_view token_id) const {
  return state_->tokens_revoked.contains(std::string(token_id));
}

v1::Frame SessionCore::ProjectFrame(const v1::Frame& frame, const Viewer& viewer) const {
  const auto& frames = state_->frames;
  const FrameGround* ground = nullptr;
  // Ticks are kept without holes.
  if (!frames.empty() && frame.tick() >= frames.front().tick &&
      frame.tick() <= frames.back().tick) {
    ground = &frames[frame.tick() - frames.front().tick].ground;
  }
  return Project(state_->book, *state_->grants, ground, frame, viewer);
}

v1::FrameEnvelope SessionCore::EnvelopeFor(const v1::Frame& frame, bool closed_by_lateness,
                                           const Viewer& viewer, int64_t now_us) const {
  v1::FrameEnvelope envelope;
  *envelope.mutable_frame() = ProjectFrame(frame, viewer);
  if (state_->book.created.kind() != v1::SESSION_KIND_TEAM) {
    envelope.set_late_beats(state_->late_beats);
  }
  for (v1::Presence& presence : PresenceFor(viewer, now_us)) {
    *envelope.add_people() = std::move(presence);
  }
  envelope.set_closed_by_lateness(closed_by_lateness);
  return envelope;
}

std::optional<v1::LogEntry> SessionCore::ProjectEntry(const v1::LogEntry& entry,
                                                      const Viewer& viewer) const {
  return Project(state_->book, entry, viewer);
}

v1::Snapshot SessionCore::SnapshotFor(const Viewer& viewer, int64_t now_us) const {
  v1::Snapshot snapshot = ProjectSnapshot(*state_, viewer, now_us);
  snapshot.set_epoch(state_->epoch);
  return snapshot;
}

std::vector<v1::Presence> SessionCore::PresenceFor(const Viewer& viewer, int64_t now_us) const {
  return ProjectPresence(*state_, viewer, now_us);
}

v1::HistoryResponse SessionCore::HistoryFor(const v1::HistoryRequest& request,
                                            const Viewer& viewer) const {
  constexpr uint32_t kFramesMost = 600;
  v1::HistoryResponse response;
  const auto& frames = state_->frames;
  if (frames.empty()) return response;
  const uint64_t oldest = frames.front().tick;
  const uint64_t newest = frames.back().tick;
  response.set_oldest_kept(oldest);
  const uint64_t to = request.to_tick() == 0 ? newest : std::min(request.to_tick(), newest);
  uint64_t from = std::max(request.from_tick(), oldest);
  const uint64_t most =
      request.max_frames() == 0 ? kFramesMost : std::min(request.max_frames(), kFramesMost);
  if (to >= most) from = std::max(from, to - most + 1);
  for (uint64_t tick = from; tick <= to; ++tick) {
    const KeptFrame& kept = frames[tick - oldest];
    v1::Frame frame;
    if (!frame.ParseFromString(kept.bytes)) continue;
    *response.add_frames() = Project(state_->book, *state_->grants, &kept.ground, frame, viewer);
  }
  return response;
}

std::vector<v1::LogEntry> SessionCore::LogAfter(uint64_t after) const {
  std::vector<v1::LogEntry> entries;
  for (const v1::LogEntry& entry : state_->log) {
    if (entry.cursor() > after) entries.push_back(entry);
  }
  return entries;
}

int64_t SessionCore::ReportDueAtUs() const {
  const State& state = *state_;
  if (!state.book.ended || !state.book.report_wanted || !AllTicksClosed(state)) return kNever;
  if (state.book.report_revision > 0 || AllFinished(state)) return state.book.ended_us;
  return std::max(state.book.ended_us, state.owner_us) + state.book.created.grace_us();
}

bool SessionCore::ReportDue(int64_t now_us) const { return now_us >= ReportDueAtUs(); }

uint32_t SessionCore::report_revision() const { return state_->book.report_revision; }

bool SessionCore::DeleteRawAfterReport() const {
  return state_->book.created.kind() == v1::SESSION_KIND_TEAM;
}

std::unique_ptr<SessionCore::ReportBuilder> SessionCore::BuildReport() const {
  return MakeReportBuilder(state_->book);
}

v1::Report SessionCore::ProjectReport(const v1::Report& report, const Viewer& viewer) const {
  return Project(state_->book, *state_->grants, report, viewer);
}

absl::StatusOr<v1::GetExportResponse> SessionCore::ExportFor(const v1::GetExportRequest& request,
                                                             const Viewer& viewer) const {
  return ProjectExport(*state_, request, viewer);
}

v1::ReportEnvelope SessionCore::ReportEnvelopeFor(const Viewer& viewer) const {
  v1::ReportEnvelope envelope;
  (void)viewer;
  envelope.set_epochs(state_->epochs);
  envelope.set_ticks_by_lateness(state_->ticks_by_lateness);
  if (state_->book.created.kind() != v1::SESSION_KIND_TEAM) {
    envelope.set_late_beats(state_->late_beats);
  }
  return envelope;
}

SessionCore::Checkpoint SessionCore::Save() const { return SaveCheckpoint(*state_); }

absl::StatusOr<SessionCore> SessionCore::Restore(const Checkpoint& checkpoint,
                                                 const Limits& limits) {
  SessionCore core(limits);
  ATTUNE_RETURN_IF_ERROR(RestoreCheckpoint(checkpoint, *core.state_));
  return core;
}

}  // namespace attune::session
