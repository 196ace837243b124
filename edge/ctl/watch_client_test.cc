#include "edge/ctl/watch_client.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "edge/ctl/fixture_for_test.h"

namespace attune::edge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Writer = grpc::ServerWriter<v1::WatchEvent>;
using Script = std::function<grpc::Status(grpc::ServerContext*, const v1::WatchRequest&, Writer*)>;

// Plays one script for each Watch, in order; the last one again and again.
class FakeLive final : public v1::LiveService::Service {
 public:
  explicit FakeLive(std::vector<Script> scripts) : scripts_(std::move(scripts)) {}

  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     Writer* writer) override {
    Script script;
    {
      MutexLock lock(mu_);
      requests_.push_back(*request);
      const auto header = context->client_metadata().find("authorization");
      if (header != context->client_metadata().end()) {
        authorization_ = std::string(header->second.data(), header->second.size());
      }
      script = scripts_[std::min(requests_.size(), scripts_.size()) - 1];
    }
    return script(context, *request, writer);
  }

  grpc::Status History(grpc::ServerContext*, const v1::HistoryRequest* request,
                       v1::HistoryResponse* response) override {
    MutexLock lock(mu_);
    history_frames_ = request->max_frames();
    *response->add_frames() = FrameEvent(700).frame().frame();
    return grpc::Status::OK;
  }

  std::vector<v1::WatchRequest> requests() {
    MutexLock lock(mu_);
    return requests_;
  }
  std::string authorization() {
    MutexLock lock(mu_);
    return authorization_;
  }
  uint32_t history_frames() {
    MutexLock lock(mu_);
    return history_frames_;
  }

 private:
  const std::vector<Script> scripts_;
  Mutex mu_;
  std::vector<v1::WatchRequest> requests_;
  std::string authorization_;
  uint32_t history_frames_ = 0;
};

class RecordingSink final : public WatchSink {
 public:
  void OnEvent(const v1::WatchEvent& event) override {
    MutexLock lock(mu_);
    events_.push_back(event);
  }
  void OnHistory(const v1::HistoryResponse& history) override {
    MutexLock lock(mu_);
    history_ = history;
  }
  void OnLink(WatchModel::Link link, const std::string& reason, int64_t) override {
    MutexLock lock(mu_);
    links_.push_back(link);
    reasons_ += reason + "\n";
  }

  std::vector<uint64_t> Cursors() {
    MutexLock lock(mu_);
    std::vector<uint64_t> cursors;
    for (const auto& event : events_) {
      if (event.has_entry()) cursors.push_back(event.entry().cursor());
    }
    return cursors;
  }
  std::vector<uint64_t> Epochs() {
    MutexLock lock(mu_);
    std::vector<uint64_t> epochs;
    for (const auto& event : events_) {
      if (event.has_snapshot()) epochs.push_back(event.snapshot().epoch());
      if (event.has_frame()) epochs.push_back(event.frame().epoch());
    }
    return epochs;
  }
  size_t count() {
    MutexLock lock(mu_);
    return events_.size();
  }
  v1::HistoryResponse history() {
    MutexLock lock(mu_);
    return history_;
  }
  std::vector<WatchModel::Link> links() {
    MutexLock lock(mu_);
    return links_;
  }
  std::string reasons() {
    MutexLock lock(mu_);
    return reasons_;
  }

 private:
  Mutex mu_;
  std::vector<v1::WatchEvent> events_;
  v1::HistoryResponse history_;
  std::vector<WatchModel::Link> links_;
  std::string reasons_;
};

Script Sends(std::vector<v1::WatchEvent> events, grpc::Status end = grpc::Status::OK) {
  return [=](grpc::ServerContext*, const v1::WatchRequest&, Writer* writer) {
    for (const v1::WatchEvent& event : events) writer->Write(event);
    return end;
  };
}

const grpc::Status kBroken(grpc::StatusCode::UNAVAILABLE, "going down");

class WatchClientTest : public ::testing::Test {
 protected:
  void Serve(std::vector<Script> scripts) {
    service_ = std::make_unique<FakeLive>(std::move(scripts));
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    Connect("127.0.0.1:" + std::to_string(port));
  }
  void Connect(const std::string& address) {
    stub_ =
        v1::LiveService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  }
  WatchClient Client(WatchOptions options = {}) {
    options.token = "a-token";
    return WatchClient(*stub_, clock_, random_, sink_, options);
  }

  SystemClock clock_;
  SeededRandom random_{7};
  RecordingSink sink_;
  std::unique_ptr<FakeLive> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::LiveService::Stub> stub_;
};

