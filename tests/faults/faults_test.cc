#include <arpa/inet.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "attune/v1/edge.grpc.pb.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/client/channel.h"
#include "edge/client/fake_node.h"
#include "services/base/clock.h"
#include "tests/faults/message_proxy.h"
#include "tests/faults/tcp_proxy.h"

namespace attune::faults {
namespace {

sockaddr_in AddressOf(const std::string& text) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!text.empty()) {
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(text.substr(text.rfind(':') + 1))));
  }
  return address;
}

// Sends back what it gets; remembers it.
class Echo {
 public:
  Echo() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = AddressOf("");
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~Echo() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  const std::string& address() const { return address_; }
  std::string got() const {
    MutexLock lock(mu_);
    return got_;
  }

 private:
  void Serve() {
    while (true) {
      const int one = accept(fd_, nullptr, nullptr);
      if (one < 0) return;
      char buffer[4096];
      ssize_t n = 0;
      while ((n = read(one, buffer, sizeof(buffer))) > 0) {
        {
          MutexLock lock(mu_);
          got_.append(buffer, static_cast<size_t>(n));
        }
        if (send(one, buffer, static_cast<size_t>(n), MSG_NOSIGNAL) < 0) break;
      }
      close(one);
    }
  }
  int fd_ = -1;
  std::string address_;
  mutable Mutex mu_;
  std::string got_ ATTUNE_GUARDED_BY(mu_);
  std::thread thread_;
};

