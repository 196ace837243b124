#include "services/session/request.h"

#include "services/session/session_core.h"

namespace attune::session {
namespace {

uint32_t ResultIn(const v1::JournalRecord& record) {
  switch (record.what_case()) {
    case v1::JournalRecord::kJoined:
      return record.joined().participant();
    case v1::JournalRecord::kPracticeStarted:
      return record.practice_started().practice().practice();
    case v1::JournalRecord::kPracticeStopped:
      return record.practice_stopped().practice();
    case v1::JournalRecord::kAnnotationSet:
      return record.annotation_set().annotation().annotation();
    case v1::JournalRecord::kAnnotationUndone:
      return record.annotation_undone().annotation();
    default:
      return 0;
  }
}

uint32_t ParticipantIn(const v1::JournalRecord& record) {
  switch (record.what_case()) {
    case v1::JournalRecord::kJoined:
      return record.joined().participant();
    case v1::JournalRecord::kLeft:
      return record.left().participant();
    case v1::JournalRecord::kConsentChanged:
      return record.consent_changed().participant();
    case v1::JournalRecord::kMeasure:
      return record.measure().participant();
    case v1::JournalRecord::kErased:
      return record.erased().participant();
    case v1::JournalRecord::kAnnotationSet:
      return record.annotation_set().annotation().participant();
    default:
      return 0;
  }
}

}  // namespace

uint64_t Fingerprint(const v1::JournalRecord& record) {
  v1::JournalRecord intention = record;
  intention.clear_number();
  intention.clear_at_session_us();
  switch (record.what_case()) {
    case v1::JournalRecord::kJoined:
      intention.mutable_joined()->clear_participant();
      intention.mutable_joined()->clear_subject();
      break;
    case v1::JournalRecord::kErased:
      intention.mutable_erased()->clear_subject();
      break;
    case v1::JournalRecord::kPracticeStarted:
      intention.mutable_practice_started()->mutable_practice()->clear_practice();
      intention.mutable_practice_started()->mutable_practice()->clear_started_session_us();
      break;
    case v1::JournalRecord::kAnnotationSet: {
      v1::Annotation& annotation = *intention.mutable_annotation_set()->mutable_annotation();
      annotation.clear_annotation();
      annotation.clear_phase();
      annotation.clear_at_session_us();
      break;
    }
    case v1::JournalRecord::kEnded:
      intention.mutable_ended()->clear_ended_session_us();
      break;
    default:
      break;
  }
  return Digest(intention.SerializeAsString());
}

Request RequestOf(const v1::JournalRecord& record) {
  return {ResultIn(record), Fingerprint(record), ParticipantIn(record)};
}

}  // namespace attune::session
