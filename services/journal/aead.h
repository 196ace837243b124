// AES-256-GCM and HKDF-SHA256 from OpenSSL, in the two shapes that the sealer and the key store
// need.
#ifndef ATTUNE_SERVICES_JOURNAL_AEAD_H_
#define ATTUNE_SERVICES_JOURNAL_AEAD_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace attune::journal {

inline constexpr size_t kNonceBytes = 12;
inline constexpr size_t kTagBytes = 16;

// Ciphertext and then the tag. `key`: 32 bytes, `nonce`: kNonceBytes.
absl::StatusOr<std::string> GcmEncrypt(std::span<const unsigned char> key, std::string_view nonce,
                                       std::string_view aad, std::string_view plaintext);
// DATA_LOSS when the tag does not match; nothing of the text is handed out then.
absl::StatusOr<std::string> GcmDecrypt(std::span<const unsigned char> key, std::string_view nonce,
                                       std::string_view aad, std::string_view sealed);

// RFC 5869 with an empty salt; fills `out`.
absl::Status HkdfSha256(std::span<const unsigned char> key, std::string_view info,
                        std::span<unsigned char> out);

// Fields that cannot run into each other: big-endian integers, strings after their length.
void AppendField(std::string& to, uint64_t value);
void AppendField(std::string& to, std::string_view bytes);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_AEAD_H_
