#include "services/redis/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "services/base/mutex.h"
#include "services/redis/sentinel_watch.h"
#include "services/redis/testing/sentinel.h"
#include "services/redis/testing/server.h"

namespace attune::redis {
namespace {

using testing::Server;
constexpr int64_t kSecond = 1'000'000;

// States as they were told.
class States {
 public:
  Client::OnState Take() {
    return [this](const ServerState& state) {
      MutexLock lock(mu_);
      seen_.push_back(state);
    };
  }
  std::vector<ServerState> seen() {
    MutexLock lock(mu_);
    return seen_;
  }

 private:
  Mutex mu_;
  std::vector<ServerState> seen_ ATTUNE_GUARDED_BY(mu_);
};

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> Connect(const std::string& address, ClientOptions options = {}) {
    options.addresses = {address};
    return Client::Start(std::move(options), clock_, random_, states_.Take());
  }
  bool Eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 4000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  SystemClock clock_;
  SystemRandom random_;
  States states_;
};

TEST_F(ClientTest, AnswersInOrderWithAnyBytes) {
  Server server;
  auto client = Connect(server.address());
  const std::string bytes("\0\r\n$3\r\n\xff", 9);
  ASSERT_TRUE(client->CallAndWait({"SET", "key", bytes}).ok());
  const auto got = client->CallAndWait({"GET", "key"});
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->text, bytes);
  EXPECT_TRUE(client->CallAndWait({"GET", "nothing"})->nil());
  const auto list = client->CallAndWait({"COMMAND", "INFO", "get", "nosuch"});
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->elements.size(), 2u);
  EXPECT_EQ(list->elements[0].elements[0].text, "get");
  const auto error = client->CallAndWait({"LPUSH", "key", "x"});
  ASSERT_TRUE(error.ok()) << "an error is an answer";
  EXPECT_EQ(error->error_code(), "WRONGTYPE");

  Mutex mu;
  std::vector<int64_t> answers;
  for (int i = 0; i < 1000; ++i) {
    client->Call({"INCR", "counter"}, [&](const absl::StatusOr<Reply>& reply) {
      MutexLock lock(mu);
      answers.push_back(reply.ok() ? reply->integer : -1);
    });
  }
  ASSERT_TRUE(client->CallAndWait({"PING"}).ok());
  MutexLock lock(mu);
  ASSERT_EQ(answers.size(), 1000u);
  for (size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i], static_cast<int64_t>(i) + 1);
}

TEST_F(ClientTest, TellsAServerItsOwnRunId) {
  Server server;
  auto client = Connect(server.address());
  const auto echo = client->CallAndWait({"ECHO", Client::kThisServer});  // before any connection
  ASSERT_TRUE(echo.ok());
  EXPECT_EQ(echo->text, client->state().run_id);
  EXPECT_EQ(echo->text.size(), 40u);
}

TEST_F(ClientTest, ScriptsAreThereFromTheStartAndAfterAFlush) {
  Server server;
  const Script script = MakeScript("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])");
  ClientOptions options;
  options.scripts = {script};
  auto client = Connect(server.address(), options);
  EXPECT_EQ(client->RunAndWait(script, {"n"}, {"5"})->integer, 5);
  EXPECT_EQ(client->CallAndWait({"EVALSHA", script.sha1, "1", "n", "1"})->integer, 6);
  ASSERT_TRUE(client->CallAndWait({"SCRIPT", "FLUSH"}).ok());
  EXPECT_EQ(client->RunAndWait(script, {"n"}, {"4"})->integer, 10);
}

TEST_F(ClientTest, ARestartIsNoticedByItsRunId) {
  Server server;
  auto client = Connect(server.address());
  ASSERT_TRUE(client->CallAndWait({"SET", "key", "kept"}).ok());
  const ServerState before = client->state();
  EXPECT_TRUE(before.ready);
  EXPECT_EQ(before.run_id.size(), 40u);
  EXPECT_EQ(before.servers, 1u);
  server.Kill9();
  ASSERT_TRUE(Eventually([&] { return !client->state().ready; })) << "an end of file is noticed";
  EXPECT_FALSE(client->state().trouble.empty());
  EXPECT_EQ(client->state().run_id, before.run_id);
  server.Start();
  ASSERT_TRUE(Eventually([&] { return client->state().ready; }));
  const ServerState after = client->state();
  EXPECT_NE(after.run_id, before.run_id);
  EXPECT_EQ(after.servers, 2u);
  EXPECT_EQ(client->CallAndWait({"GET", "key"})->text, "kept");
  const auto seen = states_.seen();
  ASSERT_GE(seen.size(), 3u);
  EXPECT_TRUE(seen.front().ready);
  EXPECT_TRUE(seen.back().ready);
}

