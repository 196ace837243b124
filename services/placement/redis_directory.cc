#include "services/placement/redis_directory.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/placement/directory_lua.h"

namespace attune::placement {
namespace {

constexpr char kServerKey[] = "attune:server";

std::string OwnKey(const std::string& session) { return absl::StrCat("{", session, "}:own"); }

redis::Script WithQuarantine(const char* name, const char* body) {
  return redis::MakeScript(name, absl::StrCat(text::quarantine_lua, body));
}

struct Scripts {
  redis::Script acquire = WithQuarantine("acquire", text::acquire_lua);
  redis::Script renew = WithQuarantine("renew", text::renew_lua);
  redis::Script release = redis::MakeScript("release", text::release_lua);
  redis::Script owner = redis::MakeScript("owner", text::owner_lua);
};
const Scripts& AllScripts() {
  static const Scripts scripts;
  return scripts;
}

absl::Status NotInForce() {
  return absl::FailedPreconditionError("the lease is no longer in force");
}
absl::Status Unreadable(const redis::Script& script) {
  return absl::UnavailableError(
      absl::StrCat("Redis answers the script ", script.name, " with something else"));
}

}  // namespace

std::vector<redis::Script> DirectoryScripts() {
  const Scripts& all = AllScripts();
  return {all.acquire, all.renew, all.release, all.owner};
}

RedisDirectory::RedisDirectory(RedisDirectoryOptions options, redis::Client& client,
                               const Clock& clock, RandomSource& random)
    : options_(std::move(options)), client_(client), clock_(clock), random_(random) {}

absl::StatusOr<redis::Reply> RedisDirectory::Run(const redis::Script& script,
                                                 std::vector<std::string> keys,
                                                 std::vector<std::string> arguments) {
  auto reply = client_.RunAndWait(script, std::move(keys), std::move(arguments));
  // Whether it was executed is told by the next call: all scripts may be repeated.
  if (!reply.ok()) return absl::UnavailableError(reply.status().message());
  if (reply->error()) {
    return absl::UnavailableError(absl::StrCat("Redis, script ", script.name, ": ", reply->text));
  }
  return reply;
}

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
      Run(script, {OwnKey(session), kServerKey},
          {redis::Client::kThisServer, TtlMs(), options_.incarnation, options_.address, lease.nonce,
           std::to_string(epoch_floor), std::to_string(kMaxEpoch)}));
  if (reply.elements.empty()) return Unreadable(script);
  switch (reply.elements[0].integer) {
    case 1:
      if (reply.elements.size() != 2) return Unreadable(script);
      lease.epoch = static_cast<uint64_t>(reply.elements[1].integer);
      lease.valid_until_steady_us = asked_us + options_.ttl_us - options_.margin_us;
      return lease;
    case 0:
      if (reply.elements.size() != 4) return Unreadable(script);
      lease.epoch = static_cast<uint64_t>(reply.elements[1].integer);
      lease.nonce.clear();
      lease.owner_address = reply.elements[2].text;
      lease.is_mine = false;
      return lease;
    case -1:
      return absl::InvalidArgumentError("the session has used up its epochs: start a new session");
    case -2:
      if (reply.elements.size() != 2) return Unreadable(script);
      return absl::UnavailableError(
          absl::StrCat("Redis was restarted or replaced: sessions can be taken in ",
                       reply.elements[1].integer, " ms, when no former lease can be left"));
    default:
      return Unreadable(script);
  }
}

absl::StatusOr<Lease> RedisDirectory::Renew(const Lease& lease) {
  const int64_t asked_us = clock_.SteadyMicros();
  if (!lease.is_mine || lease.nonce.empty() || asked_us >= lease.valid_until_steady_us) {
    return NotInForce();
  }
  const redis::Script& script = AllScripts().renew;
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply reply,
                          Run(script, {OwnKey(lease.session), kServerKey},
                              {redis::Client::kThisServer, TtlMs(), options_.incarnation,
                               options_.address, lease.nonce, std::to_string(lease.epoch)}));
  if (reply.kind != redis::Reply::Kind::kInteger) return Unreadable(script);
  if (reply.integer == 0) return NotInForce();
  Lease renewed = lease;
  renewed.valid_until_steady_us = asked_us + options_.ttl_us - options_.margin_us;
  return renewed;
}

absl::Status RedisDirectory::Release(const Lease& lease) { return GiveUp(lease, "", ""); }

absl::Status RedisDirectory::HandOff(const Lease& lease, const std::string& incarnation,
                                     const std::string& address) {
  if (incarnation.empty() || address.empty())
    return absl::InvalidArgumentError("no node to hand the session to");
  return GiveUp(lease, incarnation, address);
}

absl::Status RedisDirectory::GiveUp(const Lease& lease, const std::string& next,
                                    const std::string& address) {
  if (lease.nonce.empty()) return NotInForce();
  const redis::Script& script = AllScripts().release;
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply reply,
                          Run(script, {OwnKey(lease.session)},
                              {options_.incarnation, lease.nonce, std::to_string(lease.epoch),
                               TtlMs(), next, address}));
  if (reply.kind != redis::Reply::Kind::kInteger) return Unreadable(script);
  return reply.integer == 1 ? absl::OkStatus() : NotInForce();
}

absl::StatusOr<Lease> RedisDirectory::Owner(const std::string& session) {
  const redis::Script& script = AllScripts().owner;
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply reply, Run(script, {OwnKey(session)}, {}));
  if (reply.nil()) return absl::NotFoundError("nobody owns the session");
  if (reply.elements.size() != 4) return Unreadable(script);
  Lease lease;
  lease.session = session;
  lease.owner_address = reply.elements[1].text;
  lease.epoch = static_cast<uint64_t>(reply.elements[2].integer);
  lease.is_mine = reply.elements[0].text == options_.incarnation && !reply.elements[3].text.empty();
  if (lease.is_mine) lease.nonce = reply.elements[3].text;
  return lease;
}

}  // namespace attune::placement
