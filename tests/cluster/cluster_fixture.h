// For tests: several real nodes in one process over one real redis-server, each with a clock that a
// test may put forward, as if its process had been stopped meanwhile.
#ifndef ATTUNE_TESTS_CLUSTER_CLUSTER_FIXTURE_H_
#define ATTUNE_TESTS_CLUSTER_CLUSTER_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "services/journal/redis_journal.h"
#include "services/journal/redis_keystore.h"
#include "services/node/node_fixture.h"
#include "services/placement/redis_codes.h"
#include "services/placement/redis_directory.h"
#include "services/placement/redis_nodes.h"
#include "services/redis/client.h"
#include "services/redis/testing/server.h"

namespace attune::node {

// The system's clock, put forward.
class JumpClock final : public Clock {
 public:
  int64_t SteadyMicros() const override { return system_.SteadyMicros() + ahead_us_; }
  int64_t UtcMicros() const override { return system_.UtcMicros(); }
  void Jump(int64_t by_us) { ahead_us_ += by_us; }

 private:
  SystemClock system_;
  std::atomic<int64_t> ahead_us_{0};
};

// One node with everything that it stands on.
class Member {
 public:
  Member(const Options& options, const std::string& redis, int64_t ttl_us)
      : options_(options), redis_(redis), ttl_us_(ttl_us) {}
  ~Member() { Kill(); }

  void Start() {
    options_.cluster = true;
    options_.advertise = "127.0.0.1:" + std::to_string(redis::testing::FreePort());
    options_.grpc_address = options_.advertise;
    options_.incarnation = placement::NewIncarnation(options_.node_id, random_);
    redis::ClientOptions client_options;
    client_options.addresses = {redis_};
    client_options.answer_within_us = 700'000;
    client_options.connect_within_us = 500'000;
    for (const auto& scripts :
         {placement::DirectoryScripts(), placement::NodesScripts(), placement::CodesScripts(),
          journal::JournalScripts(), journal::KeyStoreScripts()}) {
      client_options.scripts.insert(client_options.scripts.end(), scripts.begin(), scripts.end());
    }
    client_ = redis::Client::Start(client_options, system_clock_, random_, {});
    directory_ = std::make_unique<placement::RedisDirectory>(
        placement::RedisDirectoryOptions{.address = options_.advertise,
                                         .incarnation = options_.incarnation,
                                         .ttl_us = ttl_us_,
                                         .margin_us = ttl_us_ / 6},
        *client_, clock_, random_);
    nodes_ = std::make_unique<placement::RedisNodes>(*client_, system_clock_, random_);
    codes_ = std::make_unique<placement::RedisCodes>(*client_);
    journal::RedisJournalOptions journal_options;
    journal_options.clock = &system_clock_;
    auto journal = journal::OpenRedisJournal(*client_, journal_options);
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
    journal::RedisKeyStoreOptions key_options;
    key_options.keys = {{"kek", std::string(32, 'k')}};
    key_options.random = &random_;
    key_options.clock = &system_clock_;
    auto keystore = journal::OpenRedisKeyStore(*client_, key_options);
    ASSERT_TRUE(keystore.ok()) << keystore.status();
    keystore_ = *std::move(keystore);
    metrics_ = std::make_unique<Metrics>("test", "1");
    auto node = Node::Start(
        options_, {.clock = clock_,
                   .log = log_,
                   .random = random_,
                   .metrics = *metrics_,
                   .journal = *journal_,
                   .keystore = *keystore_,
                   .directory = *directory_,
                   .nodes = nodes_.get(),
                   .codes = codes_.get(),
                   .on_stop_wanted = [this](const std::string&) { stop_wanted_ = true; }});
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
  }
  // Hands over and stops.
  void Stop() {
    if (node_ != nullptr) node_->Stop();
    Kill();
  }
  // Without a word to anybody: its lease runs out by itself.
  void Kill() {
    channel_.reset();
    if (node_ != nullptr) node_->Stop(/*now=*/true);
    node_.reset();
    keystore_.reset();
    journal_.reset();
    codes_.reset();
    nodes_.reset();
    directory_.reset();
    client_.reset();
  }

  const std::string& address() const { return options_.advertise; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  JumpClock& clock() { return clock_; }
  Node& node() { return *node_; }
  Metrics& metrics() { return *metrics_; }
  placement::RedisDirectory& directory() { return *directory_; }
  placement::RedisNodes& nodes() { return *nodes_; }
  placement::RedisCodes& codes() { return *codes_; }
  const Options& options() const { return options_; }
  bool stop_wanted() const { return stop_wanted_; }

 private:
  Options options_;
  const std::string redis_;
  const int64_t ttl_us_;
  SystemClock system_clock_;
  JumpClock clock_;
  SystemRandom random_;
  Logger log_{system_clock_, 2, Severity::kError};
  std::atomic<bool> stop_wanted_{false};
  std::unique_ptr<redis::Client> client_;
  std::unique_ptr<placement::RedisDirectory> directory_;
  std::unique_ptr<placement::RedisNodes> nodes_;
  std::unique_ptr<placement::RedisCodes> codes_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<journal::KeyStore> keystore_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Node> node_;
  std::shared_ptr<grpc::Channel> channel_;
};

class ClusterFixture : public testing::Test {
 protected:
  static constexpr int64_t kTtlUs = 3'000'000;
  // What a spool that has forgotten its numbers says in its Hello.
  static constexpr uint64_t kFarAhead = 1'000'000;

