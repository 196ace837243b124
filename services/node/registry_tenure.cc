// Leases: taken, renewed, over, had again. The rules are Tenure's; this does what they say.
#include <algorithm>
#include <memory>
#include <utility>

#include "services/node/elsewhere.h"
#include "services/node/epoch_ticket.h"
#include "services/node/registry.h"

namespace attune::node {
namespace {

constexpr int64_t kLookLeastUs = 20'000;
constexpr int64_t kLookMostUs = 500'000;
constexpr int64_t kSayAgainUs = 60'000'000;
constexpr size_t kMaxLost = 10'000;

}  // namespace

void Registry::StopKeeping() {
  {
    MutexLock lock(link_->mu);
    link_->registry = nullptr;
  }
  if (sweeper_ != nullptr) sweeper_->Stop();
  if (renewer_ != nullptr) renewer_->Stop();
  if (keeper_ != nullptr) keeper_->Stop();
}

absl::StatusOr<placement::Lease> Registry::Take(const std::string& session, uint64_t epoch_floor) {
  absl::StatusOr<placement::Lease> lease = TakeOwnership(parts_, session, epoch_floor);
  if (lease.ok()) tenure_.Hold(*lease);
  return lease;
}

void Registry::GiveBack(const placement::Lease& lease, bool closed) {
  tenure_.LetGo(lease.session, lease.epoch);
  parts_.journal.Close(lease.session, {lease.epoch, lease.nonce});
  // Refused when it is another's already, which is as good.
  const absl::Status given =
      closed ? parts_.directory.Close(lease) : parts_.directory.Release(lease);
  given.IgnoreError();
}

// ---- On the keeper's thread.

void Registry::KeepLeases() {
  const int64_t now = parts_.clock.SteadyMicros();
  Tenure::Due due = tenure_.Check(now);
  for (const placement::Lease& lease : due.suspend) {
    SuspendHost(lease, "its lease is over: Redis cannot be reached, or was too slow");
  }
  if (!due.renew.empty() && !renewing_.exchange(true)) {
    renewer_->Post([this, leases = std::move(due.renew)]() mutable { Renew(std::move(leases)); });
  }
  for (const std::string& session : due.resume) {
    parts_.opener.Post([this, session] { Resume(session); });
  }
  SweepOrphans();
  const int64_t next = std::clamp(tenure_.NextUs(), now + kLookLeastUs, now + kLookMostUs);
  keeper_->RunAt(next, [this] { KeepLeases(); });
}

void Registry::SuspendHost(const placement::Lease& lease, const std::string& why) {
  const Host host = HostAtHome(lease.session);
  if (host == nullptr || host->epoch() != lease.epoch) return;
  host->Post([why](SessionHost& at_home) { at_home.Suspend(absl::UnavailableError(why)); });
}

// ---- On the renewer's thread, which waits for the directory.

void Registry::Renew(std::vector<placement::Lease> leases) {
  const std::vector<absl::StatusOr<placement::Lease>> answers = parts_.directory.RenewAll(leases);
  renewing_ = false;
  std::vector<placement::Lease> suspended;
  for (size_t i = 0; i < leases.size() && i < answers.size(); ++i) {
    const int64_t now = parts_.clock.SteadyMicros();
    if (!answers[i].ok()) parts_.metrics.lease_renewals_failed.Increment();
    if (!tenure_.OnRenewed(leases[i], answers[i], now, suspended)) continue;
    const Host host = HostAtHome(leases[i].session);
    if (host != nullptr && host->epoch() == leases[i].epoch) {
      host->Prolong(answers[i]->valid_until_steady_us);
    }
  }
  for (const placement::Lease& lease : suspended) {
    SuspendHost(lease, "its lease is no longer in force");
  }
}

// ---- On the opener's thread.

void Registry::Resume(const std::string& session) {
  Host old;
  {
    MutexLock lock(mu_);
    const auto found = hosts_.find(session);
    if (found != hosts_.end()) old = found->second;
    if (retiring_ || opening_.contains(session)) {
      tenure_.NotResumed(session, parts_.clock.SteadyMicros());
      return;
    }
    if (old != nullptr) opening_[session];
  }
  if (old == nullptr) {
    // It was dropped meanwhile; whoever asks for it takes it again.
    tenure_.LetGo(session, placement::kMaxEpoch);
    return;
  }
  // If its host has not noticed yet: nothing of the old ownership goes on beside the new one.
  if (!old->suspended()) {
    old->Post([](SessionHost& host) { host.Suspend(absl::UnavailableError("its lease is over")); });
  }
  const absl::StatusOr<placement::Lease> lease = Take(session, old->epoch());
  if (!lease.ok()) {
    if (IsElsewhere(lease.status())) {
      // Its memory is no longer needed: everything acknowledged is with the owner or the edges.
      tenure_.LetGo(session, placement::kMaxEpoch);
      parts_.sealer.CloseSession(session);
      parts_.journal.Close(session, {old->epoch(), old->nonce()});
      MutexLock lock(mu_);
      hosts_.erase(session);
      by_code_.erase(old->join_code());
    } else {
      tenure_.NotResumed(session, parts_.clock.SteadyMicros());
    }
    Answer(session, lease.status());
    return;
  }
  const absl::StatusOr<journal::Position> position = parts_.journal.Last(session);
  if (position.ok() && position->last_number >= old->durable_number()) {
    FinishResume(session, *lease, Recover(parts_, session, *lease));
    return;
  }
  if (!position.ok() && !absl::IsNotFound(position.status())) {
    FinishResume(session, *lease, position.status());
    return;
  }
  old->Post([this, old, lease = *lease](SessionHost& host) {
    parts_.opener.Post(
        [this, old, lease, checkpoint = host.core().Save(), erased = host.UnfinishedErasures()] {
          ResumeFrom(old, lease, checkpoint, erased);
        });
  });
}

void Registry::ResumeFrom(const Host& old, const placement::Lease& lease,
                          const session::SessionCore::Checkpoint& checkpoint,
                          const std::vector<SessionHost::Erasure>& erased) {
  parts_.log.Write(Severity::kWarning, "session_reseeded",
                   {{"why", "the journal in Redis has lost entries; the owner's memory has them"},
                    {"records", checkpoint.number}});
  parts_.metrics.sessions_reseeded.Increment();
  absl::StatusOr<Opened> opened = Reseed(parts_, old->id(), lease, checkpoint);
  if (opened.ok()) opened->erased = erased;
  FinishResume(old->id(), lease, std::move(opened));
}

void Registry::FinishResume(const std::string& session, const placement::Lease& lease,
                            absl::StatusOr<Opened> opened) {
  const Host host = Install(opened, session);
  if (host != nullptr) {
    parts_.metrics.takeovers_resumed.Increment();
    StartRecovered(host, opened->erased);
    return;
  }
  parts_.log.Write(Severity::kError, "session_not_resumed",
                   {{"why", std::string(opened.status().message())}});
  // The memory stays: tried again under yet another lease.
  const int64_t now = parts_.clock.SteadyMicros();
  tenure_.Suspend(session, lease.epoch, now);
  tenure_.NotResumed(session, now);
  Answer(session, opened.status());
}

// ---- What the store has lost.

// On the journal's thread.
void Registry::OnLost(const std::string& session) {
  const Host host = HostAtHome(session);
  if (host == nullptr) return;
  parts_.log.Write(Severity::kWarning, "journal_lost_entries",
                   {{"do",
                     "check Redis's persistence: acknowledged writes are missing; this "
                     "session's owner puts them back"}});
  host->Post([](SessionHost& at_home) { at_home.PutBack(); });
  parts_.opener.Post([this, host] { KeepCode(host); });
}

bool Registry::NoteLost(const std::string& session, const v1::EpochTicket& ticket) {
  if (!parts_.options.cluster || ticket.epoch() == 0 || ticket.session_id() != session ||
      !TicketIsGenuine(ticket, parts_.options.keys.ticket)) {
    return false;
  }
  const int64_t now = parts_.clock.SteadyMicros();
  {
    MutexLock lock(mu_);
    if (lost_.size() >= kMaxLost) lost_.clear();
    const auto [said, first] = lost_.try_emplace(session, now);
    if (first) parts_.metrics.sessions_lost.Increment();
    if (!first && now - said->second < kSayAgainUs) return true;
    said->second = now;
  }
  parts_.log.Write(
      Severity::kError, "session_lost",
      {{"session", session},
       {"do",
        "its journal is not in Redis and no node has it in memory: restore Redis from its "
        "file or a replica, or start the node that owned it; the edges keep their beats. If "
        "neither is possible, end it for its people and begin a new session"}});
  return true;
}

}  // namespace attune::node
