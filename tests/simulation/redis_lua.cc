#include "tests/simulation/redis_lua.h"

#include <cstdio>
#include <lua5.1/lua.hpp>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/redis/client.h"

namespace attune::simulation {
namespace {

// What Redis 7.0 leaves of the standard library, and its guard against globals.
constexpr char kSandbox[] = R"lua(
dofile, loadfile, print, require, module, io, os, package, debug = nil
math.random, math.randomseed = nil
setmetatable(_G, {
  __newindex = function(_, name)
    error('Attempt to modify a readonly table', 2)
  end,
  __index = function(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
  end,
})
)lua";

// Where `redis.call` finds its interpreter.
constexpr char kSelf[] = "attune.simulation";

RedisLua* Self(lua_State* lua) {
  lua_getfield(lua, LUA_REGISTRYINDEX, kSelf);
  auto* self = static_cast<RedisLua*>(lua_touserdata(lua, -1));
  lua_pop(lua, 1);
  return self;
}

// Redis takes the line breaks out of what it sends as an error.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  return text;
}

std::string TextAt(lua_State* lua, int index) {
  size_t size = 0;
  const char* text = lua_tolstring(lua, index, &size);
  return text == nullptr ? std::string() : std::string(text, size);
}

void PushText(lua_State* lua, const std::string& text) {
  lua_pushlstring(lua, text.data(), text.size());
}

int PushField(lua_State* lua, const char* name, const std::string& text) {
  lua_newtable(lua);
  PushText(lua, text);
  lua_setfield(lua, -2, name);
  return 1;
}

}  // namespace

RedisLua::RedisLua() : lua_(luaL_newstate()) {
  luaL_openlibs(lua_);
  lua_pushlightuserdata(lua_, this);
  lua_setfield(lua_, LUA_REGISTRYINDEX, kSelf);
  lua_newtable(lua_);
  const auto add = [this](const char* name, lua_CFunction function, int upvalue) {
    lua_pushinteger(lua_, upvalue);
    lua_pushcclosure(lua_, function, 1);
    lua_setfield(lua_, -2, name);
  };
  add("call", &RedisLua::Call, 0);
  add("pcall", &RedisLua::Call, 1);
  add("error_reply", &RedisLua::ErrorReply, 0);
  add("status_reply", &RedisLua::StatusReply, 0);
  add("sha1hex", &RedisLua::Sha1Hex, 0);
  lua_setglobal(lua_, "redis");
  for (const char* name : {"KEYS", "ARGV"}) {
    lua_newtable(lua_);
    lua_setglobal(lua_, name);
  }
  if (luaL_dostring(lua_, kSandbox) != 0) std::abort();
}

RedisLua::~RedisLua() { lua_close(lua_); }

Value RedisLua::Load(const std::string& body) {
  return Compile(redis::MakeScript("script", body).sha1, body);
}

void RedisLua::LoadAs(const std::string& sha1, const std::string& body) {
  if (Compile(sha1, body).error()) std::abort();
}

Value RedisLua::Compile(const std::string& sha1, const std::string& body) {
  if (Knows(sha1)) return Value::Bulk(sha1);
  if (luaL_loadbuffer(lua_, body.data(), body.size(), "@user_script") != 0) {
    Value error = Value::Error(
        OneLine(absl::StrCat("ERR Error compiling script (new function): ", TextAt(lua_, -1))));
    lua_pop(lua_, 1);
    return error;
  }
  functions_[sha1] = luaL_ref(lua_, LUA_REGISTRYINDEX);
  return Value::Bulk(sha1);
}

Value RedisLua::Run(const std::string& sha1, const Arguments& arguments, size_t from,
                    CallRedis call) {
  int64_t keys = 0;
  if (from >= arguments.size() || !absl::SimpleAtoi(arguments[from], &keys)) {
    return Value::Error("ERR value is not an integer or out of range");
  }
  if (keys < 0) return Value::Error("ERR Number of keys can't be negative");
  if (static_cast<size_t>(keys) > arguments.size() - from - 1) {
    return Value::Error("ERR Number of keys can't be greater than number of args");
  }
  std::swap(call_, call);
  lua_settop(lua_, 0);
  size_t at = from + 1;
  for (const char* name : {"KEYS", "ARGV"}) {
    const size_t end = name[0] == 'K' ? at + static_cast<size_t>(keys) : arguments.size();
    lua_newtable(lua_);
    for (int i = 1; at < end; ++at, ++i) {
      PushText(lua_, arguments[at]);
      lua_rawseti(lua_, -2, i);
    }
    lua_pushstring(lua_, name);
    lua_insert(lua_, -2);
    lua_rawset(lua_, LUA_GLOBALSINDEX);
  }
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, functions_.at(sha1));
  Value result;
  if (lua_pcall(lua_, 0, 1, 0) == 0) {
    result = Pop();
  } else {
    // redis.call raises a table with the error's text; Lua's own errors are strings.
    std::string text;
    if (lua_istable(lua_, -1)) {
      lua_getfield(lua_, -1, "err");
      text = TextAt(lua_, -1);
      lua_pop(lua_, 1);
    } else {
      text = absl::StrCat("ERR ", TextAt(lua_, -1));
    }
    result = Value::Error(OneLine(absl::StrCat(text, " script: ", sha1, ", on @user_script:")));
  }
  lua_settop(lua_, 0);
  std::swap(call_, call);
  return result;
}

