// The data keys of people in sessions. Each (session, subject) has one random 256-bit key, made
// on first use, stored wrapped (AES-256-GCM) by a key-encryption key that lives outside.
//
// Erasing a person is destroying that key. Therefore the wrapped keys are not in the journal's file
// but in one of their own: a backup of the journal, taken on any day, then holds only ciphertext,
// and destroying a key makes every such backup unreadable for that person at once. A backup of the
// key file would undo this, so it must not be kept longer than the erasure deadline allows.
#ifndef ATTUNE_SERVICES_JOURNAL_KEYSTORE_H_
#define ATTUNE_SERVICES_JOURNAL_KEYSTORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace attune::journal {

inline constexpr size_t kKeyBytes = 32;

// Wiped when the last holder lets go of it.
struct DataKey {
  std::array<unsigned char, kKeyBytes> bytes{};
  DataKey() = default;
  DataKey(const DataKey&) = delete;
  DataKey& operator=(const DataKey&) = delete;
  ~DataKey();
};

// From the operator's key file. `id` is stored beside what it wraps; `bytes` are kKeyBytes.
struct KeyEncryptionKey {
  std::string id;  // 1..64 bytes
  std::string bytes;
};

// Thread-safe. What changes the store is on the disk (fsync) when the call returns.
//
// Errors: NOT_FOUND only ever means "erased" (IsErased), so that a lost key file is not taken for
// an erasure. DATA_LOSS: there is no key and none was destroyed, or it does not unwrap.
// UNAVAILABLE: the disk refuses; try again.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  // The key, made if there is none yet.
  virtual absl::StatusOr<std::shared_ptr<const DataKey>> GetOrCreate(
      const std::string& session, const std::string& subject) = 0;
  virtual absl::StatusOr<std::shared_ptr<const DataKey>> Get(const std::string& session,
                                                             const std::string& subject) = 0;

  // After these no key can be had or made for the subject (any subject of the session), ever: a
  // tombstone stays. Nothing of the wrapped keys is left in the store's files. Idempotent.
  virtual absl::Status Destroy(const std::string& session, const std::string& subject) = 0;
  virtual absl::Status DestroySession(const std::string& session) = 0;

  // The highest epoch that has sealed entries of the session; 0: none yet. Kept here, and not only
  // in the journal, because a journal that lost its tail or was restored from a backup would hand
  // out an epoch a second time, and with it the nonces.
  virtual absl::StatusOr<uint64_t> LastEpoch(const std::string& session) = 0;
  // FAILED_PRECONDITION unless `epoch` is above the last one.
  virtual absl::Status RaiseEpoch(const std::string& session, uint64_t epoch) = 0;

  // The session is used here no more: what the store keeps of it in memory, to put it back into a
  // store that loses it, is let go. Nothing stored changes.
  virtual void Forget(const std::string& session) = 0;
};

inline bool IsErased(const absl::Status& status) { return absl::IsNotFound(status); }

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_KEYSTORE_H_
