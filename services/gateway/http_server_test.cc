#include "services/gateway/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace attune::gateway {
namespace {

// A raw client: what it sends is exactly what the test says.
class Client {
 public:
  explicit Client(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  void Send(const std::string& text) { (void)!send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  // What comes until the server closes or is silent for `quiet_ms`.
  std::string Receive(int quiet_ms = 300) {
    std::string all;
    char part[4096];
    pollfd waiting{fd_, POLLIN, 0};
    while (poll(&waiting, 1, quiet_ms) > 0) {
      const ssize_t got = recv(fd_, part, sizeof part, 0);
      if (got <= 0) {
        closed_ = true;
        break;
      }
      all.append(part, static_cast<size_t>(got));
    }
    return all;
  }
  bool closed() const { return closed_; }

 private:
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

class HttpServerTest : public testing::Test {
 protected:
  void Serve(const HttpLimits& limits = {}) {
    auto server =
        HttpServer::Start("127.0.0.1:0",
                          {{"/healthz",
                            [] {
                              return HttpResponse{503, "application/json", "{\"ok\":false}\n"};
                            }},
                           {"/metrics",
                            [] {
                              return HttpResponse{200, "text/plain", "attune_x 1\n"};
                            }}},
                          limits);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  std::string Ask(const std::string& request) {
    Client client(server_->address());
    client.Send(request);
    return client.Receive();
  }
  static std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\r')); }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersKnownPaths) {
  Serve();
  const std::string metrics = Ask("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(FirstLine(metrics), "HTTP/1.1 200 OK");
  EXPECT_NE(metrics.find("\r\n\r\nattune_x 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("Content-Length: 11\r\n"), std::string::npos) << metrics;
  EXPECT_EQ(FirstLine(Ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")),
            "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(FirstLine(Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), "HTTP/1.1 404 Not Found");
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  Serve();
  const std::string head = Ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(FirstLine(head), "HTTP/1.1 200 OK");
  EXPECT_NE(head.find("Content-Length: 11\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.substr(head.size() - 4), "\r\n\r\n");
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequestWithinLimits) {
  Serve({.requests_per_connection = 2});
  Client client(server_->address());
  client.Send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(FirstLine(client.Receive()), "HTTP/1.1 200 OK");
  EXPECT_FALSE(client.closed());
  client.Send("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string second = client.Receive();
  EXPECT_NE(second.find("Connection: close"), std::string::npos) << second;
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, RefusesWhatItDoesNotDo) {
  Serve();
  EXPECT_EQ(FirstLine(Ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")),
            "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(FirstLine(Ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(FirstLine(Ask("nonsense\r\n\r\n")), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(FirstLine(Ask("GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n")),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(FirstLine(Ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")), "HTTP/1.1 200 OK")
      << "alive afterwards";
}

TEST_F(HttpServerTest, ClosesWhoSaysNothing) {
  Serve({.request_timeout_us = 200'000});
  Client silent(server_->address());
  Client slow(server_->address());
  slow.Send("GET /metr");
  EXPECT_EQ(silent.Receive(2000), "");
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(slow.Receive(2000), "");
  EXPECT_TRUE(slow.closed());
}

TEST_F(HttpServerTest, BoundsItsConnections) {
  Serve({.connections = 3});
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 3; ++i) idle.push_back(std::make_unique<Client>(server_->address()));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  Client extra(server_->address());
  EXPECT_EQ(FirstLine(extra.Receive()), "HTTP/1.1 503 Service Unavailable");
  idle.clear();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(FirstLine(Ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, SaysWhenItCannotListen) {
  Serve();
  EXPECT_EQ(HttpServer::Start(server_->address(), {}).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(HttpServer::Start("nowhere", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(HttpServer::Start("127.0.0.1:99999", {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace attune::gateway
