// The simulated Redis gives the answers of a real one: seeded traces of commands and of the shipped
// scripts run on both, and every answer is compared byte for byte. What the scripts ask TIME for is
// read from a key instead, on both sides; the order in which a server lists an unordered collection
// is not compared.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/base/random.h"
#include "services/journal/redis_journal.h"
#include "services/placement/redis_directory.h"
#include "services/redis/connection.h"
#include "services/redis/testing/server.h"
#include "tests/simulation/cluster.h"
#include "tests/simulation/redis_server.h"

namespace attune::simulation {
namespace {

// A plain socket: bytes as they come.
class RawConnection {
 public:
  explicit RawConnection(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    int port = 0;
    (void)absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<uint16_t>(port));
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::abort();
  }
  ~RawConnection() { close(fd_); }
  std::string Ask(const Arguments& arguments) {
    const std::string bytes = redis::Encode(arguments);
    if (send(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
      std::abort();
    return Reply();
  }

 private:
  std::string Line() {
    size_t end;
    while ((end = in_.find("\r\n")) == std::string::npos) More();
    std::string line = in_.substr(0, end + 2);
    in_.erase(0, end + 2);
    return line;
  }
  std::string Reply() {
    std::string bytes = Line();
    int64_t n = 0;
    (void)absl::SimpleAtoi(bytes.substr(1, bytes.size() - 3), &n);
    if (bytes[0] == '$' && n >= 0) {
      while (in_.size() < static_cast<size_t>(n) + 2) More();
      bytes += in_.substr(0, static_cast<size_t>(n) + 2);
      in_.erase(0, static_cast<size_t>(n) + 2);
    }
    if (bytes[0] == '*') {
      for (int64_t i = 0; i < n; ++i) bytes += Reply();
    }
    return bytes;
  }
  void More() {
    char buffer[4096];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) std::abort();
    in_.append(buffer, static_cast<size_t>(got));
  }
  const int fd_;
  std::string in_;
};

constexpr char kClockKey[] = "test:clock";

// The script with its time from the key.
std::string Pinned(const std::string& body) {
  return absl::StrReplaceAll(body, {{"redis.call('TIME')",
                                     "redis.call('HMGET', 'test:clock', "
                                     "'s', 'us')"}});
}

std::string Words(const Arguments& arguments) {
  std::string words;
  for (const std::string& one : arguments) absl::StrAppend(&words, one.substr(0, 60), " ");
  return words;
}

class SameAnswers : public testing::Test {
 protected:
  // Both must say the same; false: they did not.
  bool Ask(const Arguments& arguments) {
    const std::string real = real_.Ask(arguments);
    const std::string simulated = Resp(simulated_.Execute(arguments, NowUs()));
    asked_ += 1;
    // Where in a script an error came up is told by the line, which nobody reads.
    const auto comparable = [](std::string bytes) {
      const size_t on = bytes.find(", on @user_script:");
      if (bytes[0] == '-' && on != std::string::npos) bytes.erase(on);
      return bytes;
    };
    EXPECT_EQ(comparable(real), comparable(simulated)) << Words(arguments);
    return comparable(real) == comparable(simulated);
  }
  int64_t NowUs() const { return clock_.UtcMicros(); }
  void SetClock(int64_t now_ms) {
    Ask({"HSET", kClockKey, "s", std::to_string(now_ms / 1000), "us",
         std::to_string(now_ms % 1000 * 1000)});
  }
  std::string Pick(const std::vector<std::string>& from) {
    return from[random_.Below(from.size())];
  }

