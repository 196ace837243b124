#include "services/placement/redis_codes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/placement/nodes_lua.h"
#include "services/placement/redis_run.h"

namespace attune::placement {
namespace {

struct Scripts {
  redis::Script claim = redis::MakeScript("code_claim", text::code_claim_lua);
  redis::Script release = redis::MakeScript("code_release", text::code_release_lua);
};
const Scripts& AllScripts() {
  static const Scripts scripts;
  return scripts;
}

std::string CodeKey(const std::string& code) { return absl::StrCat("attune:code:", code); }

}  // namespace

std::vector<redis::Script> CodesScripts() { return {AllScripts().claim, AllScripts().release}; }

absl::Status RedisCodes::Claim(const std::string& code, const std::string& session,
                               int64_t for_us) {
  ATTUNE_RETURN_IF_ERROR(CheckClaim(code, session, for_us));
  const redis::Script& script = AllScripts().claim;
  const int64_t for_ms = std::max<int64_t>(1, std::min(for_us, kMostCodeUs) / 1000);
  ATTUNE_ASSIGN_OR_RETURN(const redis::Reply reply, RunScript(client_, script, {CodeKey(code)},
                                                              {session, std::to_string(for_ms)}));
  if (reply.kind != redis::Reply::Kind::kInteger) return Unreadable(script.name);
  if (reply.integer == 1) return absl::OkStatus();
  return absl::AlreadyExistsError("the code leads to another session");
}

absl::StatusOr<std::string> RedisCodes::Resolve(const std::string& code) {
  ATTUNE_ASSIGN_OR_RETURN(redis::Reply reply, RunCommand(client_, {"GET", CodeKey(code)}));
  if (reply.nil()) return absl::NotFoundError("the code leads nowhere");
  if (reply.kind != redis::Reply::Kind::kText) return Unreadable("GET");
  return std::move(reply.text);
}

absl::Status RedisCodes::Release(const std::string& code, const std::string& session) {
  return RunScript(client_, AllScripts().release, {CodeKey(code)}, {session}).status();
}

}  // namespace attune::placement
