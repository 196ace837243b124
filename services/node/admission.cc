#include "services/node/admission.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::node {

absl::StatusOr<Claims> Admission::Verify(std::string_view token) const {
  return VerifyToken(token, options_.keys, clock_.UtcMicros());
}

absl::StatusOr<Claims> Admission::Authenticate(
    const grpc::ServerContextBase& context, std::initializer_list<std::string_view> roles) const {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  std::string_view token;
  if (found != metadata.end()) {
    const std::string_view value(found->second.data(), found->second.size());
    if (value.substr(0, kBearer.size()) != kBearer) {
      return absl::UnauthenticatedError("send the token as `authorization: Bearer TOKEN`");
    }
    token = value.substr(kBearer.size());
  }
  ATTUNE_ASSIGN_OR_RETURN(Claims claims, Verify(token));
  if (std::find(roles.begin(), roles.end(), claims.role) == roles.end()) {
    return absl::PermissionDeniedError(
        absl::StrCat("a token with role ", claims.role, " may not do this"));
  }
  return claims;
}

absl::StatusOr<Admission::Issued> Admission::Issue(std::string_view role,
                                                   const std::string& session,
                                                   uint32_t participant) const {
  Claims claims;
  claims.session_id = session;
  claims.token_id = absl::BytesToHexString(random_.Bytes(12));
  claims.role = std::string(role);
  claims.participant = participant;
  claims.expires_utc_us = clock_.UtcMicros() + options_.participant_token_life_us;
  ATTUNE_ASSIGN_OR_RETURN(std::string token, SignToken(claims, options_.keys.api.front()));
  constexpr int64_t kSecondUs = 1'000'000;
  return Issued{std::move(token), claims.expires_utc_us / kSecondUs * kSecondUs};
}

}  // namespace attune::node
