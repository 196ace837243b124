#include "services/session/apply.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/session/consent.h"

namespace attune::session {
namespace {

// Records that only come from calls; ids are remembered with what the call led to.
void RememberRequest(const v1::JournalRecord& record, State& state) {
  if (record.request_id().empty()) return;
  if (!state.requests.emplace(record.request_id(), RequestOf(record)).second) return;
  state.request_order.push_back(record.request_id());
  while (state.request_order.size() > state.limits.request_ids_kept) {
    state.requests.erase(state.request_order.front());
    state.request_order.pop_front();
  }
}

absl::Status Dispatch(const v1::JournalRecord& record, State& state, Effects& effects) {
  switch (record.what_case()) {
    case v1::JournalRecord::kCreated:
      return ApplyCreated(record.created(), state, effects);
    case v1::JournalRecord::kOwnerTaken:
      return ApplyOwnerTaken(record.owner_taken(), state, effects);
    case v1::JournalRecord::kJoined:
      return ApplyJoined(record.joined(), state, effects);
    case v1::JournalRecord::kLeft:
      return ApplyLeft(record.left(), state, effects);
    case v1::JournalRecord::kViewerJoined:
      return ApplyViewerJoined(record.viewer_joined(), state, effects);
    case v1::JournalRecord::kViewerLeft:
      return ApplyViewerLeft(record.viewer_left(), state, effects);
    case v1::JournalRecord::kDyadFormed:
      return ApplyDyadFormed(record.dyad_formed(), state, effects);
    case v1::JournalRecord::kDyadDissolved:
      return ApplyDyadDissolved(record.dyad_dissolved(), state, effects);
    case v1::JournalRecord::kConsentChanged:
      return ApplyConsentChanged(record.consent_changed(), state, effects);
    case v1::JournalRecord::kObservations:
      return ApplyObservations(record.observations(), state, effects);
    case v1::JournalRecord::kGap:
      return ApplyGap(record.gap(), state, effects);
    case v1::JournalRecord::kTickClosed:
      return ApplyTickClosed(record.tick_closed(), state, effects);
    case v1::JournalRecord::kPracticeStarted:
      return ApplyPracticeStarted(record.practice_started(), state, effects);
    case v1::JournalRecord::kPracticeStopped:
      return ApplyPracticeStopped(record.practice_stopped(), state, effects);
    case v1::JournalRecord::kAnnotationSet:
      return ApplyAnnotationSet(record.annotation_set(), state, effects);
    case v1::JournalRecord::kAnnotationUndone:
      return ApplyAnnotationUndone(record.annotation_undone(), state, effects);
    case v1::JournalRecord::kMeasure:
      return ApplyMeasure(record.measure(), state, effects);
    case v1::JournalRecord::kPromptSent:
      return ApplyPromptSent(record.prompt_sent(), state, effects);
    case v1::JournalRecord::kEnded:
      return ApplyEnded(record.ended(), state, effects);
    case v1::JournalRecord::kReportStored:
      return ApplyReportStored(record.report_stored(), state, effects);
    case v1::JournalRecord::kErased:
      return ApplyErasure(record.erased(), state, effects);
    case v1::JournalRecord::kSourceFinished:
      return ApplySourceFinished(record.source_finished(), state, effects);
    case v1::JournalRecord::kTokenRevoked:
      return ApplyTokenRevoked(record.token_revoked(), state, effects);
    case v1::JournalRecord::WHAT_NOT_SET:
      break;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("record ", record.number(),
                   " is of a kind that this version does not know: use a newer one"));
}

absl::Status CheckNumber(const State& state, uint64_t number) {
  if (number == state.number + 1) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the next record is ", state.number + 1, ", not ", number));
}

}  // namespace

absl::Status Misfit(const State& state, const char* why) {
  return absl::DataLossError(absl::StrCat("record ", state.number + 1, " does not fit: ", why));
}

Person* FindOrGhost(State& state, uint32_t participant) {
  const auto it = state.book.people.find(participant);
  if (it != state.book.people.end()) return &it->second;
  if (!state.incomplete || participant == 0 || participant > state.limits.people) return nullptr;
  Person& ghost = state.book.people[participant];
  ghost.number = participant;
  ghost.erased = true;
  return &ghost;
}

void Log(v1::LogEntry entry, State& state, Effects& effects) {
  entry.set_cursor(++state.last_cursor);
  entry.set_at_session_us(state.at_us);
  state.log.push_back(entry);
  while (state.log.size() > state.limits.log_entries_kept) state.log.pop_front();
  effects.log.push_back(std::move(entry));
}

void RefreshGrants(State& state) {
  state.grants = std::make_shared<const Grants>(GrantsOf(state.book));
}

absl::StatusOr<Effects> SessionCore::Apply(const v1::JournalRecord& record) {
  State& state = *state_;
  ATTUNE_RETURN_IF_ERROR(CheckNumber(state, record.number()));
  if ((record.number() == 1) != record.has_created()) {
    return absl::FailedPreconditionError("a session begins with `created`, and only once");
  }
  if (state.pending.has_value() &&
      record.tick_closed().tick() != state.pending->record.tick_closed().tick()) {
    return absl::FailedPreconditionError("a proposed tick must be applied before any other record");
  }
  const int64_t before_us = state.at_us;
  state.at_us = std::max(state.at_us, record.at_session_us());
  Effects effects;
  if (absl::Status status = Dispatch(record, state, effects); !status.ok()) {
    state.at_us = before_us;
    return status;
  }
  state.number = record.number();
  RememberRequest(record, state);
  return effects;
}

absl::Status SessionCore::ApplyErased(uint64_t number) {
  ATTUNE_RETURN_IF_ERROR(CheckNumber(*state_, number));
  if (number == 1) return absl::DataLossError("the opening record belongs to nobody");
  state_->number = number;
  state_->incomplete = true;
  return absl::OkStatus();
}

}  // namespace attune::session
