// Who owns which session. A session is leased: whoever acquires it gets an epoch that is higher
// than any before, and a random nonce; both go with every write (journal::Fence) and to the
// clients, so that a former owner is refused even if it has not noticed yet.
//
// An owner must stop by itself when its lease runs out on its own steady clock
// (`valid_until_steady_us`), whatever the directory says later.
#ifndef ATTUNE_SERVICES_PLACEMENT_DIRECTORY_H_
#define ATTUNE_SERVICES_PLACEMENT_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace attune::placement {

inline constexpr size_t kLeaseNonceBytes = 16;
inline constexpr uint64_t kMaxEpoch = 0xffff'ffff;
inline constexpr int64_t kNeverExpires = std::numeric_limits<int64_t>::max();

struct Lease {
  std::string session;
  uint64_t epoch = 0;
  std::string nonce;          // kLeaseNonceBytes random bytes; empty when the lease is not mine
  std::string owner_address;  // where clients reach the owner, "host:port"
  bool is_mine = false;
  // On this process's steady clock (base/clock.h), with the safety margin already taken off. 0 when
  // the lease is not mine.
  int64_t valid_until_steady_us = 0;
  // Told by Acquire of a lease that is not mine: its owner has missed a renewal, and may be gone.
  bool overdue = false;
};

// Thread-safe. Calls may block for a round trip to a store.
class Directory {
 public:
  virtual ~Directory() = default;

  // Takes the session if it is free, if its lease has run out, or if this process has it already;
  // the epoch is then above both the last one and `epoch_floor` (the highest that the journal, the
  // key store or a client's ticket knows). If another process has it, OK with its lease (is_mine
  // false): send the client there. Acquiring again voids one's own earlier lease.
  //   INVALID_ARGUMENT  the session id is empty, or the epoch would pass kMaxEpoch
  //   UNAVAILABLE       the store cannot be reached
  virtual absl::StatusOr<Lease> Acquire(const std::string& session, uint64_t epoch_floor) = 0;

  // The same lease with a later `valid_until_steady_us`. FAILED_PRECONDITION when it is no longer
  // the one in force: stop writing and publishing.
  virtual absl::StatusOr<Lease> Renew(const Lease& lease) = 0;

  // Renew for many at once, an answer each in the same order: how an owner keeps all its sessions
  // (every third of a lease). A store is asked for all of them in one round trip.
  virtual std::vector<absl::StatusOr<Lease>> RenewAll(const std::vector<Lease>& leases);

  // Gives the session up, while it goes on: whoever is asked for it next takes it, or a sweeper
  // (Orphans). FAILED_PRECONDITION as in Renew; the session is not touched then.
  virtual absl::Status Release(const Lease& lease) = 0;

  // Gives up a session that has ended for good: it is no orphan, and the directory need not
  // remember its epoch for longer than a day (journal and key store know it). Who reads it again
  // acquires it as any other, and closes it again. FAILED_PRECONDITION as in Release.
  virtual absl::Status Close(const Lease& lease) { return Release(lease); }

  // Gives the session to another node: for one lease only that one may acquire it, and Owner names
  // it already; when it does not, the session is free again. `incarnation` and `address` are as the
  // node list has them (nodes.h).
  //   FAILED_PRECONDITION  as in Release, or there is no other node
  //   INVALID_ARGUMENT     one of the two is empty
  virtual absl::Status HandOff(const Lease& lease, const std::string& incarnation,
                               const std::string& address) = 0;

  // The lease in force, its nonce only if it is mine. NOT_FOUND when the session is free.
  virtual absl::StatusOr<Lease> Owner(const std::string& session) = 0;

  // Sessions, at most `limit`, that nobody has: their lease has ended and they were not closed. A
  // hint, not a promise: acquire them, and let be those that another one has by then. What was told
  // to one caller is not told to the next for one lease, so that nodes do not all run for the same
  // ones; sweep with jitter nevertheless. Empty where nobody else could have owned anything.
  virtual absl::StatusOr<std::vector<std::string>> Orphans(size_t limit);

  // Puts sessions that have not been closed (from the journal's List) back into the index of
  // Orphans, where a store may have lost them; what the index knows is left as it is. Call it at
  // the start, and after the store turned out to be another one (redis ServerState::servers).
  virtual absl::Status Remind(const std::vector<std::string>& sessions);
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_DIRECTORY_H_
