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

  // Gives the session up. FAILED_PRECONDITION as in Renew; the session is not touched then.
  virtual absl::Status Release(const Lease& lease) = 0;

  // The lease in force, its nonce only if it is mine. NOT_FOUND when the session is free.
  virtual absl::StatusOr<Lease> Owner(const std::string& session) = 0;
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_DIRECTORY_H_