int RedisLua::Call(lua_State* lua) {
  const bool raise = lua_tointeger(lua, lua_upvalueindex(1)) == 0;
  RedisLua* self = Self(lua);
  {
    Arguments arguments;
    bool good = lua_gettop(lua) > 0;
    for (int i = 1; good && i <= lua_gettop(lua); ++i) {
      if (lua_type(lua, i) == LUA_TNUMBER) {
        char text[64];
        const int size = snprintf(text, sizeof text, "%.17g", lua_tonumber(lua, i));
        arguments.emplace_back(text, static_cast<size_t>(size));
      } else if (lua_type(lua, i) == LUA_TSTRING) {
        arguments.push_back(TextAt(lua, i));
      } else {
        good = false;
      }
    }
    const Value value =
        good ? self->call_(arguments)
             : Value::Error(lua_gettop(lua) == 0
                                ? "ERR Please specify at least one argument for this redis lib call"
                                : "ERR Lua redis lib command arguments must be strings or "
                                  "integers");
    lua_settop(lua, 0);
    self->Push(value);
    if (!value.error()) return 1;
  }  // everything with a destructor is gone: an error jumps
  return raise ? lua_error(lua) : 1;
}

int RedisLua::ErrorReply(lua_State* lua) {
  std::string text = TextAt(lua, 1);
  if (!text.empty() && text[0] == '-') {
    text.erase(0, 1);
  } else if (text.find(' ') == std::string::npos) {
    text = "ERR " + text;
  }
  return PushField(lua, "err", text);
}

int RedisLua::StatusReply(lua_State* lua) { return PushField(lua, "ok", TextAt(lua, 1)); }

int RedisLua::Sha1Hex(lua_State* lua) {
  PushText(lua, redis::MakeScript("", TextAt(lua, 1)).sha1);
  return 1;
}

void RedisLua::Push(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kStatus:
      PushField(lua_, "ok", value.text);
      return;
    case Value::Kind::kError:
      PushField(lua_, "err", value.text);
      return;
    case Value::Kind::kInteger:
      lua_pushnumber(lua_, static_cast<lua_Number>(value.integer));
      return;
    case Value::Kind::kBulk:
      PushText(lua_, value.text);
      return;
    case Value::Kind::kNil:
    case Value::Kind::kNilArray:
      lua_pushboolean(lua_, 0);
      return;
    case Value::Kind::kArray:
      break;
  }
  luaL_checkstack(lua_, 4, "too deep");
  lua_newtable(lua_);
  for (size_t i = 0; i < value.elements.size(); ++i) {
    Push(value.elements[i]);
    lua_rawseti(lua_, -2, static_cast<int>(i) + 1);
  }
}

Value RedisLua::Pop() {
  Value value;
  switch (lua_type(lua_, -1)) {
    case LUA_TSTRING:
      value = Value::Bulk(TextAt(lua_, -1));
      break;
    case LUA_TBOOLEAN:
      value = lua_toboolean(lua_, -1) != 0 ? Value::Integer(1) : Value::Nil();
      break;
    case LUA_TNUMBER:
      value = Value::Integer(static_cast<int64_t>(lua_tonumber(lua_, -1)));
      break;
    case LUA_TTABLE: {
      for (const char* name : {"err", "ok"}) {
        lua_pushstring(lua_, name);
        lua_rawget(lua_, -2);
        const bool found = lua_type(lua_, -1) == LUA_TSTRING;
        const std::string text = found ? OneLine(TextAt(lua_, -1)) : "";
        lua_pop(lua_, 1);
        if (!found) continue;
        lua_pop(lua_, 1);
        return name[0] == 'e' ? Value::Error(text) : Value::Status(text);
      }
      value = Value::Array();
      for (int i = 1;; ++i) {
        luaL_checkstack(lua_, 4, "too deep");
        lua_rawgeti(lua_, -1, i);
        if (lua_isnil(lua_, -1)) {
          lua_pop(lua_, 1);
          break;
        }
        value.elements.push_back(Pop());
      }
      break;
    }
    default:
      break;
  }
  lua_pop(lua_, 1);
  return value;
}

}  // namespace attune::simulation
