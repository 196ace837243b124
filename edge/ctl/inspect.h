// What a token says, for people. Pure.
#ifndef ATTUNE_EDGE_CTL_INSPECT_H_
#define ATTUNE_EDGE_CTL_INSPECT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "services/base/keys.h"

namespace attune::edge {

// The claims and whether they are valid at `now_utc_us`. Without `keys` the signature is not
// checked and that is said. With them, UNAUTHENTICATED when a server with these keys would refuse
// it.
absl::StatusOr<std::string> InspectToken(const std::string& token, const KeyRing* keys,
                                         int64_t now_utc_us);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_INSPECT_H_
