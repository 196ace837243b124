// The directory of many nodes: leases in Redis. Standalone Redis, or Sentinel.
//
//   {SESSION}:own     hash: owner (incarnation), address, nonce, epoch, until_ms (Redis's clock)
//   attune:server     hash: run_id, since_ms of the server process that holds the leases now
//   attune:due:0..15  sorted sets: session -> when its lease ends (ms); see DueBucket
//
// Only Redis's own clock decides when a lease ends for others; its owner counts from before it
// asked, on its own steady clock, and stops `margin` earlier. Epochs stay when a session is given
// up. A server process that is not the one on record (restarted, failed over, emptied) puts
// everybody in quarantine for one lease: until every lease that it may have forgotten has run out,
// nobody acquires, and an owner whose lease is still valid puts it back by renewing. What Redis
// cannot repair - an epoch that went back - the caller's `epoch_floor` does: it travels with the
// clients. Why: Kleppmann 2016, "How to do distributed locking"; redis.io/commands/wait.
//
// A former primary that is cut off from its replicas, and an owner with it, would go on renewing
// beside the new one: it must refuse writes by then (README.md, "Redis as it must be set up").
//
// The index of leases' ends (attune:due) is a hint: who it names as an orphan is acquired like any
// session. It is written by the same scripts, so it costs nothing but a command within them.
//
// The scripts and what they say are in lua/.
#ifndef ATTUNE_SERVICES_PLACEMENT_REDIS_DIRECTORY_H_
#define ATTUNE_SERVICES_PLACEMENT_REDIS_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/placement/directory.h"
#include "services/redis/client.h"

namespace attune::placement {

struct RedisDirectoryOptions {
  std::string address;      // where clients reach this node
  std::string incarnation;  // of this process; never the same twice
  int64_t ttl_us = 6'000'000;
  int64_t margin_us = 1'000'000;  // an owner stops so much earlier
};

inline constexpr size_t kDueBuckets = 16;
// Sessions renewed by one script; Redis does nothing else meanwhile (about 0.2 ms).
inline constexpr size_t kRenewedAtOnce = 64;
inline constexpr size_t kMostOrphans = 1000;  // told at once
// How long the epoch of a closed session is remembered.
inline constexpr int64_t kClosedKeptMs = 24 * 3'600'000;

// In which part of the index a session is: FNV-1a (64 bits) of its id, modulo kDueBuckets.
size_t DueBucket(const std::string& session);

// The scripts that the client must load (ClientOptions::scripts).
std::vector<redis::Script> DirectoryScripts();

// Thread-safe; calls wait for a round trip and must not be made on the client's thread.
class RedisDirectory final : public Directory {
 public:
  // All must outlive it.
  RedisDirectory(RedisDirectoryOptions options, redis::Client& client, const Clock& clock,
                 RandomSource& random);

  // Also UNAVAILABLE: nobody may acquire for a while after the server changed; says how long.
  absl::StatusOr<Lease> Acquire(const std::string& session, uint64_t epoch_floor) override;
  // Also UNAVAILABLE: not renewed; the lease given keeps its time. FAILED_PRECONDITION also when
  // the lease has run out on one's own clock: it must not be used again.
  absl::StatusOr<Lease> Renew(const Lease& lease) override;
  // All in one round trip: a script for every kRenewedAtOnce sessions of a bucket.
  std::vector<absl::StatusOr<Lease>> RenewAll(const std::vector<Lease>& leases) override;
  absl::Status Release(const Lease& lease) override;
  absl::Status Close(const Lease& lease) override;
  absl::Status HandOff(const Lease& lease, const std::string& incarnation,
                       const std::string& address) override;
  absl::StatusOr<Lease> Owner(const std::string& session) override;
  // `limit` beyond kMostOrphans is kMostOrphans.
  absl::StatusOr<std::vector<std::string>> Orphans(size_t limit) override;
  absl::Status Remind(const std::vector<std::string>& sessions) override;

 private:
  struct Heir {
    std::string incarnation, address;
  };
  absl::Status GiveUp(const Lease& lease, const Heir& heir, int64_t kept_ms);
  std::string TtlMs() const { return std::to_string(options_.ttl_us / 1000); }

  const RedisDirectoryOptions options_;
  redis::Client& client_;
  const Clock& clock_;
  Mutex mu_;
  RandomSource& random_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_REDIS_DIRECTORY_H_
