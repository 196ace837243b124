// For tests: a real node on loopback over real SQLite files, and small clients.
#ifndef ATTUNE_SERVICES_NODE_NODE_FIXTURE_H_
#define ATTUNE_SERVICES_NODE_NODE_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "attune/v1/edge.grpc.pb.h"
#include "attune/v1/live.grpc.pb.h"
#include "attune/v1/node.grpc.pb.h"
#include "attune/v1/report.grpc.pb.h"
#include "attune/v1/session.grpc.pb.h"
#include "services/base/token.h"
#include "services/journal/sqlite_journal.h"
#include "services/journal/sqlite_keystore.h"
#include "services/node/epoch_ticket.h"
#include "services/node/node.h"
#include "services/placement/local_directory.h"

namespace attune::node {

inline constexpr int64_t kSecond = 1'000'000;

// A stream's messages, read by a thread of its own.
template <class Stream, class Message>
class Reader {
 public:
  explicit Reader(Stream& stream)
      : thread_([this, &stream] {
          Message message;
          while (stream.Read(&message)) {
            std::lock_guard lock(mu_);
            messages_.push_back(message);
            changed_.notify_all();
          }
          std::lock_guard lock(mu_);
          ended_ = true;
          changed_.notify_all();
        }) {}
  ~Reader() {
    if (thread_.joinable()) thread_.join();
  }
  // The first message from `from` on for which `wanted` holds; an empty one after 20 s without.
  Message Await(const std::function<bool(const Message&)>& wanted, size_t from = 0) {
    std::unique_lock lock(mu_);
    size_t next = from;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
      for (; next < messages_.size(); ++next) {
        if (wanted(messages_[next])) return messages_[next];
      }
      if (ended_) return {};
      if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return {};
    }
  }
  std::vector<Message> All() {
    std::lock_guard lock(mu_);
    return messages_;
  }
  bool AwaitEnd(int seconds = 20) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(seconds), [this] { return ended_; });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<Message> messages_;
  bool ended_ = false;
  std::thread thread_;
};

// One edge's stream.
class EdgeClient {
 public:
  explicit EdgeClient(const std::shared_ptr<grpc::Channel>& channel,
                      const std::map<std::string, std::string>& metadata = {})
      : stream_(Open(channel, metadata)), reader_(*stream_) {}
  ~EdgeClient() { context_.TryCancel(); }

  bool Send(const v1::EdgeUp& message) { return stream_->Write(message); }
  bool Hello(const std::string& token, uint32_t handle = 1, uint64_t next_seq = 1,
             const std::string& boot_id = std::string(16, 'b'), bool follow = false,
             const v1::EpochTicket* ticket = nullptr, uint64_t after_cursor = 0) {
    v1::EdgeUp up;
    up.set_handle(handle);
    up.mutable_hello()->set_token(token);
    up.mutable_hello()->set_boot_id(boot_id);
    up.mutable_hello()->set_next_seq(next_seq);
    up.mutable_hello()->set_oldest_retained_seq(1);
    up.mutable_hello()->set_follow(follow);
    up.mutable_hello()->set_after_cursor(after_cursor);
    if (ticket != nullptr) *up.mutable_hello()->mutable_epoch_ticket() = *ticket;
    return Send(up);
  }
  v1::EdgeDown Await(v1::EdgeDown::WhatCase what, size_t from = 0) {
    return reader_.Await([what](const v1::EdgeDown& down) { return down.what_case() == what; },
                         from);
  }
  v1::EdgeDown AwaitMessage(const std::function<bool(const v1::EdgeDown&)>& wanted) {
    return reader_.Await(wanted);
  }
  v1::Refusal AwaitRefusal(uint32_t handle = 1) {
    return reader_
        .Await([handle](const v1::EdgeDown& down) {
          return down.has_refusal() && down.handle() == handle;
        })
        .refusal();
  }
  bool AwaitDurable(uint64_t seq, uint32_t handle = 1) {
    return reader_
        .Await([=](const v1::EdgeDown& down) {
          return down.has_ack() && down.handle() == handle && down.ack().durable_seq() >= seq;
        })
        .has_ack();
  }
  std::vector<v1::EdgeDown> All() { return reader_.All(); }
  // After AwaitEnd only.
  grpc::Status Status() {
    EXPECT_TRUE(reader_.AwaitEnd()) << "the stream goes on";
    return stream_->Finish();
  }
  void HalfClose() { stream_->WritesDone(); }
  bool AwaitEnd(int seconds = 20) { return reader_.AwaitEnd(seconds); }

