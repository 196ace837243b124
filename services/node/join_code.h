// Join codes: 8 symbols of Crockford's base 32 (no I, L, O, U), shown as XXXX-XXXX, to be read
// aloud and typed by hand. 40 bits; guessing is held off by rate_limiter.h.
#ifndef ATTUNE_SERVICES_NODE_JOIN_CODE_H_
#define ATTUNE_SERVICES_NODE_JOIN_CODE_H_

#include <optional>
#include <string>
#include <string_view>

#include "services/base/random.h"

namespace attune::node {

std::string NewJoinCode(RandomSource& random);

// The code as NewJoinCode writes it, whatever case, hyphens, spaces and look-alikes (O for 0; I and
// L for 1) somebody typed. nullopt: cannot be a code.
std::optional<std::string> NormalizeJoinCode(std::string_view typed);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_JOIN_CODE_H_
