// Predicates of the table in project.h, shared by the projections of frames, log and reports.
#ifndef ATTUNE_SERVICES_SESSION_VISIBILITY_H_
#define ATTUNE_SERVICES_SESSION_VISIBILITY_H_

#include <cstdint>
#include <vector>

#include "services/session/consent.h"
#include "services/session/state.h"

namespace attune::session {

// A person who takes part now; operators, and people who left or are unknown, are nobody.
bool IsSomebody(const Book& book, const Viewer& viewer);

inline bool IsFacilitator(const Viewer& viewer) { return viewer.role == v1::ROLE_FACILITATOR; }
// May know who is there.
inline bool SeesRoster(const Viewer& viewer) {
  return viewer.role == v1::ROLE_PARTICIPANT || viewer.role == v1::ROLE_FACILITATOR;
}

// Grants of one person; of now and of then: one route must have been open both times, so a yes
// counts only if it was said both times, a refusal if it was said at all.
uint32_t GrantsIn(const Grants& now, uint32_t participant);
uint32_t GrantsIn(const Grants& now, const Grants& then, uint32_t participant);

bool SeesPerson(const Book& book, uint32_t grants, uint32_t participant, const Viewer& viewer);
bool SeesPair(const Book& book, uint32_t grants_a, uint32_t grants_b, uint32_t a, uint32_t b,
              const Viewer& viewer);

// A mark about one person, or (0) about everybody.
bool SeesNoteAbout(uint32_t about, const Viewer& viewer);
// The raw beats of a person who is not erased. Own ones are one's own, whatever was agreed to.
bool SeesBeats(const Book& book, uint32_t grants, uint32_t participant, const Viewer& viewer);

// Both numbers withheld, for this reason.
v1::GroupFrame WithheldGroup(v1::Absence reason);
// As told outside a lab: rounded, without p.
v1::Number RoundedNumber(const v1::Number& number);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_VISIBILITY_H_
