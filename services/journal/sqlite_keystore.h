// The key store in one small SQLite file, by convention the journal's path + "-keys".
#ifndef ATTUNE_SERVICES_JOURNAL_SQLITE_KEYSTORE_H_
#define ATTUNE_SERVICES_JOURNAL_SQLITE_KEYSTORE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/random.h"
#include "services/journal/keystore.h"

namespace attune::journal {

// Unwrapped keys held in memory at most; beyond it the cache starts anew (and is wiped).
inline constexpr size_t kMaxCachedKeys = 4096;

struct SqliteKeyStoreOptions {
  // The first one wraps new keys; the others are accepted for what they wrapped earlier.
  std::vector<KeyEncryptionKey> keys;
  // Fit for keys (SystemRandom), must outlive the store.
  RandomSource* random = nullptr;
  std::string vfs_name;  // empty: SQLite's default
};

// Opens or creates the file, readable by its owner only.
//   INVALID_ARGUMENT     no key-encryption key, or not kKeyBytes long
//   FAILED_PRECONDITION  in use by another process; a newer version; or the file was written under
//                        a key-encryption key that is not among `keys` (names its id)
//   DATA_LOSS            not a key store, or damaged
//   UNAVAILABLE          cannot be opened or written (says why)
absl::StatusOr<std::unique_ptr<KeyStore>> OpenSqliteKeyStore(const std::string& path,
                                                             SqliteKeyStoreOptions options);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_SQLITE_KEYSTORE_H_
