// The engine's structs as messages.
#ifndef ATTUNE_SERVICES_SESSION_CONVERT_H_
#define ATTUNE_SERVICES_SESSION_CONVERT_H_

#include "attune/v1/live.pb.h"
#include "services/synchrony/numbers.h"

namespace attune::session {

v1::Absence ToProto(synchrony::Absence absence);
v1::Number ToProto(const synchrony::Number& number);
// Tick, phase and practice are left to the caller, and pairs carry no dyad.
v1::Frame ToProto(const synchrony::Frame& frame);

}  // namespace attune::session

#endif  // ATTUNE_SERVICES_SESSION_CONVERT_H_