  ClusterFixture() {
    options_.clock_rate = 20;
    options_.grace_us = 2 * kSecond;
    options_.keys.api = {{"test", std::string(32, 's')}};
    options_.keys.kek = {{"kek", std::string(32, 'k')}};
    options_.keys.ticket = std::string(32, 't');
  }

  Member& Add(int64_t ttl_us = kTtlUs) {
    Options options = options_;
    options.node_id = "node-" + std::to_string(members_.size() + 1);
    members_.push_back(std::make_unique<Member>(options, redis_.address(), ttl_us));
    members_.back()->Start();
    return *members_.back();
  }

  std::string Token(const std::string& role, const std::string& session = "",
                    uint32_t participant = 0) {
    Claims claims;
    claims.role = role;
    claims.session_id = session;
    claims.participant = participant;
    claims.token_id = "token-00";
    claims.expires_utc_us = clock_.UtcMicros() + 3600 * kSecond;
    return *SignToken(claims, options_.keys.api[0]);
  }
  std::string RequestId() { return "request-" + std::to_string(++requests_); }

  template <class Service, class Request, class Response>
  grpc::Status Call(Member& member,
                    grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                    const std::string& token, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    return (Service::NewStub(member.channel()).get()->*method)(&context, request, response);
  }

  // Tried again: after the start of a Redis nobody may take a session for one lease.
  v1::CreateSessionResponse Create(Member& member) {
    v1::CreateSessionRequest request;
    request.set_request_id(RequestId());
    request.set_kind(v1::SESSION_KIND_COUPLES);
    v1::CreateSessionResponse response;
    grpc::Status status;
    EXPECT_TRUE(Eventually([&] {
      status = Call<v1::SessionService>(member, &v1::SessionService::Stub::CreateSession,
                                        Token("operator"), request, &response);
      return status.ok();
    })) << status.error_message();
    return response;
  }
  v1::JoinSessionResponse Join(Member& member, const std::string& code, const std::string& alias) {
    v1::JoinSessionRequest request;
    request.set_request_id(RequestId());
    request.set_join_code(code);
    request.set_alias(alias);
    for (const auto& [purpose, audience] : {std::pair{v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF},
                                            std::pair{v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION},
                                            std::pair{v1::PURPOSE_REPORT, v1::AUDIENCE_SELF}}) {
      v1::Consent& consent = *request.add_consents();
      consent.set_purpose(purpose);
      consent.set_audience(audience);
      consent.set_granted(true);
      consent.set_text_version("1");
    }
    v1::JoinSessionResponse response;
    const grpc::Status status = Call<v1::SessionService>(
        member, &v1::SessionService::Stub::JoinSession, "", request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // Beats numbered from `first`, with fixed stamps: the same again for the same numbers.
  static v1::EdgeUp Beats(uint64_t first, int count) {
    v1::EdgeUp up;
    up.set_handle(1);
    v1::Observations& observations = *up.mutable_observations();
    observations.set_first_seq(first);
    observations.mutable_timing()->set_jitter_us(2000);
    observations.mutable_timing()->set_offset_bound_us(20'000);
    int64_t at = 0;
    for (uint64_t seq = 1; seq < first + static_cast<uint64_t>(count); ++seq) {
      const auto rr = static_cast<uint32_t>(800 + (seq * 37) % 60);
      at += int64_t{rr} * kSecond / 1024;
      if (seq < first) continue;
      observations.mutable_beats()->add_time_session_us(at);
      observations.mutable_beats()->add_rr_1024(rr);
    }
    observations.set_complete_through_session_us(at);
    return up;
  }

  static bool Eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 2000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  // Says Hello until it is welcome; what the Welcome says.
  v1::Welcome Greet(Member& member, const std::string& token, std::unique_ptr<EdgeClient>& client) {
    v1::Welcome welcome;
    EXPECT_TRUE(Eventually([&] {
      client = std::make_unique<EdgeClient>(member.channel());
      if (!client->Hello(token, 1, kFarAhead)) return false;
      const v1::EdgeDown answer = client->AwaitMessage([](const v1::EdgeDown& down) {
        return down.has_welcome() || down.has_refusal() || down.has_redirect() ||
               down.has_reconnect();
      });
      welcome = answer.welcome();
      return answer.has_welcome();
    })) << "nobody welcomes it";
    return welcome;
  }

  Options options_;
  SystemClock clock_;
  redis::testing::Server redis_;
  std::vector<std::unique_ptr<Member>> members_;
  int requests_ = 0;
};

}  // namespace attune::node

#endif  // ATTUNE_TESTS_CLUSTER_CLUSTER_FIXTURE_H_
