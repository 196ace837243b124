#include "services/node/registry.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/node/elsewhere.h"
#include "services/node/hmac.h"
#include "services/node/join_code.h"

namespace attune::node {
namespace {

constexpr int64_t kFailureKeptUs = 3'000'000;
// Owners change quickly when a node is drained; whoever is sent to a former one comes back.
constexpr int64_t kElsewhereKeptUs = 200'000;

// The same creator and request give the same session, also after a restart: that makes
// CreateSession idempotent. Keyed, so that nobody can guess ids.
std::string SessionIdFor(std::string_view key, const std::string& creator,
                         const std::string& request_id) {
  const std::string mac = HmacSha256(
      key, absl::StrCat("attune session id 1 ", creator.size(), " ", creator, request_id));
  return absl::BytesToHexString(mac.substr(0, 16));
}

}  // namespace

Registry::Registry(Parts& parts, std::vector<Worker*> workers)
    : parts_(parts),
      workers_(std::move(workers)),
      tenure_({}, parts.random),
      link_(std::make_shared<Link>()) {
  if (!parts_.options.cluster) return;
  {
    MutexLock lock(link_->mu);
    link_->registry = this;
  }
  parts_.journal.SetOnLost([link = link_](const std::string& session) {
    MutexLock lock(link->mu);
    if (link->registry != nullptr) link->registry->OnLost(session);
  });
  keeper_ = std::make_unique<Worker>(parts_.clock, kMailboxTasks);
  renewer_ = std::make_unique<Worker>(parts_.clock, kMailboxTasks);
  sweeper_ = std::make_unique<Worker>(parts_.clock, kMailboxTasks);
  keeper_->Post([this] { KeepLeases(); });
}

Registry::~Registry() { StopKeeping(); }

Registry::Host Registry::HostAtHome(const std::string& session) const {
  MutexLock lock(mu_);
  const auto found = hosts_.find(session);
  return found == hosts_.end() ? nullptr : found->second;
}

Worker& Registry::WorkerOf(const std::string& session) const {
  return *workers_[std::hash<std::string>()(session) % workers_.size()];
}

size_t Registry::open_sessions() const {
  MutexLock lock(mu_);
  return hosts_.size();
}

absl::Status Registry::RecoverAll() {
  std::string cursor;
  do {
    ATTUNE_ASSIGN_OR_RETURN(const journal::Listing listing,
                            parts_.journal.List(cursor, journal::kMaxListed));
    for (const journal::SessionState& state : listing.sessions) {
      if (state.label == kClosedLabel || state.position.last_number == 0) continue;
      {
        MutexLock lock(mu_);
        opening_[state.session];
      }
      Open(state.session, 0);
    }
    cursor = listing.next_cursor;
  } while (!cursor.empty());
  return absl::OkStatus();
}

void Registry::Open(const std::string& session, uint64_t epoch_floor) {
  if (draining()) {
    Answer(session, OwnerOnly(session));
    return;
  }
  if (const absl::Status known = IsKnown(parts_, session); !known.ok()) {
    Answer(session, known);
    return;
  }
  const absl::StatusOr<placement::Lease> lease = Take(session, epoch_floor);
  absl::StatusOr<Opened> opened =
      lease.ok() ? Recover(parts_, session, *lease) : absl::StatusOr<Opened>(lease.status());
  const Host host = Install(opened, session);
  if (host == nullptr) {
    if (lease.ok()) GiveBack(*lease, false);
    if (!IsElsewhere(opened.status())) {
      parts_.log.Write(Severity::kError, "session_not_opened",
                       {{"why", std::string(opened.status().message())}});
    }
    Answer(session, opened.status());
    return;
  }
  StartRecovered(host, opened->erased);
}

void Registry::StartRecovered(const Host& host, const std::vector<SessionHost::Erasure>& erased) {
  if (parts_.options.cluster) parts_.opener.Post([this, host] { KeepCode(host); });
  host->Post([this, host, erased](SessionHost& at_home) {
    at_home.Start(std::nullopt, erased, [this, host](const absl::Status& status) {
      Answer(host->id(), status.ok() ? absl::StatusOr<Host>(host) : status);
    });
  });
}

Registry::Host Registry::Install(absl::StatusOr<Opened>& opened, const std::string& session) {
  if (!opened.ok()) return nullptr;
  opened->lease.valid_until_steady_us = tenure_.ValidUntil(opened->lease);
  auto host = std::make_shared<SessionHost>(
      parts_, WorkerOf(session), std::move(opened->core), opened->last_us, opened->lease,
      [this](const std::string& id, uint64_t epoch, SessionHost::Parting parting) {
        OnGone(id, epoch, parting);
      });
  MutexLock lock(mu_);
  hosts_[session] = host;
  failures_.erase(session);
  if (host->Info().state() != v1::SESSION_STATE_CLOSED) by_code_[host->join_code()] = session;
  return host;
}

void Registry::Answer(const std::string& session, const absl::StatusOr<Host>& host) {
  std::vector<OnHost> waiting;
  {
    MutexLock lock(mu_);
    if (const auto found = opening_.find(session); found != opening_.end()) {
      waiting = std::move(found->second);
      opening_.erase(found);
    }
    if (host.ok() || absl::IsNotFound(host.status())) {
      if (host.ok()) parts_.metrics.sessions_opened.Increment();
      failures_.erase(session);
    } else {
      if (!IsElsewhere(host.status())) parts_.metrics.sessions_not_opened.Increment();
      const bool soon = IsElsewhere(host.status()) ||
                        (parts_.options.cluster && absl::IsUnavailable(host.status()));
      const int64_t kept_us = soon ? kElsewhereKeptUs : kFailureKeptUs;
      failures_[session] = {host.status(), parts_.clock.SteadyMicros() + kept_us};
    }
  }
  for (const OnHost& on_host : waiting) on_host(host);
}

void Registry::Find(const std::string& session, OnHost on_host) {
  absl::StatusOr<Host> now = absl::UnavailableError("");
  {
    MutexLock lock(mu_);
    if (const auto opening = opening_.find(session); opening != opening_.end()) {
      opening->second.push_back(std::move(on_host));
      return;
    }
    const auto found = hosts_.find(session);
    const auto failure = failures_.find(session);
    if (found != hosts_.end()) {
      now = found->second;
    } else if (retiring_) {
      now = absl::UnavailableError("the node is stopping");
    } else if (failure != failures_.end() &&
               failure->second.until_steady_us > parts_.clock.SteadyMicros()) {
      now = failure->second.status;
    } else {
      opening_[session].push_back(std::move(on_host));
      parts_.opener.Post([this, session] { Open(session, 0); });
      return;
    }
  }
  on_host(std::move(now));
}

std::string Registry::FreshCode() {
  MutexLock lock(mu_);
  std::string code;
  do {
    code = NewJoinCode(parts_.random);
  } while (by_code_.contains(code));
  return code;
}

void Registry::Create(const v1::CreateSessionRequest& request, const std::string& creator,
                      const std::string& elsewhere, OnHost on_host) {
  const std::string session =
      SessionIdFor(parts_.options.keys.ticket, creator, request.request_id());
  session::SessionCore::CreateOptions options;
  options.session_id = session;
  options.join_code = FreshCode();
  options.utc_us = parts_.clock.UtcMicros();
  options.clock_rate = parts_.options.clock_rate;
  options.lateness_us = parts_.options.lateness_us;
  options.grace_us = parts_.options.grace_us;
  options.lab_allowed = parts_.options.allow_lab;
  absl::StatusOr<v1::JournalRecord> opening = session::SessionCore::ProposeCreate(request, options);
  if (!opening.ok()) {
    on_host(opening.status());
    return;
  }
  bool full = false;
  {
    MutexLock lock(mu_);
    full = hosts_.size() >= kMaxOpenSessions && !hosts_.contains(session);
  }
  if (draining() && elsewhere.empty()) {
    on_host(absl::UnavailableError("the node is stopping: ask another one"));
    return;
  }
  if (full && elsewhere.empty()) {
    on_host(absl::ResourceExhaustedError(
        absl::StrCat("this node has ", kMaxOpenSessions, " sessions: end some first")));
    return;
  }
  parts_.opener.Post([this, session, request, options, elsewhere, opening = *std::move(opening),
                      on_host = std::move(on_host)]() mutable {
    const absl::StatusOr<journal::Position> position = parts_.journal.Last(session);
    bool known = position.ok() && position->last_number > 0;
    {
      MutexLock lock(mu_);
      known |= hosts_.contains(session) || opening_.contains(session);
      if (!known && elsewhere.empty()) opening_[session].push_back(on_host);
    }
    if (known) {
      Find(session, on_host);
      return;
    }
    if (!elsewhere.empty()) {
      on_host(ElsewhereStatus({elsewhere, 0}));
      return;
    }
    if (parts_.options.cluster) {
      const absl::StatusOr<std::string> code = ClaimFreshCode(session);
      if (!code.ok()) {
        Answer(session, code.status());
        return;
      }
      options.join_code = *code;
      opening = *session::SessionCore::ProposeCreate(request, options);
    }
    const absl::StatusOr<placement::Lease> lease = Take(session, 0);
    absl::StatusOr<Opened> opened = lease.ok() ? OpenNew(parts_, session, opening, *lease)
                                               : absl::StatusOr<Opened>(lease.status());
    const Host host = Install(opened, session);
    if (host == nullptr) {
      if (lease.ok()) GiveBack(*lease, false);
      Answer(session, opened.status());
      return;
    }
    host->Post([this, host, opening](SessionHost& at_home) {
      at_home.Start(opening, {}, [this, host](const absl::Status& status) {
        Answer(host->id(), status.ok() ? absl::StatusOr<Host>(host) : status);
      });
    });
  });
}

void Registry::List(const std::string& after, size_t limit,
                    std::function<void(absl::StatusOr<Page>)> reply) {
  parts_.opener.Post([this, after, limit, reply = std::move(reply)] {
    const absl::StatusOr<journal::Listing> listing = parts_.journal.List(after, limit);
    if (!listing.ok()) {
      reply(listing.status());
      return;
    }
    Page page;
    page.next = listing->next_cursor;
    for (const journal::SessionState& state : listing->sessions) {
      Host host;
      {
        MutexLock lock(mu_);
        if (const auto found = hosts_.find(state.session); found != hosts_.end()) {
          host = found->second;
        }
      }
      page.sessions.push_back(host != nullptr ? host->Info() : InfoOfOther(state));
    }
    reply(std::move(page));
  });
}

void Registry::Reopen(const std::string& session, uint64_t epoch_floor) {
  parts_.opener.Post([this, session, epoch_floor] {
    Host host;
    {
      MutexLock lock(mu_);
      const auto found = hosts_.find(session);
      // Somebody else may have had it done already.
      if (found == hosts_.end() || found->second->epoch() > epoch_floor) return;
      if (opening_.contains(session)) return;
      opening_[session];
      host = found->second;
    }
    host->Post([this, session, epoch_floor](SessionHost& at_home) {
      at_home.Drop(absl::AbortedError("a client has seen a newer owner"));
      parts_.opener.Post([this, session, epoch_floor] { Open(session, epoch_floor); });
    });
  });
}

void Registry::OnGone(const std::string& session, uint64_t epoch, SessionHost::Parting parting) {
  if (parting == SessionHost::Parting::kSuspended) {
    tenure_.Suspend(session, epoch, parts_.clock.SteadyMicros());
    return;
  }
  MutexLock lock(mu_);
  const auto found = hosts_.find(session);
  if (found == hosts_.end() || found->second->epoch() != epoch) return;
  // Given back on a thread that may wait.
  const bool closed = found->second->Info().state() == v1::SESSION_STATE_CLOSED;
  parts_.opener.Post([this, lease = found->second->lease(), closed] { GiveBack(lease, closed); });
  by_code_.erase(found->second->join_code());
  hosts_.erase(found);
  if (!retiring_) failures_[session] = {absl::UnavailableError("the session is being reopened"), 0};
}

void Registry::Sweep() {
  std::vector<std::string> retry;
  std::vector<Host> closed;
  {
    MutexLock lock(mu_);
    if (retiring_) return;
    const int64_t now = parts_.clock.SteadyMicros();
    for (const auto& [session, failure] : failures_) {
      if (failure.until_steady_us <= now && !opening_.contains(session)) retry.push_back(session);
    }
    if (parts_.options.cluster) {
      // Whoever asks finds out; and the orphans are looked for by all nodes.
      for (const std::string& session : std::exchange(retry, {})) failures_.erase(session);
    }
    for (const auto& [session, host] : hosts_) {
      if (host->Info().state() == v1::SESSION_STATE_CLOSED) {
        if (by_code_.erase(host->join_code()) > 0 && parts_.options.cluster) {
          parts_.opener.Post([this, host] { KeepCode(host); });
        }
        closed.push_back(host);
      }
    }
  }
  for (const std::string& session : retry) {
    Find(session, [](const absl::StatusOr<Host>&) {});
  }
  for (size_t i = kClosedSessionsKept; i < closed.size(); ++i) {
    closed[i]->Post([](SessionHost& host) { host.Retire([] {}); });
  }
}

void Registry::RetireAll(int64_t timeout_us) {
  struct Waiting {
    Mutex mu;
    CondVar changed;
    size_t left = 0;
  };
  const auto waiting = std::make_shared<Waiting>();
  std::vector<Host> hosts;
  {
    MutexLock lock(mu_);
    retiring_ = true;
    for (const auto& [session, host] : hosts_) hosts.push_back(host);
  }
  waiting->left = hosts.size();
  for (const Host& host : hosts) {
    host->Post([waiting](SessionHost& at_home) {
      at_home.Retire([waiting] {
        MutexLock lock(waiting->mu);
        --waiting->left;
        waiting->changed.NotifyAll();
      });
    });
  }
  const int64_t deadline = parts_.clock.SteadyMicros() + timeout_us;
  MutexLock lock(waiting->mu);
  while (waiting->left > 0) {
    const int64_t left_us = deadline - parts_.clock.SteadyMicros();
    if (left_us <= 0) break;
    waiting->changed.WaitFor(waiting->mu, left_us);
  }
}

}  // namespace attune::node
