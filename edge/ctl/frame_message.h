// The engine's plain numbers as messages of the contract. Pure; thread-safe.
#ifndef ATTUNE_EDGE_CTL_FRAME_MESSAGE_H_
#define ATTUNE_EDGE_CTL_FRAME_MESSAGE_H_

#include <cstdint>

#include "attune/v1/live.pb.h"
#include "services/synchrony/numbers.h"

namespace attune::edge {

v1::Number ToMessage(const synchrony::Number& number);
v1::Frame ToMessage(const synchrony::Frame& frame, uint64_t tick);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_FRAME_MESSAGE_H_
