// One of many: join codes that lead anywhere, sessions nobody has, what is made or moved elsewhere.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/node/elsewhere.h"
#include "services/node/join_code.h"
#include "services/node/registry.h"
#include "services/synchrony/params.h"

namespace attune::node {
namespace {

// Longer than any session; claimed again whenever it is taken.
constexpr int64_t kCodeLifeUs = int64_t{7} * 24 * 3600 * 1'000'000;
constexpr int kCodeDraws = 8;
constexpr size_t kOrphansAtOnce = 64;
constexpr int64_t kOrphansUs = 500'000;  // and as much again, at random
constexpr int64_t kCodesUs = 10'000'000;
constexpr int64_t kRemindUs = 3'600'000'000;

int64_t ExpectedPeople(v1::SessionKind kind) { return kind == v1::SESSION_KIND_COUPLES ? 4 : 8; }

}  // namespace

// ---- Join codes.

absl::StatusOr<std::string> Registry::ClaimFreshCode(const std::string& session) {
  for (int draw = 0; draw < kCodeDraws; ++draw) {
    const std::string code = FreshCode();
    const absl::Status claimed = parts_.codes.Claim(code, session, kCodeLifeUs);
    if (claimed.ok()) return code;
    if (!absl::IsAlreadyExists(claimed)) return claimed;
  }
  return absl::UnavailableError("no free join code was found; try again");
}

// On the opener's thread.
void Registry::KeepCode(const Host& host) {
  const absl::Status kept = host->Info().state() == v1::SESSION_STATE_CLOSED
                                ? parts_.codes.Release(host->join_code(), host->id())
                                : parts_.codes.Claim(host->join_code(), host->id(), kCodeLifeUs);
  if (!kept.ok()) {
    parts_.log.Write(Severity::kWarning, "join_code_not_kept",
                     {{"why", std::string(kept.message())}});
  }
}

void Registry::FindByCode(const std::string& code, OnHost on_host) {
  std::string session;
  {
    MutexLock lock(mu_);
    if (const auto known = by_code_.find(code); known != by_code_.end()) session = known->second;
  }
  if (!session.empty()) {
    Find(session, std::move(on_host));
    return;
  }
  const absl::Status unknown = absl::NotFoundError("no open session has this join code");
  if (!parts_.options.cluster) {
    on_host(unknown);
    return;
  }
  const bool posted = parts_.opener.TryPost([this, code, unknown, on_host] {
    const absl::StatusOr<std::string> found = parts_.codes.Resolve(code);
    if (found.ok()) {
      Find(*found, on_host);
    } else {
      on_host(found.status());
    }
  });
  if (!posted) on_host(absl::ResourceExhaustedError("the node is busy; try again in a moment"));
}

// ---- Which node.

std::string Registry::WhereToCreate(const v1::CreateSessionRequest& request) {
  if (!parts_.options.cluster) return "";
  placement::Needs needs;
  needs.people = ExpectedPeople(request.kind());
  needs.engine_version = absl::StrCat(synchrony::kEngineVersion);
  if (draining()) needs.not_incarnation = parts_.options.incarnation;
  const absl::StatusOr<placement::NodeRecord> node = parts_.nodes.Pick(needs);
  // Nobody else known: as well here.
  if (!node.ok() || node->incarnation == parts_.options.incarnation) return "";
  return node->address;
}

absl::StatusOr<Registry::Host> Registry::OwnerOnly(const std::string& session) {
  const absl::StatusOr<placement::Lease> owner = parts_.directory.Owner(session);
  if (owner.ok() && !owner->is_mine && !owner->owner_address.empty()) {
    return ElsewhereStatus({owner->owner_address, owner->epoch});
  }
  return absl::UnavailableError("the node is stopping, and no other one has the session yet");
}

// ---- Sessions that nobody has.

void Registry::SweepOrphans() {
  const int64_t now = parts_.clock.SteadyMicros();
  if (now >= codes_at_us_) {
    // A store that was emptied has forgotten them, and nobody tells.
    codes_at_us_ = now + kCodesUs;
    sweeper_->Post([this] {
      for (const Host& host : Hosts()) {
        if (host->InForce() && host->Info().state() != v1::SESSION_STATE_CLOSED) KeepCode(host);
      }
    });
  }
  if (draining() || now < orphans_at_us_) return;
  orphans_at_us_ = now + kOrphansUs + static_cast<int64_t>(parts_.random.Below(kOrphansUs));
  if (sweeping_.exchange(true)) return;
  const bool remind = now >= remind_at_us_;
  if (remind) remind_at_us_ = now + kRemindUs;
  sweeper_->Post([this, remind] {
    if (remind) RemindOrphans();
    const auto orphans = parts_.directory.Orphans(kOrphansAtOnce);
    sweeping_ = false;
    if (!orphans.ok()) return;
    for (const std::string& session : *orphans) {
      Find(session, [this](const absl::StatusOr<Host>& host) {
        if (host.ok()) parts_.metrics.takeovers_orphan.Increment();
      });
    }
  });
}

// The store may have been emptied, and have forgotten whom to look for.
void Registry::RemindOrphans() {
  std::string cursor;
  do {
    const auto listing = parts_.journal.List(cursor, journal::kMaxListed);
    if (!listing.ok()) return;
    std::vector<std::string> open;
    for (const journal::SessionState& state : listing->sessions) {
      if (state.label != kClosedLabel && state.position.last_number > 0) {
        open.push_back(state.session);
      }
    }
    if (!open.empty() && !parts_.directory.Remind(open).ok()) return;
    cursor = listing->next_cursor;
  } while (!cursor.empty());
}

// ---- Moving.

void Registry::BeginDraining() {
  MutexLock lock(mu_);
  draining_ = true;
}

bool Registry::draining() const {
  MutexLock lock(mu_);
  return draining_;
}

std::vector<Registry::Host> Registry::Hosts() const {
  MutexLock lock(mu_);
  std::vector<Host> hosts;
  hosts.reserve(hosts_.size());
  for (const auto& [session, host] : hosts_) hosts.push_back(host);
  return hosts;
}

void Registry::Adopt(const std::vector<std::string>& sessions, std::function<void(uint32_t)> done) {
  struct Count {
    Mutex mu;
    size_t left ATTUNE_GUARDED_BY(mu) = 0;
    uint32_t adopted ATTUNE_GUARDED_BY(mu) = 0;
  };
  if (sessions.empty() || draining()) {
    done(0);
    return;
  }
  const auto count = std::make_shared<Count>();
  {
    MutexLock lock(count->mu);
    count->left = sessions.size();
  }
  for (const std::string& session : sessions) {
    {
      // It was elsewhere a moment ago.
      MutexLock lock(mu_);
      failures_.erase(session);
    }
    Find(session, [this, count, done](const absl::StatusOr<Host>& host) {
      uint32_t adopted = 0;
      {
        MutexLock lock(count->mu);
        if (host.ok()) {
          ++count->adopted;
          parts_.metrics.takeovers_handed.Increment();
        }
        if (--count->left > 0) return;
        adopted = count->adopted;
      }
      done(adopted);
    });
  }
}

// What a list says of a session that is not here. On the opener's thread.
v1::SessionInfo Registry::InfoOfOther(const journal::SessionState& state) {
  v1::SessionInfo info;
  info.set_session_id(state.session);
  info.set_state(v1::SESSION_STATE_SUSPENDED);
  if (state.label == kClosedLabel) {
    info.set_state(v1::SESSION_STATE_CLOSED);
  } else if (parts_.options.cluster && parts_.directory.Owner(state.session).ok()) {
    info.set_state(v1::SESSION_STATE_OPEN);
  }
  return info;
}

}  // namespace attune::node
