// How key stores wrap data keys: AES-256-GCM under a key-encryption key, bound to session, subject
// and the id of that key. A wrapped key is a nonce, the ciphertext and the tag.
#ifndef ATTUNE_SERVICES_JOURNAL_KEY_WRAPPING_H_
#define ATTUNE_SERVICES_JOURNAL_KEY_WRAPPING_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/random.h"
#include "services/journal/keystore.h"

namespace attune::journal {

// INVALID_ARGUMENT: none, or one without an id, with too long a one, or not kKeyBytes long.
absl::Status CheckKeyEncryptionKeys(const std::vector<KeyEncryptionKey>& keys);

// As thread-safe as its source of randomness.
class KeyWrapper {
 public:
  struct Made {
    std::shared_ptr<const DataKey> key;
    std::string kek;  // the id of the key that wraps it
    std::string wrapped;
  };

  // `keys` have been checked; the first one wraps. `random` must outlive it.
  KeyWrapper(std::vector<KeyEncryptionKey> keys, RandomSource& random)
      : keys_(std::move(keys)), random_(random) {}
  ~KeyWrapper();
  KeyWrapper(const KeyWrapper&) = delete;
  KeyWrapper& operator=(const KeyWrapper&) = delete;

  // A new data key.
  absl::StatusOr<Made> Make(const std::string& session, const std::string& subject);
  // DATA_LOSS when it does not unwrap.
  absl::StatusOr<std::shared_ptr<const DataKey>> Unwrap(const std::string& session,
                                                        const std::string& subject,
                                                        const std::string& kek,
                                                        std::string_view wrapped) const;

  // A known text under the first key, so that a wrong one is noticed at once.
  const std::string& first_id() const { return keys_.front().id; }
  absl::StatusOr<std::string> Proof();
  // FAILED_PRECONDITION, naming the id, when the key is not among these or has other bytes.
  absl::Status CheckProof(const std::string& kek, std::string_view proof) const;

 private:
  const KeyEncryptionKey* Find(const std::string& id) const;
  absl::StatusOr<std::string> Wrap(const std::string& place, std::string_view secret);

  std::vector<KeyEncryptionKey> keys_;
  RandomSource& random_;
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_KEY_WRAPPING_H_
