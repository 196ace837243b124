// The key store of many nodes, in Redis: `{SESSION}:keys`, keys wrapped exactly as in the SQLite
// one. All nodes hold the same key-encryption keys.
//
// Of the sessions in use here (from RaiseEpoch to Forget) it remembers the wrapped keys, tombstones
// and epoch, and puts them back when Redis has been emptied or has lost its newest writes. What is
// erased stays erased: a tombstone wins over a key, whoever comes first.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_KEYSTORE_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_KEYSTORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/journal/keystore.h"
#include "services/journal/run_after.h"
#include "services/redis/client.h"

namespace attune::journal {

// Wrapped keys and tombstones remembered at most; beyond it new ones are not.
inline constexpr size_t kMaxRememberedKeys = 262'144;

struct RedisKeyStoreOptions {
  // The first one wraps new keys; the others are accepted for what they wrapped earlier.
  std::vector<KeyEncryptionKey> keys;
  RandomSource* random =
      nullptr;  // fit for keys and thread-safe (SystemRandom); outlives the store
  const Clock* clock = nullptr;
  // How many replicas must have a change before its call returns; 0: none.
  int replicas = 0;
  int64_t wait_within_us = 500'000;
  int64_t look_every_us = 500'000;
  RunAfter run_after;  // as in RedisJournalOptions
};

std::vector<redis::Script> KeyStoreScripts();

// `client` must outlive it. Does not wait for Redis; calls do, and must not be made on the client's
// thread. Their errors beyond keystore.h: FAILED_PRECONDITION when Redis holds keys that were
// wrapped under a key-encryption key which is not among `keys`.
// INVALID_ARGUMENT: no clock or randomness, no key-encryption key, or not kKeyBytes long.
absl::StatusOr<std::unique_ptr<KeyStore>> OpenRedisKeyStore(redis::Client& client,
                                                            RedisKeyStoreOptions options);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_KEYSTORE_H_
