// The secrets that an operator keeps for a node or a cluster, in one small text file:
//
//   # comment
//   api ID SECRET     signs and checks tokens; the first one signs. SECRET: 32..128 characters
//   kek ID HEX        wraps data keys; the first one wraps new ones. HEX: 64 digits, 32 bytes
//   ticket HEX        signs epoch tickets; exactly one. HEX: 64 digits, 32 bytes
//
// To rotate, put the new `api` or `kek` line before the old one and remove the old one later. The
// file must be readable by its owner alone (mode 0600 or 0400). Nothing here ever prints a secret.
#ifndef ATTUNE_SERVICES_BASE_KEYS_H_
#define ATTUNE_SERVICES_BASE_KEYS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/random.h"

namespace attune {

inline constexpr size_t kMaxKeysFileBytes = 64 * 1024;
inline constexpr size_t kMaxKeyIdBytes = 64;
// RFC 7518 section 3.2: an HS256 key has at least as many bits as the hash.
inline constexpr size_t kMinApiSecretBytes = 32;
inline constexpr size_t kMaxApiSecretBytes = 128;
inline constexpr size_t kSymmetricKeyBytes = 32;

struct ApiKey {
  std::string id;  // [A-Za-z0-9_.-], goes into tokens as `iss`
  std::string secret;
};

struct WrappingKey {
  std::string id;     // as above
  std::string bytes;  // kSymmetricKeyBytes
};

struct KeyRing {
  std::vector<ApiKey> api;                           // at least one
  std::vector<WrappingKey> kek;                      // at least one
  std::string ticket;                                // kSymmetricKeyBytes
  const ApiKey* FindApi(std::string_view id) const;  // nullptr: unknown
};

// INVALID_ARGUMENT names the line and what is wrong with it, never its content.
absl::StatusOr<KeyRing> ParseKeys(std::string_view text);

// NOT_FOUND: no such file. FAILED_PRECONDITION: others may read it (says how to mend that).
absl::StatusOr<KeyRing> LoadKeysFile(const std::string& path);

// Writes a new file with fresh keys, mode 0600, complete or not at all. ALREADY_EXISTS: never
// overwrites. `random` must be fit for keys (SystemRandom).
absl::Status CreateKeysFile(const std::string& path, RandomSource& random);

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_KEYS_H_
