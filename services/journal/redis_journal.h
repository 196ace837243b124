// The journal in Redis, for many nodes. What its keys hold: README.md; the scripts: lua/.
//
// The owner's writes are checked by its fence (epoch and nonce) in every script. Of one session one
// script call is under way at a time; what gathers meanwhile goes into the next (group commit),
// while the calls of different sessions are pipelined. A call whose fate is unknown is made again:
// the script knows what it has already.
//
// In memory the journal keeps, up to the limits below, the newest acknowledged entries of the
// sessions that are open here, to heal a Redis that has lost them (journal.h: SetOnLost).
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_JOURNAL_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/journal/journal.h"
#include "services/journal/run_after.h"
#include "services/redis/client.h"

namespace attune::journal {

inline constexpr size_t kKeptBytesPerSession = size_t{64} << 10;
inline constexpr size_t kKeptBytes = size_t{64} << 20;
// Sessions open at once; beyond, the one that was written to longest ago is healed no more.
inline constexpr size_t kMaxHealedSessions = 65'536;

struct RedisJournalOptions {
  Tier tier = Tier::kRedis;  // or kRedisWait
  // kRedisWait: how many replicas must have it. WAIT holds up its connection while replicas are
  // missing: give a journal of this tier a client of its own.
  int replicas = 1;
  int64_t wait_within_us = 100'000;  // of one WAIT; then it is asked again
  const Clock* clock = nullptr;      // must outlive the journal
  size_t max_queued_entries = kMaxQueuedEntries;
  size_t max_queued_bytes = kMaxQueuedBytes;
  int64_t retry_pause_us = 250'000;
  int64_t append_linger_us = 1'000'000;  // Urgency::kMayWait
  // How often the server is looked at: is it another one than before?
  int64_t look_every_us = 500'000;
  size_t kept_bytes_per_session = kKeptBytesPerSession;
  size_t kept_bytes = kKeptBytes;  // in all
  // As in SqliteOptions: how long a call took until it was good, and its entries.
  std::function<void(int64_t commit_us, size_t entries)> on_commit;
  // Empty: a thread of the journal's own. A simulation gives its scheduler.
  RunAfter run_after;
};

// The scripts that the client must load (ClientOptions::scripts).
std::vector<redis::Script> JournalScripts();

// `client` must outlive it. Does not wait for Redis. Calls that wait (Open and what reads) must not
// be made on the client's thread. INVALID_ARGUMENT: no clock, another tier, no replicas.
absl::StatusOr<std::unique_ptr<Journal>> OpenRedisJournal(redis::Client& client,
                                                          RedisJournalOptions options);

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_JOURNAL_H_
