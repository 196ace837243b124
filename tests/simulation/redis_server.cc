#include "tests/simulation/redis_server.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace attune::simulation {

Value RedisServer::Execute(const Arguments& arguments, int64_t now_us) {
  const std::string name = absl::AsciiStrToUpper(arguments[0]);
  if (name == "PING" && arguments.size() == 1) return Value::Status("PONG");
  // All writes are on the replica as soon as they are made, or lost with the server.
  if (name == "WAIT" && arguments.size() == 3) return Value::Integer(1);
  if (name == "SCRIPT" && arguments.size() == 3 && absl::AsciiStrToUpper(arguments[1]) == "LOAD") {
    return lua_->Load(arguments[2]);
  }
  if ((name == "EVAL" || name == "EVALSHA") && arguments.size() >= 3) {
    std::string sha1 = absl::AsciiStrToLower(arguments[1]);
    if (name == "EVAL") {
      const Value loaded = lua_->Load(arguments[1]);
      if (loaded.error()) return loaded;
      sha1 = loaded.text;
    } else if (!lua_->Knows(sha1)) {
      return Value::Error("NOSCRIPT No matching script. Please use EVAL.");
    }
    return lua_->Run(sha1, arguments, 2,
                     [this, now_us](const Arguments& call) { return data_.Run(call, now_us); });
  }
  return data_.Run(arguments, now_us);
}

void RedisServer::LoadAs(const std::string& sha1, const std::string& body) {
  lua_->LoadAs(sha1, body);
}

}  // namespace attune::simulation
