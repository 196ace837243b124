#include "services/node/tenure.h"

#include <algorithm>
#include <limits>

namespace attune::node {

void Tenure::Hold(const placement::Lease& lease) {
  if (lease.valid_until_steady_us == placement::kNeverExpires) return;
  MutexLock lock(mu_);
  Kept& kept = sessions_[lease.session];
  if (kept.lease.epoch > lease.epoch) return;
  if (kept.suspended) one_at_a_time_ = false;
  kept = {};
  kept.lease = lease;
}

void Tenure::LetGo(const std::string& session, uint64_t epoch) {
  MutexLock lock(mu_);
  const auto kept = sessions_.find(session);
  if (kept == sessions_.end() || kept->second.lease.epoch > epoch) return;
  if (kept->second.suspended) one_at_a_time_ = false;
  sessions_.erase(kept);
}

void Tenure::Suspend(const std::string& session, uint64_t epoch, int64_t now_us) {
  MutexLock lock(mu_);
  const auto kept = sessions_.find(session);
  if (kept == sessions_.end() || kept->second.lease.epoch != epoch) return;
  if (!kept->second.suspended) SuspendNow(kept->second, now_us);
}

void Tenure::SuspendNow(Kept& kept, int64_t now_us) {
  kept.suspended = true;
  kept.resume_wait_us = options_.resume_first_us;
  kept.resume_at_us =
      now_us +
      static_cast<int64_t>(random_.Below(static_cast<uint64_t>(options_.resume_first_us) + 1));
}

Tenure::Due Tenure::Check(int64_t now_us) {
  MutexLock lock(mu_);
  Due due;
  const bool renew = now_us >= renew_at_us_;
  bool resuming = false;
  for (const auto& [session, kept] : sessions_) resuming |= kept.resuming;
  for (auto& [session, kept] : sessions_) {
    if (!kept.suspended && now_us >= kept.lease.valid_until_steady_us) {
      SuspendNow(kept, now_us);
      due.suspend.push_back(kept.lease);
    }
    if (!kept.suspended) {
      if (renew) due.renew.push_back(kept.lease);
    } else if (!kept.resuming && now_us >= kept.resume_at_us && !(one_at_a_time_ && resuming)) {
      kept.resuming = true;
      resuming = true;
      due.resume.push_back(session);
    }
  }
  if (renew) renew_at_us_ = now_us + options_.renew_every_us;
  return due;
}

int64_t Tenure::NextUs() const {
  MutexLock lock(mu_);
  int64_t next_us = std::numeric_limits<int64_t>::max();
  bool resuming = false;
  for (const auto& [session, kept] : sessions_) resuming |= kept.resuming;
  for (const auto& [session, kept] : sessions_) {
    if (!kept.suspended) {
      next_us = std::min({next_us, renew_at_us_, kept.lease.valid_until_steady_us});
    } else if (!kept.resuming && !(one_at_a_time_ && resuming)) {
      next_us = std::min(next_us, kept.resume_at_us);
    }
  }
  return next_us;
}

bool Tenure::OnRenewed(const placement::Lease& asked,
                       const absl::StatusOr<placement::Lease>& answer, int64_t now_us,
                       std::vector<placement::Lease>& suspended) {
  MutexLock lock(mu_);
  const auto found = sessions_.find(asked.session);
  if (found == sessions_.end() || found->second.suspended ||
      found->second.lease.epoch != asked.epoch || found->second.lease.nonce != asked.nonce) {
    return false;
  }
  Kept& kept = found->second;
  if (answer.ok() && now_us < kept.lease.valid_until_steady_us) {
    kept.lease.valid_until_steady_us =
        std::max(kept.lease.valid_until_steady_us, answer->valid_until_steady_us);
    return true;
  }
  if (answer.ok() || absl::IsFailedPrecondition(answer.status()) ||
      now_us >= kept.lease.valid_until_steady_us) {
    SuspendNow(kept, now_us);
    suspended.push_back(kept.lease);
    return false;
  }
  renew_at_us_ = std::min(renew_at_us_, now_us + options_.renew_again_us);
  return false;
}

void Tenure::NotResumed(const std::string& session, int64_t now_us) {
  MutexLock lock(mu_);
  const auto found = sessions_.find(session);
  if (found == sessions_.end() || !found->second.suspended) return;
  Kept& kept = found->second;
  one_at_a_time_ = true;
  kept.resuming = false;
  const auto wait_us = static_cast<uint64_t>(kept.resume_wait_us);
  kept.resume_at_us = now_us + static_cast<int64_t>(wait_us / 2 + random_.Below(wait_us / 2 + 1));
  kept.resume_wait_us = std::min(kept.resume_wait_us * 2, options_.resume_most_us);
}

int64_t Tenure::ValidUntil(const placement::Lease& lease) const {
  if (lease.valid_until_steady_us == placement::kNeverExpires) return lease.valid_until_steady_us;
  MutexLock lock(mu_);
  const auto found = sessions_.find(lease.session);
  const bool held = found != sessions_.end() && found->second.lease.epoch == lease.epoch &&
                    !found->second.suspended;
  return held ? found->second.lease.valid_until_steady_us : 0;
}

size_t Tenure::held() const {
  MutexLock lock(mu_);
  return static_cast<size_t>(std::count_if(sessions_.begin(), sessions_.end(),
                                           [](const auto& one) { return !one.second.suspended; }));
}

size_t Tenure::suspended() const {
  MutexLock lock(mu_);
  return static_cast<size_t>(std::count_if(sessions_.begin(), sessions_.end(),
                                           [](const auto& one) { return one.second.suspended; }));
}

int64_t Tenure::EarliestEndUs() const {
  MutexLock lock(mu_);
  int64_t end_us = std::numeric_limits<int64_t>::max();
  for (const auto& [session, kept] : sessions_) {
    if (!kept.suspended) end_us = std::min(end_us, kept.lease.valid_until_steady_us);
  }
  return end_us;
}

}  // namespace attune::node
