// One function per record kind: changes the state and says what follows. Called by
// SessionCore::Apply after the record's number was checked.
//
// Records are trusted as far as the journal's checksums and seals go, but a record that does not
// fit the state is DATA_LOSS, never undefined.
#ifndef ATTUNE_SERVICES_SESSION_APPLY_H_
#define ATTUNE_SERVICES_SESSION_APPLY_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/session/state.h"

namespace attune::session {

// apply_people.cc
absl::Status ApplyJoined(const v1::Joined& joined, State& state, Effects& effects);
absl::Status ApplyLeft(const v1::Left& left, State& state, Effects& effects);
absl::Status ApplyViewerJoined(const v1::ViewerJoined& viewer, State& state, Effects& effects);
absl::Status ApplyViewerLeft(const v1::ViewerLeft& viewer, State& state, Effects& effects);
absl::Status ApplyDyadFormed(const v1::DyadFormed& formed, State& state, Effects& effects);
absl::Status ApplyDyadDissolved(const v1::DyadDissolved& dissolved, State& state, Effects& effects);
absl::Status ApplyConsentChanged(const v1::ConsentChanged& changed, State& state, Effects& effects);
absl::Status ApplyMeasure(const v1::MeasureSubmitted& measure, State& state, Effects& effects);
absl::Status ApplyErasure(const v1::Erased& erased, State& state, Effects& effects);

// apply_data.cc
absl::Status ApplyObservations(const v1::ObservationsAdmitted& admitted, State& state,
                               Effects& effects);
absl::Status ApplyGap(const v1::GapAdmitted& admitted, State& state, Effects& effects);
absl::Status ApplySourceFinished(const v1::SourceFinished& finished, State& state,
                                 Effects& effects);
absl::Status ApplyTickClosed(const v1::TickClosed& closed, State& state, Effects& effects);

// apply_session.cc
absl::Status ApplyCreated(const v1::Created& created, State& state, Effects& effects);
absl::Status ApplyOwnerTaken(const v1::OwnerTaken& owner, State& state, Effects& effects);
absl::Status ApplyPracticeStarted(const v1::PracticeStarted& started, State& state,
                                  Effects& effects);
absl::Status ApplyPracticeStopped(const v1::PracticeStopped& stopped, State& state,
                                  Effects& effects);
absl::Status ApplyAnnotationSet(const v1::AnnotationSet& set, State& state, Effects& effects);
absl::Status ApplyAnnotationUndone(const v1::AnnotationUndone& undone, State& state,
                                   Effects& effects);
absl::Status ApplyPromptSent(const v1::PromptSent& sent, State& state, Effects& effects);
absl::Status ApplyEnded(const v1::Ended& ended, State& state, Effects& effects);
absl::Status ApplyReportStored(const v1::ReportStored& stored, State& state, Effects& effects);
absl::Status ApplyTokenRevoked(const v1::TokenRevoked& revoked, State& state, Effects& effects);

// Shared by them.

absl::Status Misfit(const State& state, const char* why);
// The person a record is about. When records of erased people are missing, somebody unknown was
// one of them; otherwise null.
Person* FindOrGhost(State& state, uint32_t participant);
// Adds to the log that is kept and to the effects.
void Log(v1::LogEntry entry, State& state, Effects& effects);
// After anything that changes what people grant.
void RefreshGrants(State& state);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_APPLY_H_
