#include "services/redis/testing/sentinel.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace attune::redis::testing {

Sentinel::Sentinel(const Server& primary)
    : port_(FreePort()), log_(primary.folder() + "/sentinel.log") {
  const std::string file = primary.folder() + "/sentinel.conf";
  std::ofstream(file) << "port " << port_ << "\nbind 127.0.0.1\nlogfile " << log_
                      << "\nsentinel monitor main 127.0.0.1 " << primary.port()
                      << " 1\nsentinel down-after-milliseconds main 1000\n"
                      << "sentinel failover-timeout main 10000\n";
  pid_ = fork();
  if (pid_ == 0) {
    execl("/usr/bin/redis-server", "redis-server", file.c_str(), "--sentinel", nullptr);
    _exit(127);
  }
  for (int i = 0; i < 2000 && Said("+monitor master") == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Sentinel::~Sentinel() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Sentinel::Ask(const std::string& command) const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port_));
  char answer[3] = {};
  const std::string line = command + "\r\n";
  const bool answered =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size()) &&
      recv(fd, answer, sizeof answer, MSG_WAITALL) == sizeof answer;
  close(fd);
  return answered && std::string(answer, sizeof answer) == "+OK";
}

int Sentinel::Said(const std::string& what) const {
  std::ifstream log(log_);
  int times = 0;
  for (std::string line; std::getline(log, line);) times += line.find(what) != std::string::npos;
  return times;
}

}  // namespace attune::redis::testing