  SystemClock clock_;
  SeededRandom random_{7};
  redis::testing::Server server_{{"--appendonly", "no"}};
  RawConnection real_{server_.address()};
  RedisServer simulated_;
  int asked_ = 0;
};

TEST_F(SameAnswers, CommandsOfEveryKind) {
  const std::vector<std::string> keys = {"a", "b", "c", "d", "e", "f"};
  const std::vector<std::string> texts = {"x", "yy", "", "12", "-3", "3.5", "abc def", "\xff\r\n"};
  const std::vector<std::string> numbers = {"0", "1", "2", "7", "-1", "12x", "100000"};
  const std::vector<std::string> ids = {"1-1", "1-2", "2-1", "3", "3-*", "5-7",
                                        "0-0", "bad", "9-9", "-", "+",   "(2-1"};
  const std::vector<std::string> bounds = {"-inf", "+inf", "0", "2", "(2", "7", "x"};
  const auto key = [&] { return Pick(keys); };
  const auto text = [&] { return Pick(texts); };
  const auto number = [&] { return Pick(numbers); };
  const auto id = [&] { return Pick(ids); };
  const auto bound = [&] { return Pick(bounds); };
  const std::vector<std::function<Arguments()>> commands = {
      [&] {
        return Arguments{"SET", key(), text()};
      },
      [&] {
        return Arguments{"SET", key(), text(), "NX"};
      },
      [&] {
        return Arguments{"SET", key(), text(), "XX", "KEEPTTL"};
      },
      [&] { return Arguments{"SET", key(), text(), "NX", "PX", "100000"}; },
      [&] {
        return Arguments{"SET", key(), text(), "PX", Pick({"0", "-1", "12x", "100000"})};
      },
      [&] {
        return Arguments{"get", key()};
      },
      [&] {
        return Arguments{"STRLEN", key()};
      },
      [&] {
        return Arguments{"INCR", key()};
      },
      [&] {
        return Arguments{"INCRBY", key(), number()};
      },
      [&] {
        return Arguments{"DEL", key(), key()};
      },
      [&] {
        return Arguments{"EXISTS", key(), key()};
      },
      [&] {
        return Arguments{"TYPE", key()};
      },
      [&] {
        return Arguments{"EXPIRE", key(), "1000"};
      },
      [&] {
        return Arguments{"TTL", key()};
      },
      [&] {
        return Arguments{"PERSIST", key()};
      },
      [&] {
        return Arguments{"PEXPIRE", key(), "-1"};
      },
      [&] { return Arguments{"HSET", key(), text(), text(), text(), text()}; },
      [&] {
        return Arguments{"HSET", key(), text()};
      },
      [&] {
        return Arguments{"HSETNX", key(), text(), text()};
      },
      [&] {
        return Arguments{"HGET", key(), text()};
      },
      [&] {
        return Arguments{"HMGET", key(), text(), text()};
      },
      [&] {
        return Arguments{"HGETALL", key()};
      },
      [&] {
        return Arguments{"HKEYS", key()};
      },
      [&] {
        return Arguments{"HDEL", key(), text(), text()};
      },
      [&] {
        return Arguments{"HLEN", key()};
      },
      [&] {
        return Arguments{"HEXISTS", key(), text()};
      },
      [&] {
        return Arguments{"HINCRBY", key(), text(), number()};
      },
      [&] {
        return Arguments{"SADD", key(), text(), text()};
      },
      [&] {
        return Arguments{"SREM", key(), text()};
      },
      [&] {
        return Arguments{"SCARD", key()};
      },
      [&] {
        return Arguments{"SISMEMBER", key(), text()};
      },
      [&] {
        return Arguments{"ZADD", key(), number(), text()};
      },
      [&] { return Arguments{"ZADD", key(), "GT", "CH", number(), text()}; },
      [&] { return Arguments{"ZADD", key(), "XX", number(), text(), "5", "q"}; },
      [&] {
        return Arguments{"ZREM", key(), text()};
      },
      [&] {
        return Arguments{"ZSCORE", key(), text()};
      },
      [&] {
        return Arguments{"ZCARD", key()};
      },
      [&] {
        return Arguments{"ZRANGE", key(), number(), number(), "WITHSCORES"};
      },
      [&] { return Arguments{"ZRANGEBYSCORE", key(), bound(), bound(), "LIMIT", "1", "2"}; },
      [&] {
        return Arguments{"ZRANGEBYSCORE", key(), bound(), bound(), "WITHSCORES"};
      },
      [&] {
        return Arguments{"ZREMRANGEBYSCORE", key(), bound(), bound()};
      },
      [&] {
        return Arguments{"XADD", key(), id(), text(), text()};
      },
      [&] { return Arguments{"XADD", key(), "NOMKSTREAM", "MAXLEN", "3", id(), "f", text()}; },
      [&] {
        return Arguments{"XADD", key(), id(), "one"};
      },
      [&] {
        return Arguments{"XLEN", key()};
      },
      [&] {
        return Arguments{"XRANGE", key(), id(), id()};
      },
      [&] { return Arguments{"XRANGE", key(), "-", "+", "COUNT", number()}; },
      [&] { return Arguments{"XREVRANGE", key(), "+", "-", "COUNT", "2"}; },
      [&] {
        return Arguments{"XDEL", key(), id()};
      },
      [&] {
        return Arguments{"XTRIM", key(), "MINID", id()};
      },
      [&] {
        return Arguments{"XTRIM", key(), "MAXLEN", "=", "2"};
      },
      [&] {
        return Arguments{"XSETID", key(), id()};
      },
      [&] { return Arguments{"PING"}; },
      [&] { return Arguments{"GET"}; },
  };
  for (int i = 0; i < 20'000; ++i) {
    Ask(commands[random_.Below(commands.size())]());
    ASSERT_LT(testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count(),
              20)
        << "after " << asked_ << " commands";
  }
}

TEST_F(SameAnswers, WhatScriptsGiveAndTake) {
  const std::vector<std::string> bodies = {
      "return 1",
      "return 1.9",
      "return -1.9",
      "return 'x'",
      "return nil",
      "return false",
      "return true",
      "return {1, 'two', {3, {4}}, false, 5}",
      "return {1, nil, 3}",
      "return redis.status_reply('FINE')",
      "return redis.error_reply('FENCED stale')",
      "return redis.error_reply('short')",
      "return {ok='yes'}",
      "return {err='NO not this'}",
      "return redis.call('SET', KEYS[1], ARGV[1])",
      "return redis.call('GET', KEYS[1])",
      "return redis.call('INCRBY', KEYS[2], 5)",
      "return redis.call('HGETALL', KEYS[3])",
      "redis.call('HSET', KEYS[3], 'n', 1.5, 'm', 1e15, 'k', 123456789012345) return 1",
      "return redis.call('HMGET', KEYS[3], 'n', 'm', 'k', 'none')",
      "return tostring(redis.call('GET', 'none'))",
      "return type(redis.call('HGET', KEYS[3], 'z'))",
      "return redis.call('LPOS')",
      "return redis.pcall('HGET', KEYS[1], 'f')",
      "return redis.call('HGET', KEYS[1], 'f')",
      "return {#KEYS, #ARGV, ARGV[1]}",
      "local t = {} for i = 1, 20 do t[i] = i * 1000000000000 end return t",
      "return redis.call('XADD', KEYS[4], ARGV[1] .. '-1', 'a', 'b')",
      "return redis.call('XRANGE', KEYS[4], '-', '+')",
      "return string.format('%d', 2^40)",
      "return redis.call('SET', KEYS[1], true)",
      "return redis.call()",
      "x = 1",
      "return y",
      "error('plain')",
      "return redis.sha1hex('')",
      "this is no script",
      "return math.floor(-2.5)",
      "return tonumber('0x10')",
      "return tostring(2^53)",
      "return {redis.call('TIME')[3]}"};
  for (int round = 0; round < 3; ++round) {
    for (const std::string& body : bodies) {
      // What the simulation does not know is an error there by intention.
      if (body.find("LPOS") != std::string::npos) continue;
      const Arguments call = {"EVAL", body, "4", "s1", "s2", "h", "x", std::to_string(round + 3),
                              "two"};
      Ask(call);
    }
    Ask({"SET", "s1", "text"});
  }
  Ask({"EVALSHA", std::string(40, 'a'), "0"});
  Ask({"EVAL", "return 1", "3", "a"});
  Ask({"EVAL", "return 1", "x"});
  Ask({"EVAL", "return 1", "-1"});
}

TEST_F(SameAnswers, ScriptsOfTheDirectory) {
  std::vector<redis::Script> scripts;
  for (const redis::Script& script : placement::DirectoryScripts()) {
    scripts.push_back(redis::MakeScript(script.name, Pinned(script.body)));
    ASSERT_NE(scripts.back().body, script.body) << script.name << " asks for no time?";
    ASSERT_TRUE(Ask({"SCRIPT", "LOAD", scripts.back().body}));
  }
  const std::vector<std::string> run_ids = {"run-1", "run-1", "run-1", "run-1", "run-2"};
  const std::vector<std::string> owners = {"n1", "n2", "n3"};
  const std::vector<std::string> nonces = {"nonce-a", "nonce-b", std::string("no\0nce", 6)};
  const std::vector<std::string> epochs = {"0", "1", "2", "3", "5", "9"};
  int64_t now_ms = 1'700'000'000'000;
  for (int i = 0; i < 10'000; ++i) {
    if (random_.Below(3) == 0) {
      now_ms += static_cast<int64_t>(random_.Below(4000));
      SetClock(now_ms);
    }
    const redis::Script& script = scripts[random_.Below(scripts.size())];
    const std::string session = absl::StrCat("s", random_.Below(3));
    const std::string own = absl::StrCat("{", session, "}:own");
    const std::string due = absl::StrCat("attune:due:", random_.Below(2));
    Arguments call = {"EVALSHA", script.sha1};
    Arguments rest;
    const std::string owner = Pick(owners);
    if (script.name == "acquire") {
      rest = {"3",   own,          "attune:server", due,          Pick(run_ids), "6000",
              owner, owner + ":1", Pick(nonces),    Pick(epochs), "40",          session};
    } else if (script.name == "renew") {
      rest = {"4",           "attune:server", due,   own,          "{s3}:own",
              Pick(run_ids), "6000",          owner, owner + ":1", session,
              Pick(nonces),  Pick(epochs),    "s3",  Pick(nonces), Pick(epochs)};
    } else if (script.name == "release") {
      rest = {"2",
              own,
              due,
              owner,
              Pick(nonces),
              Pick(epochs),
              "6000",
              random_.Below(2) == 0 ? "" : Pick(owners),
              "addr",
              session,
              random_.Below(3) == 0 ? "86400000" : "0"};
    } else if (script.name == "owner") {
      rest = {"1", own};
    } else if (script.name == "orphans") {
      rest = {"2", "attune:due:0", "attune:due:1", std::to_string(random_.Below(4)), "6000"};
    } else if (script.name == "remind") {
      rest = {"1", due, "6000", session, "s4"};
    } else {
      FAIL() << script.name << " is asked nothing";
    }
    call.insert(call.end(), rest.begin(), rest.end());
    if (!Ask(call)) FAIL() << script.name;
    if (random_.Below(200) == 0) Ask({"DEL", random_.Below(2) == 0 ? own : "attune:server"});
    if (random_.Below(20) == 0) Ask({"HGETALL", own});
    if (random_.Below(20) == 0) Ask({"ZRANGE", due, "0", "-1", "WITHSCORES"});
    if (random_.Below(200) == 0) Ask({"DEL", due});
  }
}

// Whatever directory and journal send in a story without losses: the first minutes of a cluster.
TEST_F(SameAnswers, EverythingThatAClusterAsks) {
  std::map<std::string, std::string> sha1;  // shipped -> with its time from the key
  std::set<std::string> used;
  for (const auto& scripts : {placement::DirectoryScripts(), journal::JournalScripts()}) {
    for (const redis::Script& script : scripts) {
      sha1[script.sha1] = redis::MakeScript(script.name, Pinned(script.body)).sha1;
      real_.Ask({"SCRIPT", "LOAD", Pinned(script.body)});
    }
  }
  std::vector<std::pair<Arguments, std::string>> trace;
  StoryOptions options;
  options.seed = 4;  // nodes die; Redis lives
  options.prepare = [&trace](SimRedis& redis) {
    redis.SetEdit(Pinned);
    redis.SetTrace(kClockKey, [&trace](const Arguments& arguments, const Value& answer) {
      trace.emplace_back(arguments, Resp(answer));
    });
  };
  EXPECT_TRUE(simulation::Run(options).violations.empty());
  ASSERT_GT(trace.size(), 1000u);
  int wrong = 0;
  for (auto& [arguments, answer] : trace) {
    if (arguments[0] == "INFO" || arguments[0] == "CONFIG")
      continue;  // of the process, not of data
    if (arguments[0] == "EVALSHA") {
      used.insert(arguments[1]);
      arguments[1] = sha1.at(arguments[1]);
    }
    const std::string real = real_.Ask(arguments);
    EXPECT_EQ(real, answer) << Words(arguments);
    if (real != answer && ++wrong > 5) break;
  }
  EXPECT_GE(used.size(), 8u) << "of the shipped scripts";
}

}  // namespace
}  // namespace attune::simulation
