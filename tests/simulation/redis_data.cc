// Keys, strings, hashes and sets. Sorted sets and streams: redis_data_ordered.cc.
#include "tests/simulation/redis_data.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/simulation/redis_errors.h"

namespace attune::simulation {

const std::map<std::string, RedisData::Command>& RedisData::Commands() {
  static const std::map<std::string, Command> commands = {
      {"GET", {&RedisData::Get, 2}},
      {"SET", {&RedisData::Set, -3}},
      {"STRLEN", {&RedisData::StrLen, 2}},
      {"INCR", {&RedisData::IncrBy, 2}},
      {"INCRBY", {&RedisData::IncrBy, 3}},
      {"DEL", {&RedisData::Del, -2}},
      {"UNLINK", {&RedisData::Del, -2}},
      {"EXISTS", {&RedisData::Exists, -2}},
      {"TYPE", {&RedisData::Type, 2}},
      {"EXPIRE", {&RedisData::Expire, -3}},
      {"PEXPIRE", {&RedisData::Expire, -3}},
      {"PEXPIREAT", {&RedisData::Expire, -3}},
      {"TTL", {&RedisData::Ttl, 2}},
      {"PTTL", {&RedisData::Ttl, 2}},
      {"PERSIST", {&RedisData::Persist, 2}},
      {"HSET", {&RedisData::HSet, -4}},
      {"HSETNX", {&RedisData::HSetNx, 4}},
      {"HGET", {&RedisData::HGet, 3}},
      {"HMGET", {&RedisData::HMGet, -3}},
      {"HGETALL", {&RedisData::HGetAll, 2}},
      {"HKEYS", {&RedisData::HGetAll, 2}},
      {"HVALS", {&RedisData::HGetAll, 2}},
      {"HDEL", {&RedisData::HDel, -3}},
      {"HLEN", {&RedisData::HLen, 2}},
      {"HEXISTS", {&RedisData::HExists, 3}},
      {"HINCRBY", {&RedisData::HIncrBy, 4}},
      {"SADD", {&RedisData::SAdd, -3}},
      {"SREM", {&RedisData::SRem, -3}},
      {"SMEMBERS", {&RedisData::SMembers, 2}},
      {"SCARD", {&RedisData::SCard, 2}},
      {"SISMEMBER", {&RedisData::SIsMember, 3}},
      {"ZADD", {&RedisData::ZAdd, -4}},
      {"ZREM", {&RedisData::ZRem, -3}},
      {"ZSCORE", {&RedisData::ZScore, 3}},
      {"ZCARD", {&RedisData::ZCard, 2}},
      {"ZRANGE", {&RedisData::ZRange, -4}},
      {"ZRANGEBYSCORE", {&RedisData::ZRangeBy, -4}},
      {"ZRANGEBYLEX", {&RedisData::ZRangeBy, -4}},
      {"ZREMRANGEBYSCORE", {&RedisData::ZRemRangeByScore, 4}},
      {"XADD", {&RedisData::XAdd, -5}},
      {"XLEN", {&RedisData::XLen, 2}},
      {"XRANGE", {&RedisData::XRange, -4}},
      {"XREVRANGE", {&RedisData::XRange, -4}},
      {"XDEL", {&RedisData::XDel, -3}},
      {"XTRIM", {&RedisData::XTrim, -4}},
      {"XSETID", {&RedisData::XSetId, -3}},
      {"XINFO", {&RedisData::XInfo, -2}},
      {"TIME", {&RedisData::Time, 1}},
      {"FLUSHALL", {&RedisData::FlushAll, -1}},
  };
  return commands;
}

Value RedisData::Run(const Arguments& arguments, int64_t now_us) {
  now_us_ = now_us;
  Arguments upper = arguments;
  absl::AsciiStrToUpper(&upper[0]);
  const auto found = Commands().find(upper[0]);
  if (found == Commands().end()) {
    return Value::Error(absl::StrCat("ERR the simulated Redis has no command ", upper[0]));
  }
  const auto count = static_cast<int>(arguments.size());
  const int arity = found->second.arity;
  if (arity > 0 ? count != arity : count < -arity) {
    return Value::Error(absl::StrCat("ERR wrong number of arguments for '",
                                     absl::AsciiStrToLower(arguments[0]), "' command"));
  }
  return (this->*found->second.handler)(upper);
}

RedisData::Key* RedisData::Find(const std::string& key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return nullptr;
  if (found->second.expires_ms >= 0 && found->second.expires_ms <= now_us_ / 1000) {
    keys_.erase(found);
    return nullptr;
  }
  return &found->second;
}

template <typename T>
T* RedisData::As(const std::string& key, bool make, bool& wrong) {
  wrong = false;
  Key* found = Find(key);
  if (found == nullptr) {
    if (!make) return nullptr;
    found = &keys_[key];
    found->content = T();
  }
  T* content = std::get_if<T>(&found->content);
  wrong = content == nullptr;
  return content;
}

void RedisData::DropIfEmpty(const std::string& key) {
  const Key* found = Find(key);
  if (found == nullptr) return;
  const auto empty = [](const auto& content) {
    using T = std::decay_t<decltype(content)>;
    if constexpr (std::is_same_v<T, SortedSet>) return content.score.empty();
    if constexpr (std::is_same_v<T, Hash> || std::is_same_v<T, std::set<std::string>>) {
      return content.empty();
    }
    return false;
  };
  if (std::visit(empty, found->content)) keys_.erase(key);
}

// ---- Strings

Value RedisData::Get(const Arguments& a) {
  bool wrong = false;
  const std::string* text = As<std::string>(a[1], false, wrong);
  if (wrong) return WrongType();
  return text == nullptr ? Value::Nil() : Value::Bulk(*text);
}

Value RedisData::Set(const Arguments& a) {
  bool only_new = false, only_old = false, keep = false;
  int64_t expires_ms = -1;
  for (size_t i = 3; i < a.size(); ++i) {
    const std::string option = absl::AsciiStrToUpper(a[i]);
    int64_t n = 0;
    if (option == "NX" && !only_old) {
      only_new = true;
    } else if (option == "XX" && !only_new) {
      only_old = true;
    } else if (option == "KEEPTTL" && expires_ms < 0) {
      keep = true;
    } else if ((option == "PX" || option == "EX") && i + 1 < a.size() && !keep && expires_ms < 0) {
      if (!absl::SimpleAtoi(a[++i], &n)) return NotAnInteger();
      if (n <= 0) return Value::Error("ERR invalid expire time in 'set' command");
      expires_ms = now_us_ / 1000 + (option == "PX" ? n : n * 1000);
    } else {
      return SyntaxError();
    }
  }
  Key* old = Find(a[1]);
  if ((only_new && old != nullptr) || (only_old && old == nullptr)) return Value::Nil();
  if (keep && old != nullptr) expires_ms = old->expires_ms;
  keys_[a[1]] = {a[2], expires_ms};
  return Value::Status("OK");
}

Value RedisData::StrLen(const Arguments& a) {
  bool wrong = false;
  const std::string* text = As<std::string>(a[1], false, wrong);
  if (wrong) return WrongType();
  return Value::Integer(text == nullptr ? 0 : static_cast<int64_t>(text->size()));
}

Value RedisData::IncrBy(const Arguments& a) {
  int64_t by = 1, now = 0;
  bool wrong = false;
  if (a.size() == 3 && !absl::SimpleAtoi(a[2], &by)) return NotAnInteger();
  std::string* text = As<std::string>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (text != nullptr && !absl::SimpleAtoi(*text, &now)) return NotAnInteger();
  if (__builtin_add_overflow(now, by, &now)) {
    return Value::Error("ERR increment or decrement would overflow");
  }
  if (text == nullptr) text = As<std::string>(a[1], true, wrong);
  *text = std::to_string(now);
  return Value::Integer(now);
}

// ---- Keys

Value RedisData::Del(const Arguments& a) {
  int64_t deleted = 0;
  for (size_t i = 1; i < a.size(); ++i) {
    if (Find(a[i]) != nullptr) deleted += static_cast<int64_t>(keys_.erase(a[i]));
  }
  return Value::Integer(deleted);
}

Value RedisData::Exists(const Arguments& a) {
  int64_t there = 0;
  for (size_t i = 1; i < a.size(); ++i) there += Find(a[i]) != nullptr;
  return Value::Integer(there);
}

Value RedisData::Type(const Arguments& a) {
  static constexpr const char* kNames[] = {"string", "hash", "set", "zset", "stream"};
  const Key* key = Find(a[1]);
  return Value::Status(key == nullptr ? "none" : kNames[key->content.index()]);
}

Value RedisData::Expire(const Arguments& a) {
  int64_t n = 0;
  if (a.size() > 3) return SyntaxError();
  if (!absl::SimpleAtoi(a[2], &n)) return NotAnInteger();
  Key* key = Find(a[1]);
  if (key == nullptr) return Value::Integer(0);
  const int64_t now_ms = now_us_ / 1000;
  key->expires_ms = a[0] == "PEXPIREAT" ? n : now_ms + (a[0] == "PEXPIRE" ? n : n * 1000);
  if (key->expires_ms <= now_ms) keys_.erase(a[1]);
  return Value::Integer(1);
}

Value RedisData::Ttl(const Arguments& a) {
  const Key* key = Find(a[1]);
  if (key == nullptr) return Value::Integer(-2);
  if (key->expires_ms < 0) return Value::Integer(-1);
  const int64_t left_ms = std::max<int64_t>(0, key->expires_ms - now_us_ / 1000);
  return Value::Integer(a[0] == "PTTL" ? left_ms : (left_ms + 500) / 1000);
}

Value RedisData::Persist(const Arguments& a) {
  Key* key = Find(a[1]);
  if (key == nullptr || key->expires_ms < 0) return Value::Integer(0);
  key->expires_ms = -1;
  return Value::Integer(1);
}

Value RedisData::Time(const Arguments&) {
  return Value::Array({Value::Bulk(std::to_string(now_us_ / 1'000'000)),
                       Value::Bulk(std::to_string(now_us_ % 1'000'000))});
}

Value RedisData::FlushAll(const Arguments&) {
  keys_.clear();
  return Value::Status("OK");
}

// ---- Hashes

namespace {
template <typename H>
auto Field(H& hash, const std::string& name) {
  return std::find_if(hash.begin(), hash.end(), [&](const auto& f) { return f.first == name; });
}
}  // namespace

Value RedisData::HSet(const Arguments& a) {
  if (a.size() % 2 != 0) {
    return Value::Error("ERR wrong number of arguments for 'hset' command");
  }
  bool wrong = false;
  Hash* hash = As<Hash>(a[1], true, wrong);
  if (wrong) return WrongType();
  int64_t added = 0;
  for (size_t i = 2; i < a.size(); i += 2) {
    if (const auto field = Field(*hash, a[i]); field != hash->end()) {
      field->second = a[i + 1];
    } else {
      hash->emplace_back(a[i], a[i + 1]);
      ++added;
    }
  }
  return Value::Integer(added);
}

Value RedisData::HSetNx(const Arguments& a) {
  bool wrong = false;
  Hash* hash = As<Hash>(a[1], true, wrong);
  if (wrong) return WrongType();
  if (Field(*hash, a[2]) != hash->end()) return Value::Integer(0);
  hash->emplace_back(a[2], a[3]);
  return Value::Integer(1);
}

Value RedisData::HGet(const Arguments& a) {
  const Value all = HMGet(a);
  return all.error() ? all : all.elements[0];
}

Value RedisData::HMGet(const Arguments& a) {
  bool wrong = false;
  const Hash* hash = As<Hash>(a[1], false, wrong);
  if (wrong) return WrongType();
  Value values = Value::Array();
  for (size_t i = 2; i < a.size(); ++i) {
    values.elements.push_back(Value::Nil());
    if (hash == nullptr) continue;
    const auto field = Field(*hash, a[i]);
    if (field != hash->end()) values.elements.back() = Value::Bulk(field->second);
  }
  return values;
}

Value RedisData::HGetAll(const Arguments& a) {
  bool wrong = false;
  const Hash* hash = As<Hash>(a[1], false, wrong);
  if (wrong) return WrongType();
  Value all = Value::Array();
  if (hash == nullptr) return all;
  for (const auto& [name, value] : *hash) {
    if (a[0] != "HVALS") all.elements.push_back(Value::Bulk(name));
    if (a[0] != "HKEYS") all.elements.push_back(Value::Bulk(value));
  }
  return all;
}

Value RedisData::HDel(const Arguments& a) {
  bool wrong = false;
  Hash* hash = As<Hash>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (hash == nullptr) return Value::Integer(0);
  int64_t deleted = 0;
  for (size_t i = 2; i < a.size(); ++i) {
    if (const auto field = Field(*hash, a[i]); field != hash->end()) {
      hash->erase(field);
      ++deleted;
    }
  }
  DropIfEmpty(a[1]);
  return Value::Integer(deleted);
}

Value RedisData::HLen(const Arguments& a) {
  bool wrong = false;
  const Hash* hash = As<Hash>(a[1], false, wrong);
  if (wrong) return WrongType();
  return Value::Integer(hash == nullptr ? 0 : static_cast<int64_t>(hash->size()));
}

Value RedisData::HExists(const Arguments& a) {
  bool wrong = false;
  const Hash* hash = As<Hash>(a[1], false, wrong);
  if (wrong) return WrongType();
  return Value::Integer(hash != nullptr && Field(*hash, a[2]) != hash->end());
}

Value RedisData::HIncrBy(const Arguments& a) {
  int64_t by = 0, now = 0;
  if (!absl::SimpleAtoi(a[3], &by)) return NotAnInteger();
  bool wrong = false;
  Hash* hash = As<Hash>(a[1], true, wrong);
  if (wrong) return WrongType();
  const auto field = Field(*hash, a[2]);
  if (field != hash->end() && !absl::SimpleAtoi(field->second, &now)) {
    return Value::Error("ERR hash value is not an integer");
  }
  now += by;
  if (field == hash->end()) {
    hash->emplace_back(a[2], std::to_string(now));
  } else {
    field->second = std::to_string(now);
  }
  return Value::Integer(now);
}

// ---- Sets

Value RedisData::SAdd(const Arguments& a) {
  bool wrong = false;
  auto* members = As<std::set<std::string>>(a[1], true, wrong);
  if (wrong) return WrongType();
  int64_t added = 0;
  for (size_t i = 2; i < a.size(); ++i) added += members->insert(a[i]).second;
  return Value::Integer(added);
}

Value RedisData::SRem(const Arguments& a) {
  bool wrong = false;
  auto* members = As<std::set<std::string>>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (members == nullptr) return Value::Integer(0);
  int64_t removed = 0;
  for (size_t i = 2; i < a.size(); ++i) removed += static_cast<int64_t>(members->erase(a[i]));
  DropIfEmpty(a[1]);
  return Value::Integer(removed);
}

Value RedisData::SMembers(const Arguments& a) {
  bool wrong = false;
  const auto* members = As<std::set<std::string>>(a[1], false, wrong);
  if (wrong) return WrongType();
  Value all = Value::Array();
  if (members == nullptr) return all;
  for (const std::string& member : *members) all.elements.push_back(Value::Bulk(member));
  return all;
}

Value RedisData::SCard(const Arguments& a) {
  bool wrong = false;
  const auto* members = As<std::set<std::string>>(a[1], false, wrong);
  if (wrong) return WrongType();
  return Value::Integer(members == nullptr ? 0 : static_cast<int64_t>(members->size()));
}

Value RedisData::SIsMember(const Arguments& a) {
  bool wrong = false;
  const auto* members = As<std::set<std::string>>(a[1], false, wrong);
  if (wrong) return WrongType();
  return Value::Integer(members != nullptr && members->contains(a[2]));
}

// The types that redis_data_ordered.cc uses.
template RedisData::SortedSet* RedisData::As(const std::string&, bool, bool&);
template RedisData::Stream* RedisData::As(const std::string&, bool, bool&);

}  // namespace attune::simulation
