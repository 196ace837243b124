#include <algorithm>

#include "services/base/status_macros.h"
#include "services/placement/codes.h"

namespace attune::placement {

absl::Status CheckClaim(const std::string& code, const std::string& session, int64_t for_us) {
  if (code.empty() || session.empty() || for_us <= 0) {
    return absl::InvalidArgumentError("a code, its session and its time must not be empty");
  }
  return absl::OkStatus();
}

absl::Status LocalCodes::Claim(const std::string& code, const std::string& session,
                               int64_t for_us) {
  ATTUNE_RETURN_IF_ERROR(CheckClaim(code, session, for_us));
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
  codes_[code] = {session, now_us + std::min(for_us, kMostCodeUs)};
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
