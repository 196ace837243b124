// A session as a plan that can be replayed: what its report is made from, and what an export says.
// Pure.
//
// - People who left are there up to then. A tick counts for a person or pair only if every consent
//   that stands now stood then; consents that no longer stand never count.
// - Pairs are those who formed one (and may be shown to somebody), and in labs all that are open to
//   facilitators, up to kLabPairPeople at a time.
// - Outside labs, group values count only if the gate of project.h held for somebody who does not
//   contribute.
#ifndef ATTUNE_SERVICES_SESSION_PLAN_H_
#define ATTUNE_SERVICES_SESSION_PLAN_H_

#include <cstdint>
#include <vector>

#include "attune/v1/report.pb.h"
#include "services/session/state.h"
#include "services/synchrony/replay/plan.h"

namespace attune::session {

// Everybody but the erased, up to `length_us`.
synchrony::Plan PlanOf(const Book& book, int64_t length_us);
// The same without beats.
synchrony::Plan PlanWithoutBeats(const Book& book, int64_t length_us);
synchrony::TimedBeat TimedBeatOf(const StoredBeat& stored);

// The phases of a session up to `length_us`, in order.
std::vector<v1::Phase> PhasesOf(const Book& book, int64_t length_us);

// Since when all of `grants` (see consent.h) have stood without a break; kNever: one does not.
int64_t GrantedSince(const Person& person, uint32_t grants);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_PLAN_H_