 private:
  std::unique_ptr<grpc::ClientReaderWriter<v1::EdgeUp, v1::EdgeDown>> Open(
      const std::shared_ptr<grpc::Channel>& channel,
      const std::map<std::string, std::string>& metadata) {
    for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
    return v1::EdgeService::NewStub(channel)->Stream(&context_);
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::EdgeUp, v1::EdgeDown>> stream_;
  Reader<grpc::ClientReaderWriter<v1::EdgeUp, v1::EdgeDown>, v1::EdgeDown> reader_;
};

class WatchClient {
 public:
  WatchClient(const std::shared_ptr<grpc::Channel>& channel, const std::string& token,
              const v1::WatchRequest& request = {}) {
    context_.AddMetadata("authorization", "Bearer " + token);
    stream_ = v1::LiveService::NewStub(channel)->Watch(&context_, request);
    reader_ =
        std::make_unique<Reader<grpc::ClientReader<v1::WatchEvent>, v1::WatchEvent>>(*stream_);
  }
  ~WatchClient() { context_.TryCancel(); }
  v1::WatchEvent Await(const std::function<bool(const v1::WatchEvent&)>& wanted) {
    return reader_->Await(wanted);
  }
  v1::WatchEvent AwaitTick(uint64_t tick) {
    return Await([tick](const v1::WatchEvent& event) {
      return event.has_frame() && event.frame().frame().tick() >= tick;
    });
  }
  std::vector<v1::WatchEvent> All() { return reader_->All(); }
  grpc::Status Status() {
    EXPECT_TRUE(reader_->AwaitEnd()) << "the stream goes on";
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchEvent>> stream_;
  std::unique_ptr<Reader<grpc::ClientReader<v1::WatchEvent>, v1::WatchEvent>> reader_;
};

class NodeFixture : public testing::Test {
 protected:
  NodeFixture() {
    std::string pattern = testing::TempDir() + "/node.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_.clock_rate = 20;
    options_.grace_us = 2 * kSecond;
    options_.allow_lab = true;
    options_.keys.api = {{"test", std::string(32, 's')}};
    options_.keys.kek = {{"kek", std::string(32, 'k')}};
    options_.keys.ticket = std::string(32, 't');
  }
  ~NodeFixture() override {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  // Lets a test stand between node and journal.
  virtual journal::Journal& Wrap(journal::Journal& journal) { return journal; }

  void Start() {
    journal::SqliteOptions journal_options;
    journal_options.clock = &clock_;
    auto journal = journal::OpenSqliteJournal(folder_ + "/journal.db", journal_options);
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
    journal::SqliteKeyStoreOptions key_options;
    key_options.keys = {{"kek", std::string(32, 'k')}};
    key_options.random = &random_;
    auto keystore = journal::OpenSqliteKeyStore(folder_ + "/journal.db-keys", key_options);
    ASSERT_TRUE(keystore.ok()) << keystore.status();
    keystore_ = *std::move(keystore);
    directory_ = std::make_unique<placement::LocalDirectory>("here", random_);
    metrics_ = std::make_unique<Metrics>("test", "1");
    auto node = Node::Start(
        options_, {clock_, log_, random_, *metrics_, Wrap(*journal_), *keystore_, *directory_});
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(node_->grpc_address(), grpc::InsecureChannelCredentials(),
                                         arguments);
    sessions_ = v1::SessionService::NewStub(channel_);
    live_ = v1::LiveService::NewStub(channel_);
    reports_ = v1::ReportService::NewStub(channel_);
  }
  void Stop() {
    channel_.reset();
    sessions_.reset();
    live_.reset();
    reports_.reset();
    node_.reset();
    journal_.reset();
    keystore_.reset();
    directory_.reset();
  }
  void Restart() {
    Stop();
    Start();
  }

  std::string Token(const std::string& role, const std::string& session = "",
                    uint32_t participant = 0, int64_t life_us = 3600 * kSecond,
                    const std::string& id = "token-00") {
    Claims claims;
    claims.role = role;
    claims.session_id = session;
    claims.participant = participant;
    claims.token_id = id;
    claims.expires_utc_us = clock_.UtcMicros() + life_us;
    return *SignToken(claims, options_.keys.api[0]);
  }
  std::string RequestId() { return "request-" + std::to_string(++requests_); }

  template <class Stub, class Request, class Response>
  grpc::Status Call(const std::unique_ptr<Stub>& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const std::string& token, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    return (stub.get()->*method)(&context, request, response);
  }

  v1::CreateSessionResponse Create(v1::SessionKind kind) {
    v1::CreateSessionRequest request;
    request.set_request_id(RequestId());
    request.set_kind(kind);
    v1::CreateSessionResponse response;
    const grpc::Status status = Call(sessions_, &v1::SessionService::Stub::CreateSession,
                                     Token("operator"), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::JoinSessionResponse Join(const std::string& code, const std::string& alias,
                               const std::string& dyad_key = "") {
    v1::JoinSessionRequest request;
    request.set_request_id(RequestId());
    request.set_join_code(code);
    request.set_alias(alias);
    request.set_dyad_key(dyad_key);
    const auto grant = [&request](v1::Purpose purpose, v1::Audience audience) {
      v1::Consent& consent = *request.add_consents();
      consent.set_purpose(purpose);
      consent.set_audience(audience);
      consent.set_granted(true);
      consent.set_text_version("1");
    };
    grant(v1::PURPOSE_MEASURE, v1::AUDIENCE_SELF);
    grant(v1::PURPOSE_GROUP, v1::AUDIENCE_SESSION);
    grant(v1::PURPOSE_INDIVIDUAL, v1::AUDIENCE_FACILITATOR);
    grant(v1::PURPOSE_REPORT, v1::AUDIENCE_SELF);
    v1::JoinSessionResponse response;
    const grpc::Status status =
        Call(sessions_, &v1::SessionService::Stub::JoinSession, "", request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // Beats numbered from `first`, one about each 0.8 s of session time, the same for the same
  // person.
  static v1::EdgeUp Beats(uint64_t first, int count, uint32_t person = 1, uint32_t handle = 1) {
    v1::EdgeUp up;
    up.set_handle(handle);
    v1::Observations& observations = *up.mutable_observations();
    observations.set_first_seq(first);
    observations.mutable_timing()->set_jitter_us(2000);
    observations.mutable_timing()->set_offset_bound_us(20'000);
    int64_t at = 0;
    for (uint64_t seq = 1; seq < first + static_cast<uint64_t>(count); ++seq) {
      const auto rr = static_cast<uint32_t>(800 + (seq * 37 * person) % 60);
      at += int64_t{rr} * kSecond / 1024;
      if (seq < first) continue;
      observations.mutable_beats()->add_time_session_us(at);
      observations.mutable_beats()->add_rr_1024(rr);
    }
    observations.set_complete_through_session_us(at);
    return up;
  }

  bool Eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 2000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  Options options_;
  std::string folder_;
  SystemClock clock_;
  SystemRandom random_;
  Logger log_{clock_, 2, Severity::kWarning};
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<journal::KeyStore> keystore_;
  std::unique_ptr<placement::LocalDirectory> directory_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Node> node_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
  std::unique_ptr<v1::LiveService::Stub> live_;
  std::unique_ptr<v1::ReportService::Stub> reports_;
  int requests_ = 0;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_NODE_FIXTURE_H_
