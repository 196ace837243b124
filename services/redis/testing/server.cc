#include "services/redis/testing/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <system_error>
#include <thread>

namespace attune::redis::testing {
namespace {

constexpr char kProgram[] = "/usr/bin/redis-server";

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool Takes(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  bool pong = false;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    char answer[5] = {};
    pong = send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
           recv(fd, answer, sizeof answer, MSG_WAITALL) == 5 &&
           (answer[0] == '+' || answer[1] == 'N');  // NOAUTH
  }
  close(fd);
  return pong;
}

// Also when a child of a killed server, which rewrites its file, still adds to it.
void RemoveFolder(const std::string& folder) {
  std::error_code error;
  for (int i = 0; i < 1000; ++i) {
    std::filesystem::remove_all(folder, error);
    if (!error && !std::filesystem::exists(folder, error)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

int FreePort() {
  // Below the ports that the system gives to outgoing connections: one of those, a client's own
  // attempt to reach a server that is away among them, could take the port while the server is
  // down.
  constexpr int kLowest = 10'000, kPorts = 22'000;
  std::random_device random;
  for (int i = 0; i < 1000; ++i) {
    const int port = kLowest + static_cast<int>(random() % kPorts);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(port);
    const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (free) return port;
  }
  std::abort();
}

Server::Server(std::vector<std::string> flags) : flags_(std::move(flags)) {
  const char* scratch = std::getenv("TEST_TMPDIR");
  folder_ = std::string(scratch == nullptr ? "/tmp" : scratch) + "/redis.XXXXXX";
  if (mkdtemp(folder_.data()) == nullptr) std::abort();
  port_ = FreePort();
  address_ = "127.0.0.1:" + std::to_string(port_);
  Start();
}

Server::~Server() {
  if (running()) Kill9();
  RemoveFolder(folder_);
}

void Server::Start() {
  std::vector<std::string> arguments = {
      kProgram, "--bind",        "127.0.0.1", "--port",    std::to_string(port_),
      "--dir",  folder_,         "--save",    "",          "--appendonly",
      "yes",    "--appendfsync", "always",    "--logfile", folder_ + "/log"};
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    execv(kProgram, raw.data());
    _exit(127);
  }
  for (int i = 0; i < 2000; ++i) {
    if (Takes(port_)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::fprintf(stderr, "redis-server does not start; see %s/log\n", folder_.c_str());
  std::abort();
}

void Server::Kill9() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void Server::Freeze() { kill(pid_, SIGSTOP); }
void Server::Thaw() { kill(pid_, SIGCONT); }

void Server::StartEmpty() {
  if (running()) Kill9();
  RemoveFolder(folder_);
  std::filesystem::create_directory(folder_);
  Start();
}

}  // namespace attune::redis::testing
