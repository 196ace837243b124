// The scripts of a simulated Redis, in a real Lua 5.1: the interpreter that Redis 7.0 embeds.
// Conversions and error texts follow redis.io/docs/manual/programmability/lua-api.
#ifndef ATTUNE_TESTS_SIMULATION_REDIS_LUA_H_
#define ATTUNE_TESTS_SIMULATION_REDIS_LUA_H_

#include <functional>
#include <map>
#include <string>

#include "tests/simulation/redis_data.h"

struct lua_State;

namespace attune::simulation {

class RedisLua {
 public:
  // What redis.call does.
  using CallRedis = std::function<Value(const Arguments&)>;

  RedisLua();
  ~RedisLua();
  RedisLua(const RedisLua&) = delete;
  RedisLua& operator=(const RedisLua&) = delete;

  // The script's SHA-1, or the error that SCRIPT LOAD gives.
  Value Load(const std::string& body);
  void LoadAs(const std::string& sha1, const std::string& body);
  bool Knows(const std::string& sha1) const { return functions_.contains(sha1); }
  // `arguments` of EVALSHA or EVAL from the number of keys on.
  Value Run(const std::string& sha1, const Arguments& arguments, size_t from, CallRedis call);

 private:
  static int Call(lua_State* lua);
  static int ErrorReply(lua_State* lua);
  static int StatusReply(lua_State* lua);
  static int Sha1Hex(lua_State* lua);
  Value Compile(const std::string& sha1, const std::string& body);
  void Push(const Value& value);
  Value Pop();

  lua_State* lua_;
  std::map<std::string, int> functions_;  // SHA-1 -> reference
  CallRedis call_;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_REDIS_LUA_H_
