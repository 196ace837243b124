#include "services/journal/aead.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <limits>
#include <memory>

namespace attune::journal {
namespace {

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const unsigned char* Raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// OpenSSL counts in int.
bool TooLong(std::string_view bytes) {
  return bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()) - kTagBytes;
}

absl::Status Failed() { return absl::InternalError("OpenSSL refused an AES-256-GCM operation"); }

}  // namespace

absl::StatusOr<std::string> GcmEncrypt(std::span<const unsigned char> key, std::string_view nonce,
                                       std::string_view aad, std::string_view plaintext) {
  if (key.size() != 32 || nonce.size() != kNonceBytes || TooLong(aad) || TooLong(plaintext)) {
    return absl::InvalidArgumentError("wrong key or nonce length, or a text beyond 2 GiB");
  }
  const Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(plaintext.size() + kTagBytes, '\0');
  int length = 0;
  int tail = 0;
  if (cipher == nullptr ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), Raw(nonce)) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, Raw(aad), static_cast<int>(aad.size())) !=
          1 ||
      EVP_EncryptUpdate(cipher.get(), Raw(out), &length, Raw(plaintext),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), Raw(out) + length, &tail) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          Raw(out) + plaintext.size()) != 1) {
    return Failed();
  }
  return out;
}

absl::StatusOr<std::string> GcmDecrypt(std::span<const unsigned char> key, std::string_view nonce,
                                       std::string_view aad, std::string_view sealed) {
  if (key.size() != 32 || nonce.size() != kNonceBytes || TooLong(aad) || TooLong(sealed)) {
    return absl::InvalidArgumentError("wrong key or nonce length, or a text beyond 2 GiB");
  }
  if (sealed.size() < kTagBytes) return absl::DataLossError("sealed bytes are too short");
  const size_t text_bytes = sealed.size() - kTagBytes;
  std::string tag(sealed.substr(text_bytes));
  const Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(text_bytes, '\0');
  int length = 0;
  int tail = 0;
  if (cipher == nullptr ||
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), Raw(nonce)) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, Raw(aad), static_cast<int>(aad.size())) !=
          1 ||
      EVP_DecryptUpdate(cipher.get(), Raw(out), &length, Raw(sealed),
                        static_cast<int>(text_bytes)) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) != 1) {
    return Failed();
  }
  if (EVP_DecryptFinal_ex(cipher.get(), Raw(out) + length, &tail) != 1) {
    return absl::DataLossError(
        "sealed bytes do not match their key or their place: damaged, moved or forged");
  }
  return out;
}

absl::Status HkdfSha256(std::span<const unsigned char> key, std::string_view info,
                        std::span<unsigned char> out) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), &EVP_KDF_free);
  if (kdf == nullptr) return absl::InternalError("OpenSSL has no HKDF");
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      EVP_KDF_CTX_new(kdf.get()), &EVP_KDF_CTX_free);
  // OpenSSL's parameters are not const; it only reads these.
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<unsigned char*>(key.data()),
                                        key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()),
                                        info.size()),
      OSSL_PARAM_construct_end()};
  if (context == nullptr || EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1) {
    return absl::InternalError("OpenSSL refused to derive a key");
  }
  return absl::OkStatus();
}

void AppendField(std::string& to, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift));
}

void AppendField(std::string& to, std::string_view bytes) {
  AppendField(to, static_cast<uint64_t>(bytes.size()));
  to.append(bytes);
}

}  // namespace attune::journal
