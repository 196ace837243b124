// The engine's structs as messages of the contract: for sessions, and for analyses of recordings.
// Pure; thread-safe.
#ifndef ATTUNE_SERVICES_MESSAGES_NUMBERS_H_
#define ATTUNE_SERVICES_MESSAGES_NUMBERS_H_

#include <vector>

#include "attune/v1/live.pb.h"
#include "attune/v1/measure.pb.h"
#include "services/synchrony/numbers.h"

namespace attune::messages {

// kNone means "by its nature": of a chance level, that there is none for this measure.
v1::Absence ToProto(synchrony::Absence absence);

// A value that is not finite is absent.
v1::Number ToProto(const synchrony::Number& number);

// The numbers of a measure are the same in the catalogue and in the contract.
v1::Measure ToProto(synchrony::Measure measure);

void AddTo(const std::vector<synchrony::NamedNumber>& more,
           google::protobuf::RepeatedPtrField<v1::NamedNumber>& out);

// Tick, phase and practice are left to the caller, and pairs carry no dyad.
v1::Frame ToProto(const synchrony::Frame& frame);

}  // namespace attune::messages

#endif  // ATTUNE_SERVICES_MESSAGES_NUMBERS_H_
