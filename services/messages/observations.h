// What can be said of observations without knowing the session. Pure; thread-safe.
#ifndef ATTUNE_SERVICES_MESSAGES_OBSERVATIONS_H_
#define ATTUNE_SERVICES_MESSAGES_OBSERVATIONS_H_

#include "attune/v1/edge.pb.h"

namespace attune::messages {

// How many values a message holds: each takes one sequence number.
int CountOf(const v1::Observations& observations);

}  // namespace attune::messages

#endif  // ATTUNE_SERVICES_MESSAGES_OBSERVATIONS_H_
