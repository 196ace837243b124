#include "edge/agent/local_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace attune::edge {
namespace {

class Client {
 public:
  explicit Client(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(fd_); }
  bool connected() const { return connected_; }
  // What is there now; `ended` when nothing will come any more.
  std::string Read(bool* ended = nullptr) {
    std::string all;
    char buffer[65536];
    ssize_t n = 0;
    while ((n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      all.append(buffer, static_cast<size_t>(n));
    }
    if (ended != nullptr) *ended = n == 0;
    return all;
  }
  void Write(const std::string& text) {
    ASSERT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

 private:
  int fd_;
  bool connected_ = false;
};

class LocalSocketTest : public testing::Test {
 protected:
  LocalSocketTest() {
    std::string pattern = "/tmp/attune-socket.XXXXXX";  // short: socket paths are
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/s";
  }
  ~LocalSocketTest() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  void Step(LocalSocket& socket) {
    socket.Step([] { return std::vector<std::string>{"hello"}; });
  }
  std::string folder_, path_;
};

TEST_F(LocalSocketTest, EverybodyGetsTheGreetingAndThenEachLine) {
  auto socket = LocalSocket::Open(path_);
  ASSERT_TRUE(socket.ok()) << socket.status();
  struct stat mode {};
  ASSERT_EQ(stat(path_.c_str(), &mode), 0);
  EXPECT_EQ(mode.st_mode & 0777, 0600u) << "only its owner may read a heart";
  (*socket)->Publish("nobody is there yet");
  Client first(path_);
  ASSERT_TRUE(first.connected());
  Step(**socket);
  (*socket)->Publish("one");
  Client second(path_);
  Step(**socket);
  (*socket)->Publish("two");
  EXPECT_EQ(first.Read(), "hello\none\ntwo\n");
  EXPECT_EQ(second.Read(), "hello\ntwo\n");
}

TEST_F(LocalSocketTest, WhatReadersSayIsIgnoredAndTheirEndNoticed) {
  auto socket = LocalSocket::Open(path_);
  ASSERT_TRUE(socket.ok());
  {
    Client client(path_);
    Step(**socket);
    client.Write("GET / HTTP/1.1\r\n\r\n");
    Step(**socket);
    (*socket)->Publish("line");
    EXPECT_EQ(client.Read(), "hello\nline\n");
    EXPECT_EQ((*socket)->readers(), 1u);
  }
  for (int i = 0; i < 64; ++i) Step(**socket);
  EXPECT_EQ((*socket)->readers(), 0u);
}

TEST_F(LocalSocketTest, AReaderThatDoesNotReadIsLetGoAndTheOthersAreNot) {
  auto socket = LocalSocket::Open(path_);
  ASSERT_TRUE(socket.ok());
  Client sleeper(path_), reader(path_);
  Step(**socket);
  const std::string line(4095, 'x');
  size_t got = reader.Read().size();
  for (int i = 0; i < 1000 && (*socket)->readers() == 2; ++i) {
    (*socket)->Publish(line);
    got += reader.Read().size();
  }
  EXPECT_EQ((*socket)->readers(), 1u);
  (*socket)->Publish("end");
  EXPECT_TRUE(reader.Read().ends_with("end\n"));
  EXPECT_EQ(got % 4096, 6u) << "whole lines";
}

TEST_F(LocalSocketTest, NoMoreReadersThanTheLimit) {
  auto socket = LocalSocket::Open(path_);
  ASSERT_TRUE(socket.ok());
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < LocalSocket::kMostReaders; ++i) {
    clients.push_back(std::make_unique<Client>(path_));
    Step(**socket);
  }
  Client late(path_);
  Step(**socket);
  EXPECT_EQ((*socket)->readers(), LocalSocket::kMostReaders);
  bool ended = false;
  late.Read(&ended);
  EXPECT_TRUE(ended);
  clients.pop_back();
  Step(**socket);
  Client next(path_);
  Step(**socket);
  EXPECT_EQ(next.Read(), "hello\n");
}

TEST_F(LocalSocketTest, ReplacesWhatAKilledAgentLeftAndNothingElse) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(left);  // the file stays
  auto mine = LocalSocket::Open(path_);
  ASSERT_TRUE(mine.ok()) << mine.status();
  const auto second = LocalSocket::Open(path_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(second.status().message()).find("another program"), std::string::npos);
  mine->reset();
  EXPECT_NE(access(path_.c_str(), F_OK), 0) << "removed at the end";
  std::ofstream(path_) << "somebody's file";
  EXPECT_EQ(LocalSocket::Open(path_).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(LocalSocketTest, SaysThatAPathIsTooLong) {
  const auto socket = LocalSocket::Open("/tmp/" + std::string(200, 'x'));
  EXPECT_NE(std::string(socket.status().message()).find("shorter"), std::string::npos);
}

}  // namespace
}  // namespace attune::edge
