#include "services/base/token.h"

#include <jwt.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <memory>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/base/status_macros.h"

namespace attune {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMaxSeconds = std::numeric_limits<int64_t>::max() / kMicrosPerSecond;
constexpr char kExpired[] = "token expired: join again or ask for a new one";
// {"alg":"none"}: see Issuer.
constexpr char kUnsignedHeader[] = "eyJhbGciOiJub25lIn0.";

struct JwtFree {
  void operator()(jwt_t* jwt) const { jwt_free(jwt); }
};
using Jwt = std::unique_ptr<jwt_t, JwtFree>;

bool IsRole(std::string_view role) {
  return role == kRoleParticipant || role == kRoleFacilitator || role == kRoleObserver ||
         role == kRoleOperator;
}

// What a token of ours looks like, signing and verifying alike.
absl::Status Check(const Claims& claims) {
  if (!IsRole(claims.role)) return absl::InvalidArgumentError("token: unknown role");
  const bool is_operator = claims.role == kRoleOperator;
  if (is_operator != claims.session_id.empty()) {
    return absl::InvalidArgumentError(is_operator ? "token: an operator's has no session"
                                                  : "token: names no session");
  }
  if ((claims.role == kRoleParticipant) != (claims.participant != 0)) {
    return absl::InvalidArgumentError("token: participants, and only they, have a number");
  }
  if (claims.token_id.size() < 8 || claims.token_id.size() > 64) {
    return absl::InvalidArgumentError("token: its id must have 8..64 characters");
  }
  if (claims.expires_utc_us < kMicrosPerSecond) {
    return absl::InvalidArgumentError("token: has no expiry");
  }
  return absl::OkStatus();
}

absl::Status NotOurs(std::string_view why) {
  return absl::UnauthenticatedError(
      absl::StrCat("not a token of this server (", std::string(why), ")"));
}

std::string Text(jwt_t* jwt, const char* claim) {
  const char* value = jwt_get_grant(jwt, claim);
  return value == nullptr ? "" : value;
}

// 0 when absent, -1 when not a number.
int64_t Integer(jwt_t* jwt, const char* claim) {
  errno = 0;
  const long value = jwt_get_grant_int(jwt, claim);
  if (errno == ENOENT) return 0;
  return errno == 0 ? value : -1;
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// Which API key a token claims to be signed with: its payload, read without believing it. libjwt
// reads a payload without a key only from an unsigned token, so it is given one.
std::string Issuer(std::string_view jwt) {
  const size_t first = jwt.find('.');
  const size_t second = first == std::string_view::npos ? first : jwt.find('.', first + 1);
  if (second == std::string_view::npos) return "";
  const std::string unsigned_token =
      absl::StrCat(kUnsignedHeader, std::string(jwt.substr(first + 1, second - first)));
  jwt_t* raw = nullptr;
  if (jwt_decode(&raw, unsigned_token.c_str(), nullptr, 0) != 0) return "";
  return Text(Jwt(raw).get(), "iss");
}

}  // namespace

absl::StatusOr<std::string> SignToken(const Claims& claims, const ApiKey& key) {
  ATTUNE_RETURN_IF_ERROR(Check(claims));
  for (const std::string& grant : claims.grants) {
    if (grant.empty() || grant.find(' ') != std::string::npos) {
      return absl::InvalidArgumentError("token: a grant is one word");
    }
  }
  jwt_t* raw = nullptr;
  if (jwt_new(&raw) != 0) return absl::ResourceExhaustedError("token: out of memory");
  const Jwt jwt(raw);
  bool good = jwt_add_grant(raw, "iss", key.id.c_str()) == 0 &&
              jwt_add_grant(raw, "jti", claims.token_id.c_str()) == 0 &&
              jwt_add_grant(raw, "role", claims.role.c_str()) == 0 &&
              jwt_add_grant_int(raw, "exp", claims.expires_utc_us / kMicrosPerSecond) == 0;
  if (!claims.session_id.empty()) {
    good = good && jwt_add_grant(raw, "sid", claims.session_id.c_str()) == 0;
  }
  if (claims.participant != 0) {
    good = good && jwt_add_grant_int(raw, "pid", claims.participant) == 0;
  }
  if (!claims.grants.empty()) {
    good = good && jwt_add_grant(raw, "scope", absl::StrJoin(claims.grants, " ").c_str()) == 0;
  }
  if (claims.not_before_utc_us != 0) {
    good = good && jwt_add_grant_int(raw, "nbf", claims.not_before_utc_us / kMicrosPerSecond) == 0;
  }
  good = good &&
         jwt_set_alg(raw, JWT_ALG_HS256, reinterpret_cast<const unsigned char*>(key.secret.data()),
                     static_cast<int>(key.secret.size())) == 0;
  // Allocated by libjwt with malloc.
  const std::unique_ptr<char, decltype(&std::free)> text(good ? jwt_encode_str(raw) : nullptr,
                                                         &std::free);
  if (text == nullptr) return absl::InvalidArgumentError("token: a claim is not valid UTF-8");
  std::string token = text.get();
  if (token.size() > kMaxTokenBytes) return absl::InvalidArgumentError("token: too many grants");
  return token;
}

absl::StatusOr<Claims> VerifyToken(std::string_view jwt, const KeyRing& keys, int64_t now_utc_us) {
  if (jwt.empty())
    return absl::UnauthenticatedError("no token: send `authorization: Bearer TOKEN`");
  if (jwt.size() > kMaxTokenBytes) return NotOurs("too long");
  if (jwt.find('\0') != std::string_view::npos) return NotOurs("malformed");
  const std::string issuer = Issuer(jwt);
  if (issuer.empty()) return NotOurs("malformed");
  const ApiKey* key = keys.FindApi(issuer);
  if (key == nullptr) return NotOurs("signed with an unknown key");

  jwt_t* raw = nullptr;
  const int failed = jwt_decode(&raw, std::string(jwt).c_str(),
                                reinterpret_cast<const unsigned char*>(key->secret.data()),
                                static_cast<int>(key->secret.size()));
  if (failed != 0) return NotOurs("its signature is wrong");
  const Jwt verified(raw);
  if (jwt_get_alg(raw) != JWT_ALG_HS256) return NotOurs("its algorithm is not HS256");

  Claims claims;
  claims.key_id = issuer;
  claims.session_id = Text(raw, "sid");
  claims.token_id = Text(raw, "jti");
  claims.role = Text(raw, "role");
  const int64_t participant = Integer(raw, "pid");
  const int64_t expires = Integer(raw, "exp");
  const int64_t not_before = Integer(raw, "nbf");
  if (participant < 0 || participant > std::numeric_limits<uint32_t>::max() || expires < 0 ||
      expires > kMaxSeconds || not_before < 0 || not_before > kMaxSeconds) {
    return NotOurs("a claim is out of range");
  }
  claims.participant = static_cast<uint32_t>(participant);
  claims.expires_utc_us = expires * kMicrosPerSecond;
  claims.not_before_utc_us = not_before * kMicrosPerSecond;
  claims.grants = Words(Text(raw, "scope"));
  if (const absl::Status status = Check(claims); !status.ok()) {
    return absl::UnauthenticatedError(status.message());
  }
  if (now_utc_us >= claims.expires_utc_us) return absl::UnauthenticatedError(kExpired);
  if (now_utc_us < claims.not_before_utc_us) {
    return absl::UnauthenticatedError("token not valid yet: check this machine's clock");
  }
  return claims;
}

bool IsTokenExpired(const absl::Status& status) {
  return absl::IsUnauthenticated(status) && status.message() == kExpired;
}

}  // namespace attune
