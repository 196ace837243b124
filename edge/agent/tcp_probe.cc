#include "edge/agent/tcp_probe.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace attune::edge {
namespace {

TcpAnswer ProbeOne(const addrinfo& to, int timeout_ms) {
  const int fd = socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return TcpAnswer::kSilent;
  int error = connect(fd, to.ai_addr, to.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd one = {fd, POLLOUT, 0};
    socklen_t size = sizeof(error);
    if (poll(&one, 1, timeout_ms) != 1 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
      error = ETIMEDOUT;
    }
  }
  close(fd);
  if (error == 0) return TcpAnswer::kOpen;
  return error == ECONNREFUSED ? TcpAnswer::kRefused : TcpAnswer::kSilent;
}

}  // namespace

TcpAnswer ProbeTcp(const std::string& address, int timeout_ms) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return TcpAnswer::kNoName;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found) != 0) {
    return TcpAnswer::kNoName;
  }
  TcpAnswer answer = TcpAnswer::kSilent;
  for (const addrinfo* one = found; one != nullptr && answer != TcpAnswer::kOpen;
       one = one->ai_next) {
    const TcpAnswer next = ProbeOne(*one, timeout_ms);
    if (next != TcpAnswer::kSilent) answer = next;
  }
  freeaddrinfo(found);
  return answer;
}

}  // namespace attune::edge