TEST_F(ClientTest, WhatWasMeantForTheFormerServerIsNotSentToTheNext) {
  Server server;
  auto client = Connect(server.address());
  ASSERT_TRUE(client->CallAndWait({"PING"}).ok());
  server.Kill9();
  ASSERT_TRUE(Eventually([&] { return !client->state().ready; }));
  absl::Status status;
  std::thread waits([&] { status = client->CallAndWait({"INCR", "n"}, 20 * kSecond).status(); });
  server.Start();
  waits.join();
  // Either it was too late for the former one, or it met the new one when that was known.
  EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
  const auto count = client->CallAndWait({"GET", "n"}, 20 * kSecond);
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(count->nil(), !status.ok()) << "UNAVAILABLE means surely not executed";
}

TEST_F(ClientTest, TellsWhatMayHaveBeenExecutedFromWhatWasNot) {
  Server server;
  auto client = Connect(server.address());
  ASSERT_TRUE(client->CallAndWait({"PING"}).ok());
  server.Freeze();
  const auto frozen = client->CallAndWait({"INCR", "n"}, kSecond / 5);
  EXPECT_EQ(frozen.status().code(), absl::StatusCode::kUnknown) << frozen.status();
  const auto unsent = client->CallAndWait({"INCR", "n"}, kSecond / 5);
  EXPECT_EQ(unsent.status().code(), absl::StatusCode::kUnavailable) << unsent.status();
  server.Thaw();
  ASSERT_TRUE(Eventually([&] { return client->state().ready; }));
  EXPECT_EQ(client->state().servers, 1u) << "the same server";
  const auto n = client->CallAndWait({"GET", "n"});
  ASSERT_TRUE(n.ok());
  EXPECT_TRUE(n->nil() || n->text == "1") << "never the one that was not sent";
}

TEST_F(ClientTest, AFrozenServerIsNoticedWithoutACommand) {
  Server server;
  ClientOptions options;
  options.ping_every_us = kSecond / 10;
  options.answer_within_us = kSecond / 5;
  auto client = Connect(server.address(), options);
  ASSERT_TRUE(client->CallAndWait({"PING"}).ok());
  server.Freeze();
  EXPECT_TRUE(Eventually([&] { return !client->state().ready; }));
  server.Thaw();
  EXPECT_TRUE(Eventually([&] { return client->state().ready; }));
}

TEST_F(ClientTest, DeadlinesHoldWithoutAServer) {
  auto client = Connect("127.0.0.1:" + std::to_string(testing::FreePort()));
  const int64_t before = clock_.SteadyMicros();
  const auto reply = client->CallAndWait({"PING"}, kSecond / 5);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(reply.status().message()).find("refused"), std::string::npos)
      << reply.status();
  EXPECT_LT(clock_.SteadyMicros() - before, 3 * kSecond);
}

TEST_F(ClientTest, SomethingThatIsNoRedisIsRefused) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread web([&] {
    const int fd = accept(listener, nullptr, nullptr);
    char buffer[256];
    [[maybe_unused]] const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    const std::string answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    [[maybe_unused]] const ssize_t sent = send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    close(fd);
    close(listener);
  });
  auto client = Connect("127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  // In what was told, not in the present state: the next try has another trouble already.
  EXPECT_TRUE(Eventually([&] {
    const std::vector<ServerState> seen = states_.seen();
    return std::any_of(seen.begin(), seen.end(), [](const ServerState& state) {
      return state.trouble.find("unreadable") != std::string::npos;
    });
  })) << client->state().trouble;
  web.join();
}

TEST_F(ClientTest, BoundsWhatWaits) {
  ClientOptions options;
  options.most_pending = 10;
  auto client = Connect("127.0.0.1:" + std::to_string(testing::FreePort()), options);
  Mutex mu;
  std::vector<absl::StatusCode> codes;
  for (int i = 0; i < 15; ++i) {
    client->Call({"PING"}, [&](const absl::StatusOr<Reply>& reply) {
      MutexLock lock(mu);
      codes.push_back(reply.status().code());
    });
  }
  client.reset();  // answers everything
  MutexLock lock(mu);
  ASSERT_EQ(codes.size(), 15u);
  EXPECT_EQ(std::count(codes.begin(), codes.end(), absl::StatusCode::kResourceExhausted), 5);
  EXPECT_EQ(std::count(codes.begin(), codes.end(), absl::StatusCode::kUnavailable), 10);
}

