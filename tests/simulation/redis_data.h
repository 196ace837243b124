// What a simulated Redis holds, and the commands on it: those that Attune uses, with the answers of
// Redis 7.0. Anything else is an error that says so, so that a script which needs more shows at
// once.
#ifndef ATTUNE_TESTS_SIMULATION_REDIS_DATA_H_
#define ATTUNE_TESTS_SIMULATION_REDIS_DATA_H_

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/simulation/redis_value.h"

namespace attune::simulation {

struct StreamId {
  uint64_t ms = 0, n = 0;
  auto operator<=>(const StreamId&) const = default;
};

using Arguments = std::vector<std::string>;

class RedisData {
 public:
  // A command other than those of scripting and of the server itself. `now_us`: UTC of the server.
  Value Run(const Arguments& arguments, int64_t now_us);
  void Clear() { keys_.clear(); }
  size_t size() const { return keys_.size(); }

 private:
  // In the order in which a small hash of Redis keeps its fields.
  using Hash = std::vector<std::pair<std::string, std::string>>;
  struct Stream {
    std::map<StreamId, std::vector<std::string>> entries;
    StreamId last;
    StreamId max_deleted;
    uint64_t added = 0;
  };
  struct SortedSet {
    std::map<std::string, double> score;
    std::set<std::pair<double, std::string>> order;
  };
  using Content = std::variant<std::string, Hash, std::set<std::string>, SortedSet, Stream>;
  struct Key {
    Content content;
    int64_t expires_ms = -1;  // -1: never
  };
  using Handler = Value (RedisData::*)(const Arguments&);
  struct Command {
    Handler handler;
    int arity;  // as COMMAND INFO gives it: with the name; negative: at least
  };
  static const std::map<std::string, Command>& Commands();

  Key* Find(const std::string& key);
  // The content of the type, made if absent with `make`; `wrong` is set when it is of another type.
  template <typename T>
  T* As(const std::string& key, bool make, bool& wrong);
  void DropIfEmpty(const std::string& key);

  Value Get(const Arguments& a);
  Value Set(const Arguments& a);
  Value StrLen(const Arguments& a);
  Value IncrBy(const Arguments& a);
  Value Del(const Arguments& a);
  Value Exists(const Arguments& a);
  Value Type(const Arguments& a);
  Value Expire(const Arguments& a);
  Value Ttl(const Arguments& a);
  Value Persist(const Arguments& a);
  Value HSet(const Arguments& a);
  Value HSetNx(const Arguments& a);
  Value HGet(const Arguments& a);
  Value HMGet(const Arguments& a);
  Value HGetAll(const Arguments& a);
  Value HDel(const Arguments& a);
  Value HLen(const Arguments& a);
  Value HExists(const Arguments& a);
  Value HIncrBy(const Arguments& a);
  Value SAdd(const Arguments& a);
  Value SRem(const Arguments& a);
  Value SMembers(const Arguments& a);
  Value SCard(const Arguments& a);
  Value SIsMember(const Arguments& a);
  Value ZAdd(const Arguments& a);
  Value ZRem(const Arguments& a);
  Value ZScore(const Arguments& a);
  Value ZCard(const Arguments& a);
  Value ZRange(const Arguments& a);
  Value ZRangeBy(const Arguments& a);  // SCORE or LEX, by the command's name
  Value ZRemRangeByScore(const Arguments& a);
  Value XAdd(const Arguments& a);
  Value XLen(const Arguments& a);
  Value XRange(const Arguments& a);  // XREVRANGE too
  Value XDel(const Arguments& a);
  Value XTrim(const Arguments& a);
  Value XSetId(const Arguments& a);
  Value XInfo(const Arguments& a);
  Value Time(const Arguments& a);
  Value FlushAll(const Arguments& a);

  int64_t Trim(Stream& stream, const std::string& how, const std::string& threshold);

  std::map<std::string, Key> keys_;
  int64_t now_us_ = 0;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_REDIS_DATA_H_
