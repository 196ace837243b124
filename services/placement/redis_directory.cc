#include "services/placement/redis_directory.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/placement/directory_lua.h"
#include "services/placement/redis_run.h"

namespace attune::placement {
namespace {

constexpr char kServerKey[] = "attune:server";

std::string OwnKey(const std::string& session) { return absl::StrCat("{", session, "}:own"); }
std::string DueKey(size_t bucket) { return absl::StrCat("attune:due:", bucket); }
std::string DueKey(const std::string& session) { return DueKey(DueBucket(session)); }

redis::Script WithQuarantine(const char* name, const char* body) {
  return redis::MakeScript(name, absl::StrCat(text::quarantine_lua, body));
}

struct Scripts {
  redis::Script acquire = WithQuarantine("acquire", text::acquire_lua);
  redis::Script renew = WithQuarantine("renew", text::renew_lua);
  redis::Script release = redis::MakeScript("release", text::release_lua);
  redis::Script owner = redis::MakeScript("owner", text::owner_lua);
  redis::Script orphans = redis::MakeScript("orphans", text::orphans_lua);
  redis::Script remind = redis::MakeScript("remind", text::remind_lua);
};
const Scripts& AllScripts() {
  static const Scripts scripts;
  return scripts;
}

absl::Status NotInForce() {
  return absl::FailedPreconditionError("the lease is no longer in force");
}

// Positions of sessions, those of one bucket together and at most kRenewedAtOnce in a group.
template <typename SessionAt>
std::vector<std::vector<size_t>> Grouped(const std::vector<size_t>& positions,
                                         const SessionAt& session_at) {
  std::array<std::vector<size_t>, kDueBuckets> open;
  std::vector<std::vector<size_t>> groups;
  for (const size_t i : positions) {
    std::vector<size_t>& group = open[DueBucket(session_at(i))];
    group.push_back(i);
    if (group.size() == kRenewedAtOnce) groups.push_back(std::exchange(group, {}));
  }
  for (std::vector<size_t>& group : open) {
    if (!group.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace

size_t DueBucket(const std::string& session) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : session) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3u;
  }
  return static_cast<size_t>(hash % kDueBuckets);
}

std::vector<redis::Script> DirectoryScripts() {
  const Scripts& all = AllScripts();
  return {all.acquire, all.renew, all.release, all.owner, all.orphans, all.remind};
}

RedisDirectory::RedisDirectory(RedisDirectoryOptions options, redis::Client& client,
                               const Clock& clock, RandomSource& random)
    : options_(std::move(options)), client_(client), clock_(clock), random_(random) {}

absl::StatusOr<Lease> RedisDirectory::Acquire(const std::string& session, uint64_t epoch_floor) {
  if (session.empty()) return absl::InvalidArgumentError("a session id must not be empty");
  Lease lease;
  lease.session = session;
  lease.owner_address = options_.address;
  lease.is_mine = true;
  {
    MutexLock lock(mu_);
    lease.nonce = random_.Bytes(kLeaseNonceBytes);
  }
  const redis::Script& script = AllScripts().acquire;
  const int64_t asked_us = clock_.SteadyMicros();
  ATTUNE_ASSIGN_OR_RETURN(
      const redis::Reply reply,
      RunScript(client_, script, {OwnKey(session), kServerKey, DueKey(session)},
                {redis::Client::kThisServer, TtlMs(), options_.incarnation, options_.address,
                 lease.nonce, std::to_string(epoch_floor), std::to_string(kMaxEpoch), session}));
  if (reply.elements.empty()) return Unreadable(script.name);
  switch (reply.elements[0].integer) {
    case 1:
      if (reply.elements.size() != 2) return Unreadable(script.name);
      lease.epoch = static_cast<uint64_t>(reply.elements[1].integer);
      lease.valid_until_steady_us = asked_us + options_.ttl_us - options_.margin_us;
      return lease;
    case 0:
      if (reply.elements.size() != 4) return Unreadable(script.name);
      lease.epoch = static_cast<uint64_t>(reply.elements[1].integer);
      lease.nonce.clear();
      lease.owner_address = reply.elements[2].text;
      lease.is_mine = false;
      // Renewed every third of it, so that more than half is left while its owner lives.
      lease.overdue = reply.elements[3].integer * 1000 < options_.ttl_us / 2;
      return lease;
    case -1:
      return absl::InvalidArgumentError("the session has used up its epochs: start a new session");
    case -2:
      if (reply.elements.size() != 2) return Unreadable(script.name);
      return absl::UnavailableError(
          absl::StrCat("Redis was restarted or replaced: sessions can be taken in ",
                       reply.elements[1].integer, " ms, when no former lease can be left"));
    default:
      return Unreadable(script.name);
  }
}

absl::StatusOr<Lease> RedisDirectory::Renew(const Lease& lease) {
  return std::move(RenewAll({lease})[0]);
}

std::vector<absl::StatusOr<Lease>> RedisDirectory::RenewAll(const std::vector<Lease>& leases) {
  const int64_t asked_us = clock_.SteadyMicros();
  std::vector<absl::StatusOr<Lease>> renewed(leases.size(), NotInForce());
  std::vector<size_t> good;
  for (size_t i = 0; i < leases.size(); ++i) {
    const Lease& lease = leases[i];
    if (lease.is_mine && !lease.nonce.empty() && asked_us < lease.valid_until_steady_us) {
      good.push_back(i);
    }
  }
  const auto groups = Grouped(good, [&](size_t i) { return leases[i].session; });
  std::vector<Call> calls;
  for (const std::vector<size_t>& group : groups) {
    Call call;
    call.keys = {kServerKey, DueKey(leases[group[0]].session)};
    call.arguments = {redis::Client::kThisServer, TtlMs(), options_.incarnation, options_.address};
    for (const size_t i : group) {
      call.keys.push_back(OwnKey(leases[i].session));
      call.arguments.push_back(leases[i].session);
      call.arguments.push_back(leases[i].nonce);
      call.arguments.push_back(std::to_string(leases[i].epoch));
    }
    calls.push_back(std::move(call));
  }
  const redis::Script& script = AllScripts().renew;
  const auto replies = RunAll(clock_, client_, script, std::move(calls));
  for (size_t g = 0; g < groups.size(); ++g) {
    const bool read = replies[g].ok() && replies[g]->elements.size() == groups[g].size();
    for (size_t at = 0; at < groups[g].size(); ++at) {
      const size_t i = groups[g][at];
      if (!read) {
        renewed[i] = replies[g].ok() ? Unreadable(script.name) : replies[g].status();
      } else if (replies[g]->elements[at].integer != 0) {
        renewed[i] = leases[i];
        renewed[i]->valid_until_steady_us = asked_us + options_.ttl_us - options_.margin_us;
      }
    }
  }
  return renewed;
}

absl::Status RedisDirectory::Release(const Lease& lease) { return GiveUp(lease, {}, 0); }

absl::Status RedisDirectory::Close(const Lease& lease) { return GiveUp(lease, {}, kClosedKeptMs); }

absl::Status RedisDirectory::HandOff(const Lease& lease, const std::string& incarnation,
                                     const std::string& address) {
  if (incarnation.empty() || address.empty())
    return absl::InvalidArgumentError("no node to hand the session to");
  return GiveUp(lease, {incarnation, address}, 0);
}

absl::Status RedisDirectory::GiveUp(const Lease& lease, const Heir& heir, int64_t kept_ms) {
  if (lease.nonce.empty()) return NotInForce();
  const redis::Script& script = AllScripts().release;
  ATTUNE_ASSIGN_OR_RETURN(
      const redis::Reply reply,
      RunScript(client_, script, {OwnKey(lease.session), DueKey(lease.session)},
                {options_.incarnation, lease.nonce, std::to_string(lease.epoch), TtlMs(),
                 heir.incarnation, heir.address, lease.session, std::to_string(kept_ms)}));
  if (reply.kind != redis::Reply::Kind::kInteger) return Unreadable(script.name);
  return reply.integer == 1 ? absl::OkStatus() : NotInForce();
}

absl::StatusOr<Lease> RedisDirectory::Owner(const std::string& session) {
  const redis::Script& script = AllScripts().owner;
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply reply,
                          RunScript(client_, script, {OwnKey(session)}, {}));
  if (reply.nil()) return absl::NotFoundError("nobody owns the session");
  if (reply.elements.size() != 4) return Unreadable(script.name);
  Lease lease;
  lease.session = session;
  lease.owner_address = reply.elements[1].text;
  lease.epoch = static_cast<uint64_t>(reply.elements[2].integer);
  lease.is_mine = reply.elements[0].text == options_.incarnation && !reply.elements[3].text.empty();
  if (lease.is_mine) lease.nonce = reply.elements[3].text;
  return lease;
}

absl::StatusOr<std::vector<std::string>> RedisDirectory::Orphans(size_t limit) {
  std::vector<std::string> sessions;
  if (limit == 0) return sessions;
  std::vector<std::string> keys;
  {
    // Nobody begins at the same end, so that no bucket is always the last.
    MutexLock lock(mu_);
    const size_t first = static_cast<size_t>(random_.Below(kDueBuckets));
    for (size_t i = 0; i < kDueBuckets; ++i) keys.push_back(DueKey((first + i) % kDueBuckets));
  }
  const redis::Script& script = AllScripts().orphans;
  ATTUNE_ASSIGN_OR_RETURN(redis::Reply reply,
                          RunScript(client_, script, std::move(keys),
                                    {std::to_string(std::min(limit, kMostOrphans)), TtlMs()}));
  if (reply.kind != redis::Reply::Kind::kArray) return Unreadable(script.name);
  for (redis::Reply& session : reply.elements) sessions.push_back(std::move(session.text));
  return sessions;
}

absl::Status RedisDirectory::Remind(const std::vector<std::string>& sessions) {
  std::vector<size_t> all;
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (!sessions[i].empty()) all.push_back(i);
  }
  std::vector<Call> calls;
  for (const auto& group : Grouped(all, [&](size_t i) { return sessions[i]; })) {
    Call call{{DueKey(sessions[group[0]])}, {TtlMs()}};
    for (const size_t i : group) call.arguments.push_back(sessions[i]);
    calls.push_back(std::move(call));
  }
  for (const auto& reply : RunAll(clock_, client_, AllScripts().remind, std::move(calls))) {
    if (!reply.ok()) return reply.status();
  }
  return absl::OkStatus();
}

}  // namespace attune::placement