TEST_F(WatchClientTest, ReconnectsWithCursorAndTicketAndRepeatsNothing) {
  Serve({Sends({SnapshotEvent(), EntryEvent(1, "a"), EntryEvent(2, "b"), FrameEvent(1)}, kBroken),
         Sends({SnapshotEvent(), EntryEvent(2, "b"), EntryEvent(3, "c"), ClosedEvent()})});
  EXPECT_TRUE(Client().Run().ok());
  EXPECT_THAT(sink_.Cursors(), ElementsAre(1, 2, 3));
  const auto requests = service_->requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].after_cursor(), 0u);
  EXPECT_FALSE(requests[0].has_epoch_ticket());
  EXPECT_EQ(requests[1].after_cursor(), 2u);
  EXPECT_EQ(requests[1].epoch_ticket().epoch(), 1u);
  EXPECT_EQ(service_->authorization(), "Bearer a-token");
  using Link = WatchModel::Link;
  EXPECT_THAT(sink_.links(),
              ElementsAre(Link::kLive, Link::kReconnecting, Link::kLive, Link::kClosed));
  EXPECT_THAT(sink_.reasons(), HasSubstr("going down"));
}

TEST_F(WatchClientTest, NeverAcceptsALowerEpoch) {
  const auto kind = v1::SESSION_KIND_COUPLES;
  Serve({Sends({SnapshotEvent(kind, 5), FrameEvent(10, 5)}, kBroken),
         Sends({SnapshotEvent(kind, 4), FrameEvent(11, 4), ClosedEvent()}),
         Sends({SnapshotEvent(kind, 5), FrameEvent(12, 4), ClosedEvent()}),
         Sends({SnapshotEvent(kind, 6), ClosedEvent()})});
  EXPECT_TRUE(Client().Run().ok());
  EXPECT_THAT(sink_.Epochs(), ElementsAre(5, 5, 5, 6));
  EXPECT_THAT(sink_.reasons(), HasSubstr("epoch 4 after 5"));
  EXPECT_EQ(service_->requests()[3].epoch_ticket().epoch(), 5u);
}

TEST_F(WatchClientTest, AcceptsOneNoncePerEpoch) {
  v1::WatchEvent rival = SnapshotEvent();
  rival.mutable_snapshot()->mutable_epoch_ticket()->set_nonce("another owner..");
  Serve({Sends({SnapshotEvent()}, kBroken), Sends({rival, ClosedEvent()}),
         Sends({SnapshotEvent(), ClosedEvent()})});
  EXPECT_TRUE(Client().Run().ok());
  EXPECT_THAT(sink_.reasons(), HasSubstr("two nodes claim epoch 1"));
  EXPECT_EQ(service_->requests().size(), 3u);
}

TEST_F(WatchClientTest, ASuspendedSessionIsWaitedFor) {
  Serve({Sends({SnapshotEvent(), ClosedEvent(v1::SESSION_STATE_SUSPENDED)}),
         Sends({SnapshotEvent(), ClosedEvent()})});
  EXPECT_TRUE(Client().Run().ok());
  EXPECT_THAT(sink_.reasons(), HasSubstr("suspended"));
}

TEST_F(WatchClientTest, ARefusalIsFinal) {
  Serve({Sends({}, grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "token expired"))});
  const absl::Status status = Client().Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(service_->requests().size(), 1u);
}

TEST_F(WatchClientTest, AskedForThePastAfterASnapshot) {
  Serve({Sends({SnapshotEvent(), ClosedEvent()})});
  EXPECT_TRUE(Client({.history = true}).Run().ok());
  EXPECT_EQ(service_->history_frames(), 120u);
  EXPECT_EQ(sink_.history().frames_size(), 1);
}

TEST_F(WatchClientTest, GivesUpOnAServerThatWasNeverThere) {
  Connect("127.0.0.1:1");
  const absl::Status status = Client({.give_up_us = 300'000}).Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(sink_.count(), 0u);
}

TEST_F(WatchClientTest, StopEndsAQuietStream) {
  Serve({[](grpc::ServerContext* context, const v1::WatchRequest&, Writer* writer) {
    writer->Write(SnapshotEvent());
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return grpc::Status::OK;
  }});
  WatchClient client = Client();
  std::thread stopper([&] {
    while (sink_.count() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    client.Stop();
  });
  EXPECT_EQ(client.Run().code(), absl::StatusCode::kCancelled);
  stopper.join();
}

}  // namespace
}  // namespace attune::edge