class Client {
 public:
  explicit Client(const std::string& to) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = AddressOf(to);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    const timeval patience = {5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~Client() { Leave(); }
  void Leave() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  void Send(const std::string& text) {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // So many bytes, fewer when the connection ends before; `error` says how.
  std::string Receive(size_t count, int* error = nullptr) {
    std::string text;
    char buffer[4096];
    while (text.size() < count) {
      const ssize_t n = recv(fd_, buffer, std::min(sizeof(buffer), count - text.size()), 0);
      if (error != nullptr) *error = n < 0 ? errno : 0;
      if (n <= 0) break;
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

class TcpProxyTest : public testing::Test {
 protected:
  std::unique_ptr<TcpProxy> Make(uint64_t seed) {
    auto proxy = TcpProxy::Start(echo_.address(), seed, clock_, log_);
    EXPECT_TRUE(proxy.ok()) << proxy.status();
    return *std::move(proxy);
  }
  int64_t NowMs() const { return clock_.SteadyMicros() / 1000; }
  // Once the far side has seen so many bytes; false when it has not in time.
  bool FarSideHas(size_t bytes, int64_t within_ms) {
    const int64_t until_ms = NowMs() + within_ms;
    while (echo_.got().size() < bytes) {
      if (NowMs() > until_ms) return false;
      usleep(1000);
    }
    return true;
  }

  SystemClock clock_;
  std::ostringstream text_;
  FaultLog log_{clock_, &text_};
  Echo echo_;
  std::unique_ptr<TcpProxy> proxy_ = Make(1);
};

TEST_F(TcpProxyTest, PassesBytesAsTheyAreAndCountsThem) {
  Client client(proxy_->address());
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += static_cast<char>(i * 7);
  std::thread sender([&] { client.Send(text); });
  EXPECT_TRUE(client.Receive(text.size()) == text);
  sender.join();
  EXPECT_EQ(proxy_->bytes(Direction::kUp), text.size());
  EXPECT_EQ(proxy_->bytes(Direction::kDown), text.size());
  EXPECT_EQ(proxy_->connections(), 1u);
  EXPECT_EQ(log_.count(), 0u);
}

TEST_F(TcpProxyTest, EachWayHasItsOwnDelay) {
  proxy_->Set(Direction::kUp, {.delay_us = 120'000});
  Client client(proxy_->address());
  const int64_t began_ms = NowMs();
  client.Send("a");
  EXPECT_TRUE(FarSideHas(1, 5'000));
  EXPECT_GE(NowMs() - began_ms, 119);
  EXPECT_EQ(client.Receive(1), "a");
  proxy_->Set(Direction::kUp, {});
  proxy_->Set(Direction::kDown, {.delay_us = 80'000, .jitter_us = 1'000});
  const int64_t again_ms = NowMs();
  client.Send("b");
  EXPECT_TRUE(FarSideHas(2, 79));
  EXPECT_EQ(client.Receive(1), "b");
  EXPECT_GE(NowMs() - again_ms, 79);
}

TEST_F(TcpProxyTest, AThrottledWireTakesItsTime) {
  proxy_->Set(Direction::kUp, {.bytes_per_s = 20'000});
  Client client(proxy_->address());
  const std::string text(10'000, 'x');
  const int64_t began_ms = NowMs();
  client.Send(text);
  EXPECT_EQ(client.Receive(text.size()), text);
  const int64_t took_ms = NowMs() - began_ms;
  EXPECT_GE(took_ms, 400);  // 500 but for what the wire may save up
  EXPECT_LT(took_ms, 2'000);
}

TEST_F(TcpProxyTest, WhatIsHeldComesLaterEvenFromAConnectionThatWasLeft) {
  proxy_->Set(Direction::kUp, {.hold = true});
  {
    Client client(proxy_->address());
    client.Send("late");
  }
  EXPECT_FALSE(FarSideHas(1, 100));
  proxy_->Set(Direction::kUp, {});
  EXPECT_TRUE(FarSideHas(4, 5'000));
  EXPECT_EQ(echo_.got(), "late");
}

TEST_F(TcpProxyTest, CutsAndRefuses) {
  int error = -1;
  Client one(proxy_->address());
  one.Send("x");
  EXPECT_EQ(one.Receive(1), "x");
  proxy_->Cut(TcpProxy::How::kReset);
  EXPECT_EQ(one.Receive(1, &error), "");
  EXPECT_EQ(error, ECONNRESET);

  Client two(proxy_->address());
  two.Send("y");
  EXPECT_EQ(two.Receive(1), "y");
  proxy_->Cut(TcpProxy::How::kEnd);
  EXPECT_EQ(two.Receive(1, &error), "");
  EXPECT_EQ(error, 0);

  proxy_->Refuse(true);
  Client three(proxy_->address());
  EXPECT_EQ(three.Receive(1, &error), "");
  EXPECT_EQ(error, ECONNRESET);
  proxy_->Clear();
  Client four(proxy_->address());
  four.Send("z");
  EXPECT_EQ(four.Receive(1), "z");
  EXPECT_NE(text_.str().find("\"fault\":\"refused\""), std::string::npos);
}

TEST_F(TcpProxyTest, AServerThatIsGoneResetsItsClients) {
  auto nowhere = TcpProxy::Start("127.0.0.1:1", 1, clock_, log_);
  ASSERT_TRUE(nowhere.ok());
  int error = -1;
  Client client((*nowhere)->address());
  EXPECT_EQ(client.Receive(1, &error), "");
  EXPECT_EQ(error, ECONNRESET);
  EXPECT_FALSE(TcpProxy::Start("localhost", 1, clock_, log_).ok());
}

TEST_F(TcpProxyTest, OneBitIsFlippedAndTheSeedSaysWhich) {
  std::vector<std::string> seen;
  for (const uint64_t seed : {5u, 5u, 6u}) {
    auto proxy = Make(seed);
    proxy->Flip(Direction::kDown, 1);
    Client client(proxy->address());
    client.Send(std::string(64, '\0'));
    seen.push_back(client.Receive(64));
    int bits = 0;
    for (const char c : seen.back()) bits += __builtin_popcount(static_cast<unsigned char>(c));
    EXPECT_EQ(bits, 1);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_NE(seen[0], seen[2]);
}

// ---- Messages.

v1::EdgeUp Hello(uint64_t next_seq = 1) {
  v1::EdgeUp up;
  up.set_handle(1);
  up.mutable_hello()->set_token("p1");
  up.mutable_hello()->set_boot_id(std::string(16, 'b'));
  up.mutable_hello()->set_next_seq(next_seq);
  up.mutable_hello()->set_oldest_retained_seq(1);
  return up;
}

v1::EdgeUp BeatNumber(uint64_t seq) {
  v1::EdgeUp up;
  up.set_handle(1);
  up.mutable_observations()->set_first_seq(seq);
  up.mutable_observations()->mutable_beats()->add_time_session_us(static_cast<int64_t>(seq) * 1000);
  up.mutable_observations()->mutable_beats()->add_rr_1024(800);
  return up;
}

TEST(MessageFaultsTest, TheSeedDecidesAndRulesComeFirst) {
  const SystemClock clock;
  FaultLog log(clock, nullptr);
  std::vector<std::vector<Action>> runs;
  for (const uint64_t seed : {7u, 7u, 8u}) {
    MessageFaults faults(seed, log);
    faults.SetRates(Direction::kUp, {.drop = 0.2, .twice = 0.2, .spoil = 0.2, .cut = 0.2});
    faults.Add({Direction::kUp, "hello", Action::kCut, 1, 0});
    std::vector<Action>& run = runs.emplace_back();
    for (uint64_t seq = 1; seq <= 100; ++seq) {
      std::string message = BeatNumber(seq).SerializeAsString();
      run.push_back(faults.Decide(Direction::kUp, 1, &message));
      EXPECT_EQ(run.back() == Action::kSpoil, message != BeatNumber(seq).SerializeAsString());
    }
    std::string hello = Hello().SerializeAsString();
    EXPECT_EQ(faults.Decide(Direction::kUp, 1, &hello), Action::kCut);
    EXPECT_EQ(faults.seen(Direction::kUp), 101u);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
  for (const Action action :
       {Action::kPass, Action::kDrop, Action::kDouble, Action::kSpoil, Action::kCut}) {
    EXPECT_GT(std::count(runs[0].begin(), runs[0].end(), action), 5) << NameOf(action);
  }
}

class MessageProxyTest : public testing::Test {
 protected:
  MessageProxyTest() {
    auto proxy = MessageProxy::Start(node_.address(), faults_);
    EXPECT_TRUE(proxy.ok()) << proxy.status();
    proxy_ = *std::move(proxy);
    auto wire = TcpProxy::Start(proxy_->address(), 1, clock_, log_);
    EXPECT_TRUE(wire.ok()) << wire.status();
    wire_ = *std::move(wire);
    Open();
  }
  ~MessageProxyTest() override {
    if (stream_ != nullptr) End();
  }

  void Open() {
    if (stream_ != nullptr) End();
    auto channel = edge::MakeChannel(wire_->address(), {});
    EXPECT_TRUE(channel.ok());
    stub_ = v1::EdgeService::NewStub(*channel);
    sessions_ = v1::SessionService::NewStub(*channel);
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    stream_ = stub_->Stream(context_.get());
  }
  void End() {
    context_->TryCancel();
    v1::EdgeDown rest;
    while (stream_->Read(&rest)) {
    }
    Finish();
  }
  // After the last message.
  grpc::StatusCode Finish() {
    const grpc::Status status = stream_->Finish();
    stream_.reset();
    return status.error_code();
  }
  void Send(const v1::EdgeUp& up) { stream_->Write(up); }
  // Name of the field of the next message; "" when the stream has ended.
  std::string Next() {
    v1::EdgeDown down;
    if (!stream_->Read(&down)) return "";
    return KindOf(Direction::kDown, down.SerializeAsString());
  }
  uint64_t Received() {
    uint64_t received = 0;
    node_.With([&](edge::FakeSession& session) { received = session.people[1].received_seq; });
    return received;
  }

  SystemClock clock_;
  FaultLog log_{clock_, nullptr};
  MessageFaults faults_{1, log_};
  edge::FakeNode node_{clock_, 1};
  std::unique_ptr<MessageProxy> proxy_;
  std::unique_ptr<TcpProxy> wire_;
  std::unique_ptr<v1::EdgeService::Stub> stub_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::EdgeUp, v1::EdgeDown>> stream_;
};

TEST_F(MessageProxyTest, PassesStreamsAndCallsAsTheyAre) {
  Send(Hello());
  EXPECT_EQ(Next(), "welcome");
  for (uint64_t seq = 1; seq <= 300; ++seq) Send(BeatNumber(seq));
  while (Received() < 300) ASSERT_EQ(Next(), "ack");
  stream_->WritesDone();
  while (!Next().empty()) {
  }
  EXPECT_EQ(Finish(), grpc::StatusCode::OK);
  Open();

  grpc::ClientContext context;
  v1::JoinSessionRequest request;
  v1::JoinSessionResponse response;
  request.set_join_code("no such code");
  request.set_request_id("request-1");
  request.set_alias("Ada");
  EXPECT_FALSE(sessions_->JoinSession(&context, request, &response).ok());
  grpc::ClientContext good;
  request.set_join_code(edge::FakeNode::kJoinCode);
  EXPECT_TRUE(sessions_->JoinSession(&good, request, &response).ok());
  EXPECT_EQ(response.participant(), 1u);
}

TEST_F(MessageProxyTest, DropsDoublesAndCutsBetweenMessages) {
  faults_.Add({Direction::kDown, "welcome", Action::kDrop, 1, 0});
  faults_.Add({Direction::kUp, "observations", Action::kDouble, 1, 1});
  faults_.Add({Direction::kUp, "observations", Action::kCut, 1, 1});
  Send(Hello());
  Send(Hello());
  EXPECT_EQ(Next(), "welcome");  // the second one
  Send(BeatNumber(1));
  EXPECT_EQ(Next(), "ack");
  Send(BeatNumber(2));
  EXPECT_EQ(Next(), "ack");
  EXPECT_EQ(Next(), "ack");
  Send(BeatNumber(3));
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Received(), 2u);
  node_.With([](edge::FakeSession& session) { EXPECT_EQ(session.repeated_beats, 1u); });
}

TEST_F(MessageProxyTest, ACutOfAllAndASpoiledMessageEndTheStreamCleanly) {
  Send(Hello());
  EXPECT_EQ(Next(), "welcome");
  proxy_->CutAll();
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Finish(), grpc::StatusCode::UNAVAILABLE);
  Open();
  // Bits flipped in HTTP/2: whatever they hit, the stream ends or goes on, and nothing hangs.
  for (int i = 0; i < 20; ++i) {
    wire_->Flip(Direction::kUp, 3);
    wire_->Flip(Direction::kDown, 2);
    Send(Hello());
    Send(BeatNumber(Received() + 1));
    context_->TryCancel();
    Open();
  }
  wire_->Clear();
  Open();
  Send(Hello(1000));
  EXPECT_EQ(Next(), "welcome");
}

}  // namespace
}  // namespace attune::faults
