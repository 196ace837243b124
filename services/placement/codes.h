// Join codes: short words that lead to a session on any node. Codes are as
// node/join_code.h writes them (normalised); how often one may guess is the caller's business.
#ifndef ATTUNE_SERVICES_PLACEMENT_CODES_H_
#define ATTUNE_SERVICES_PLACEMENT_CODES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace attune::placement {

inline constexpr int64_t kMostCodeUs = int64_t{366} * 86'400 * 1'000'000;  // longer: as long

// INVALID_ARGUMENT as in JoinCodes::Claim.
absl::Status CheckClaim(const std::string& code, const std::string& session, int64_t for_us);

// Thread-safe. Calls may block for a round trip to a store: UNAVAILABLE when it cannot be reached.
class JoinCodes {
 public:
  virtual ~JoinCodes() = default;

  // The code leads to this session for so long from now. Again with the same session: from now on.
  // A store that was emptied forgets codes: claim those of one's open sessions again then.
  //   ALREADY_EXISTS    it leads to another session: draw another code
  //   INVALID_ARGUMENT  code or session is empty, or the time is not positive
  virtual absl::Status Claim(const std::string& code, const std::string& session,
                             int64_t for_us) = 0;

  // NOT_FOUND: it leads nowhere (now).
  virtual absl::StatusOr<std::string> Resolve(const std::string& code) = 0;

  // The code leads nowhere any more, if it leads to this session; OK also when it does not.
  virtual absl::Status Release(const std::string& code, const std::string& session) = 0;
};

// In memory, for a process alone.
inline constexpr size_t kMaxLocalCodes = 100'000;  // beyond: RESOURCE_EXHAUSTED
class LocalCodes final : public JoinCodes {
 public:
  // `clock` must outlive it.
  explicit LocalCodes(const Clock& clock, size_t most = kMaxLocalCodes)
      : clock_(clock), most_(most) {}

  absl::Status Claim(const std::string& code, const std::string& session, int64_t for_us) override;
  absl::StatusOr<std::string> Resolve(const std::string& code) override;
  absl::Status Release(const std::string& code, const std::string& session) override;

 private:
  struct Entry {
    std::string session;
    int64_t until_steady_us = 0;
  };
  const Clock& clock_;
  const size_t most_;
  Mutex mu_;
  std::map<std::string, Entry> codes_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_CODES_H_
