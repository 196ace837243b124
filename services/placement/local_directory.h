// The directory of a process that is alone: in memory, every lease is its own and never runs out.
#ifndef ATTUNE_SERVICES_PLACEMENT_LOCAL_DIRECTORY_H_
#define ATTUNE_SERVICES_PLACEMENT_LOCAL_DIRECTORY_H_

#include <cstddef>
#include <map>
#include <string>

#include "services/base/mutex.h"
#include "services/base/random.h"
#include "services/placement/directory.h"

namespace attune::placement {

// Sessions whose epoch is remembered. Beyond it those that are free are forgotten (their epochs
// come back as `epoch_floor`); if none is, Acquire answers RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxLocalSessions = 100'000;

class LocalDirectory final : public Directory {
 public:
  // `random` must outlive the directory and is used under its lock only. `address` is what Owner
  // tells.
  LocalDirectory(std::string address, RandomSource& random, size_t max_sessions = kMaxLocalSessions)
      : address_(std::move(address)), random_(random), max_sessions_(max_sessions) {}

  absl::StatusOr<Lease> Acquire(const std::string& session, uint64_t epoch_floor) override;
  absl::StatusOr<Lease> Renew(const Lease& lease) override;
  absl::Status Release(const Lease& lease) override;
  // FAILED_PRECONDITION: there is no other node.
  absl::Status HandOff(const Lease& lease, const std::string& incarnation,
                       const std::string& address) override;
  absl::StatusOr<Lease> Owner(const std::string& session) override;

 private:
  struct State {
    uint64_t epoch = 0;
    std::string nonce;  // empty: free
  };
  Lease LeaseOf(const std::string& session, const State& state) const;
  absl::StatusOr<State*> InForce(const Lease& lease) ATTUNE_REQUIRES(mu_);

  const std::string address_;
  RandomSource& random_;
  const size_t max_sessions_;
  Mutex mu_;
  std::map<std::string, State> sessions_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_LOCAL_DIRECTORY_H_
