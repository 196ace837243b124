#include "services/redis/connection.h"

#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::redis {
namespace {

absl::Status Failed(const std::string& what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(error)));
}

Reply Convert(const redisReply& from) {
  Reply reply;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply.kind = Reply::Kind::kText;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_ERROR:
      reply.kind = Reply::Kind::kError;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = Reply::Kind::kInteger;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = Reply::Kind::kArray;
      reply.elements.reserve(from.elements);
      for (size_t i = 0; i < from.elements; ++i)
        reply.elements.push_back(Convert(*from.element[i]));
      break;
    default:
      break;
  }
  return reply;
}

absl::StatusOr<int> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return absl::UnavailableError(absl::StrCat(path, " is too long for a socket's path"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed("socket", errno);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const absl::Status failed = Failed(path, errno);
    close(fd);
    return failed;
  }
  return fd;
}

absl::StatusOr<int> ConnectTcp(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return absl::UnavailableError(absl::StrCat("'", address, "' is no host:port"));
  }
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (error != 0) return absl::UnavailableError(absl::StrCat(address, ": ", gai_strerror(error)));
  absl::Status last = absl::UnavailableError(absl::StrCat(address, ": no address"));
  int fd = -1;
  for (const addrinfo* one = found; one != nullptr && fd < 0; one = one->ai_next) {
    fd = socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, one->ai_addr, one->ai_addrlen) != 0 && errno != EINPROGRESS) {
      last = Failed(address, errno);
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  if (fd < 0) return last;
  return fd;
}

}  // namespace

std::string Encode(const std::vector<std::string>& arguments) {
  std::string bytes = absl::StrCat("*", arguments.size(), "\r\n");
  for (const std::string& argument : arguments) {
    absl::StrAppend(&bytes, "$", argument.size(), "\r\n", argument, "\r\n");
  }
  return bytes;
}

Connection::Connection(int fd) : fd_(fd), reader_(redisReaderCreate(), redisReaderFree) {}

Connection::~Connection() { close(fd_); }

absl::StatusOr<std::unique_ptr<Connection>> Connection::Begin(const std::string& address) {
  const absl::StatusOr<int> fd =
      address.starts_with("/") ? ConnectUnix(address) : ConnectTcp(address);
  if (!fd.ok()) return fd.status();
  return std::unique_ptr<Connection>(new Connection(*fd));
}

absl::Status Connection::OnWritable() {
  if (!connected_) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return Failed("cannot connect", error);
    connected_ = true;
  }
  size_t done = 0;
  while (done < out_.size()) {
    const ssize_t n = send(fd_, out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n < 0) return Failed("cannot write", errno);
    done += static_cast<size_t>(n);
  }
  out_.erase(0, done);
  return absl::OkStatus();
}

absl::Status Connection::OnReadable() {
  char buffer[65536];
  while (true) {
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return absl::OkStatus();
    if (n < 0) return Failed("cannot read", errno);
    if (n == 0) return absl::UnavailableError("the server closed the connection");
    if (redisReaderFeed(reader_.get(), buffer, static_cast<size_t>(n)) != REDIS_OK) {
      return absl::UnavailableError(absl::StrCat("unreadable answer: ", reader_->errstr));
    }
    if (static_cast<size_t>(n) < sizeof buffer) return absl::OkStatus();
  }
}

absl::StatusOr<bool> Connection::Next(Reply* reply) {
  void* got = nullptr;
  if (redisReaderGetReply(reader_.get(), &got) != REDIS_OK) {
    return absl::UnavailableError(absl::StrCat("unreadable answer: ", reader_->errstr));
  }
  if (got == nullptr) return false;
  *reply = Convert(*static_cast<redisReply*>(got));
  freeReplyObject(got);
  return true;
}

}  // namespace attune::redis
