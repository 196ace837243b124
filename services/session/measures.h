// The measures that a session asks for beyond those of every frame, and to whom they may go.
//
// kind      of the person         of pairs    of the group, and of a person within it
// -------   -------------------   ---------   ----------------------------------------
// team      yes: only to oneself  no          no
// couples   yes: only to oneself  as pairs    no
// lab       as people             as pairs    yes: only to facilitators
//
// A value of a person within the group (leave-one-out r, for example) tells of the others too, so
// it goes where the group's unrounded values go.
#ifndef ATTUNE_SERVICES_SESSION_MEASURES_H_
#define ATTUNE_SERVICES_SESSION_MEASURES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "attune/v1/measure.pb.h"
#include "attune/v1/session.pb.h"
#include "services/synchrony/measure.h"

namespace attune::session {

// INVALID_ARGUMENT for what does not exist, cannot be had live, is in every frame anyway, or is not
// for this kind of session. Ascending, each once.
absl::StatusOr<std::vector<v1::Measure>> CheckMeasures(
    v1::SessionKind kind, const google::protobuf::RepeatedField<int>& measures);

// Does a person's value of this measure stand on the others' hearts too?
bool OfOneWithinGroup(v1::Measure measure);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_MEASURES_H_
