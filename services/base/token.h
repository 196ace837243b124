// Tokens: JWT (RFC 7519) signed with HS256 (RFC 7518) under an API key of the keys file. The claim
// `iss` names the API key, nothing else chooses a secret, and no other algorithm is accepted.
#ifndef ATTUNE_SERVICES_BASE_TOKEN_H_
#define ATTUNE_SERVICES_BASE_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/keys.h"

namespace attune {

inline constexpr size_t kMaxTokenBytes = 4096;

inline constexpr std::string_view kRoleParticipant = "participant";
inline constexpr std::string_view kRoleFacilitator = "facilitator";
inline constexpr std::string_view kRoleObserver = "observer";
inline constexpr std::string_view kRoleOperator = "operator";

struct Claims {
  std::string key_id;               // `iss`: id of the API key; SignToken fills it in
  std::string session_id;           // `sid`: needed but for operators, who have none
  std::string token_id;             // `jti`: 8..64 characters, to revoke it by
  std::string role;                 // `role`: one of the four above
  uint32_t participant = 0;         // `pid`: participants only, from 1
  std::vector<std::string> grants;  // `scope`: words without spaces; may be empty
  int64_t expires_utc_us = 0;       // `exp`, whole seconds (rounded down)
  int64_t not_before_utc_us = 0;    // `nbf`, likewise; 0: absent
};

// INVALID_ARGUMENT when the claims contradict each other.
absl::StatusOr<std::string> SignToken(const Claims& claims, const ApiKey& key);

// UNAUTHENTICATED, with a message that says which: not a token of ours, "token expired ...", "token
// not valid yet". A token is refused from the second of its `exp` on.
absl::StatusOr<Claims> VerifyToken(std::string_view jwt, const KeyRing& keys, int64_t now_utc_us);

// Whether a refusal of VerifyToken means that the token was good once.
bool IsTokenExpired(const absl::Status& status);

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_TOKEN_H_
