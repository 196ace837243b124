#include "services/journal/key_wrapping.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/journal/aead.h"

namespace attune::journal {
namespace {

constexpr size_t kMaxKeyIdBytes = 64;

std::span<const unsigned char> Span(const std::string& bytes) {
  return {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()};
}

std::string KeyPlace(const std::string& session, const std::string& subject,
                     const std::string& kek) {
  std::string place = "attune wrapped key v1";
  AppendField(place, session);
  AppendField(place, subject);
  AppendField(place, kek);
  return place;
}

std::string ProofPlace(const std::string& kek) { return KeyPlace("proof", "proof", kek); }

void Wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace

absl::Status CheckKeyEncryptionKeys(const std::vector<KeyEncryptionKey>& keys) {
  if (keys.empty()) return absl::InvalidArgumentError("no key-encryption key");
  for (const KeyEncryptionKey& key : keys) {
    if (key.id.empty() || key.id.size() > kMaxKeyIdBytes || key.bytes.size() != kKeyBytes) {
      return absl::InvalidArgumentError(absl::StrCat("a key-encryption key needs an id of 1 to ",
                                                     kMaxKeyIdBytes, " bytes and ", kKeyBytes,
                                                     " bytes of key"));
    }
  }
  return absl::OkStatus();
}

KeyWrapper::~KeyWrapper() {
  for (KeyEncryptionKey& key : keys_) Wipe(key.bytes);
}

const KeyEncryptionKey* KeyWrapper::Find(const std::string& id) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const KeyEncryptionKey& key) { return key.id == id; });
  return found == keys_.end() ? nullptr : &*found;
}

absl::StatusOr<std::string> KeyWrapper::Wrap(const std::string& place, std::string_view secret) {
  const std::string nonce = random_.Bytes(kNonceBytes);
  ATTUNE_ASSIGN_OR_RETURN(const std::string text,
                          GcmEncrypt(Span(keys_.front().bytes), nonce, place, secret));
  return nonce + text;
}

absl::StatusOr<KeyWrapper::Made> KeyWrapper::Make(const std::string& session,
                                                  const std::string& subject) {
  auto key = std::make_shared<DataKey>();
  std::string secret = random_.Bytes(kKeyBytes);
  std::copy(secret.begin(), secret.end(), key->bytes.begin());
  auto wrapped = Wrap(KeyPlace(session, subject, first_id()), secret);
  Wipe(secret);
  ATTUNE_RETURN_IF_ERROR(wrapped.status());
  return Made{std::move(key), first_id(), *std::move(wrapped)};
}

absl::StatusOr<std::shared_ptr<const DataKey>> KeyWrapper::Unwrap(const std::string& session,
                                                                  const std::string& subject,
                                                                  const std::string& kek,
                                                                  std::string_view wrapped) const {
  const KeyEncryptionKey* found = Find(kek);
  if (found == nullptr || wrapped.size() < kNonceBytes) {
    return absl::DataLossError("a wrapped key is damaged");
  }
  auto secret = GcmDecrypt(Span(found->bytes), wrapped.substr(0, kNonceBytes),
                           KeyPlace(session, subject, kek), wrapped.substr(kNonceBytes));
  if (!secret.ok()) return absl::DataLossError("a wrapped key is damaged");
  auto key = std::make_shared<DataKey>();
  const bool fits = secret->size() == key->bytes.size();
  if (fits) std::copy(secret->begin(), secret->end(), key->bytes.begin());
  Wipe(*secret);
  if (!fits) return absl::DataLossError("a wrapped key has a wrong length");
  return key;
}

absl::StatusOr<std::string> KeyWrapper::Proof() { return Wrap(ProofPlace(first_id()), "proof"); }

absl::Status KeyWrapper::CheckProof(const std::string& kek, std::string_view proof) const {
  const KeyEncryptionKey* key = Find(kek);
  if (key != nullptr && proof.size() >= kNonceBytes &&
      GcmDecrypt(Span(key->bytes), proof.substr(0, kNonceBytes), ProofPlace(kek),
                 proof.substr(kNonceBytes))
          .ok()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "keys in the key store are wrapped under the key-encryption key \"", absl::CHexEscape(kek),
      "\", which the key file does not hold, or not with these bytes: "
      "give the key file that was used before"));
}

}  // namespace attune::journal
