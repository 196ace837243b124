#include <limits>

#include "services/placement/codes.h"

namespace attune::placement {

absl::Status LocalCodes::Claim(const std::string& code, const std::string& session,
                               int64_t for_us) {
  if (code.empty() || session.empty() || for_us <= 0) {
    return absl::InvalidArgumentError("a code, its session and its time must not be empty");
  }
  const int64_t now_us = clock_.SteadyMicros();
  MutexLock lock(mu_);
  const auto known = codes_.find(code);
  if (known != codes_.end() && known->second.until_steady_us > now_us &&
      known->second.session != session) {
    return absl::AlreadyExistsError("the code leads to another session");
  }
  if (known == codes_.end() && codes_.size() >= most_) {
    std::erase_if(codes_,
                  [now_us](const auto& one) { return one.second.until_steady_us <= now_us; });
    if (codes_.size() >= most_) return absl::ResourceExhaustedError("no more join codes here");
  }
  const int64_t until_us = for_us > std::numeric_limits<int64_t>::max() - now_us
                               ? std::numeric_limits<int64_t>::max()
                               : now_us + for_us;
  codes_[code] = {session, until_us};
  return absl::OkStatus();
}

absl::StatusOr<std::string> LocalCodes::Resolve(const std::string& code) {
  const int64_t now_us = clock_.SteadyMicros();
  MutexLock lock(mu_);
  const auto known = codes_.find(code);
  if (known == codes_.end() || known->second.until_steady_us <= now_us) {
    return absl::NotFoundError("the code leads nowhere");
  }
  return known->second.session;
}

absl::Status LocalCodes::Release(const std::string& code, const std::string& session) {
  MutexLock lock(mu_);
  const auto known = codes_.find(code);
  if (known != codes_.end() && known->second.session == session) codes_.erase(known);
  return absl::OkStatus();
}

}  // namespace attune::placement