TEST_F(ClientTest, PasswordsAndReplicas) {
  Server server({"--requirepass", "secret"});
  auto without = Connect(server.address());
  EXPECT_TRUE(
      Eventually([&] { return without->state().trouble.find("NOAUTH") != std::string::npos; }));
  ClientOptions options;
  options.password = "secret";
  auto with = Connect(server.address(), options);
  EXPECT_TRUE(with->CallAndWait({"PING"}).ok());

  Server primary;
  const size_t colon = primary.address().find(':');
  Server replica({"--replicaof",
                  primary.address().substr(0, colon) + " " + primary.address().substr(colon + 1)});
  auto lost = Connect(replica.address());
  EXPECT_TRUE(
      Eventually([&] { return lost->state().trouble.find("replica") != std::string::npos; }));
}

TEST_F(ClientTest, APrimaryThatBecomesAReplicaIsLeft) {
  Server server, other;
  ClientOptions options;
  auto client = Connect(server.address(), options);
  ASSERT_TRUE(client->CallAndWait({"PING"}).ok());
  const size_t colon = other.address().find(':');
  auto demote = Connect(server.address());
  ASSERT_TRUE(demote
                  ->CallAndWait({"REPLICAOF", other.address().substr(0, colon),
                                 other.address().substr(colon + 1)})
                  .ok());
  const auto refused = client->CallAndWait({"SET", "a", "b"});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable) << refused.status();
  EXPECT_FALSE(client->state().ready);
}

// The former primary is alive, and would go on taking writes.
TEST_F(ClientTest, APrimaryThatTheSentinelsReplacedIsLeft) {
  Server one, two;
  testing::Sentinel sentinel(one);
  ClientOptions options;
  options.sentinel_master = "main";
  auto client = Connect(sentinel.address(), options);
  ASSERT_TRUE(client->CallAndWait({"PING"}, 20 * kSecond).ok());
  EXPECT_EQ(client->state().address, one.address());
  std::this_thread::sleep_for(std::chrono::microseconds(2 * kAskSentinelsEveryUs));
  EXPECT_EQ(client->state().connections, 1u) << "nothing happened";

  ASSERT_TRUE(sentinel.Ask("SENTINEL REMOVE main"));
  ASSERT_TRUE(sentinel.Ask("SENTINEL MONITOR main 127.0.0.1 " + std::to_string(two.port()) + " 1"));
  ASSERT_TRUE(Eventually([&] { return client->state().address == two.address(); }));
  EXPECT_TRUE(client->CallAndWait({"PING"}, 20 * kSecond).ok());

  // Without any Sentinel it stays: their end is not the primary's.
  const uint64_t connections = client->state().connections;
  ASSERT_FALSE(sentinel.Ask("SHUTDOWN NOSAVE"));
  std::this_thread::sleep_for(std::chrono::microseconds(3 * kAskSentinelsEveryUs));
  EXPECT_TRUE(client->CallAndWait({"PING"}, 20 * kSecond).ok());
  EXPECT_EQ(client->state().connections, connections);
}

TEST(RedisUrl, NamesServersAndSentinels) {
  const auto plain = ParseRedisUrl("redis://127.0.0.1:7000");
  EXPECT_EQ(plain->addresses, std::vector<std::string>{"127.0.0.1:7000"});
  EXPECT_EQ(ParseRedisUrl("redis://db")->addresses, std::vector<std::string>{"db:6379"});
  const auto full = ParseRedisUrl("redis://ann:s@cret@[::1]");
  EXPECT_EQ(full->username, "ann");
  EXPECT_EQ(full->password, "s@cret");
  EXPECT_EQ(full->addresses, std::vector<std::string>{"[::1]:6379"});
  EXPECT_EQ(ParseRedisUrl("unix:/run/redis")->addresses, std::vector<std::string>{"/run/redis"});
  const auto sentinel = ParseRedisUrl("redis+sentinel://:p@a,b:26380/main");
  EXPECT_EQ(sentinel->sentinel_master, "main");
  EXPECT_EQ(sentinel->password, "p");
  EXPECT_EQ(sentinel->addresses, (std::vector<std::string>{"a:26379", "b:26380"}));
  for (const char* url : {"", "http://x", "redis://", "redis://a,b", "redis+sentinel://a",
                          "redis+sentinel://a/", "redis://user@x", "redis://a/b"}) {
    const auto wrong = ParseRedisUrl(url);
    EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument) << url;
  }
  EXPECT_EQ(std::string(ParseRedisUrl("redis://:hunter2@a,b").status().message()).find("hunter2"),
            std::string::npos)
      << "no password in an error";
}

}  // namespace
}  // namespace attune::redis
