// Calls that may be repeated: what a request_id stands for.
//
// An id stands for one intention: what was asked and by whom. The same id with the same intention
// is a repetition; with another one it is refused, for a client that believes to have withdrawn a
// consent must not get somebody else's answer, and an id that led to a number in one call must not
// open the door of that number in another.
#ifndef ATTUNE_SERVICES_SESSION_REQUEST_H_
#define ATTUNE_SERVICES_SESSION_REQUEST_H_

#include <cstdint>

#include "attune/v1/journal.pb.h"

namespace attune::session {

// What a remembered call led to.
struct Request {
  uint32_t result = 0;       // number; 0: none
  uint64_t fingerprint = 0;  // of the intention
  uint32_t participant = 0;  // whose call it was or whom it was about, 0: nobody; goes with them
};

// Of the intention in a record, without what the session adds to it: numbers it gives, subjects,
// times. The same for the proposed record and the one read back.
uint64_t Fingerprint(const v1::JournalRecord& record);

Request RequestOf(const v1::JournalRecord& record);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_REQUEST_H_
