#include "edge/agent/local_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

constexpr int kBacklog = 16;

int NewSocket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

absl::Status Trouble(const std::string& path, const std::string& what) {
  return absl::FailedPreconditionError(absl::StrCat("--socket=", path, ": ", what));
}

// Removes what a killed agent has left; an error when it is anything else.
absl::Status ClearTheWay(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return absl::OkStatus();
  if (!S_ISSOCK(found.st_mode)) return Trouble(path, "there is a file that is no socket");
  const int probe = NewSocket();
  const bool alive = probe >= 0 && connect(probe, reinterpret_cast<const sockaddr*>(&address),
                                           sizeof address) == 0;
  if (probe >= 0) close(probe);
  if (alive) return Trouble(path, "another program offers this socket: name another one");
  unlink(path.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalSocket>> LocalSocket::Open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Trouble(path, absl::StrCat("the path has more than ", sizeof address.sun_path - 1,
                                      " bytes: name a shorter one"));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (absl::Status clear = ClearTheWay(path, address); !clear.ok()) return clear;
  const int fd = NewSocket();
  if (fd < 0) return Trouble(path, std::strerror(errno));
  std::unique_ptr<LocalSocket> made(new LocalSocket(path, fd));
  // Nobody can connect before listen(), when only the owner may any more.
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(fd, kBacklog) != 0) {
    return Trouble(path, std::strerror(errno));
  }
  return made;
}

LocalSocket::~LocalSocket() {
  for (const Reader& reader : readers_) close(reader.fd);
  close(fd_);
  unlink(path_.c_str());
}

bool LocalSocket::Write(Reader& reader) {
  while (!reader.pending.empty()) {
    const ssize_t n =
        send(reader.fd, reader.pending.data(), reader.pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n <= 0) return false;
    reader.pending.erase(0, static_cast<size_t>(n));
  }
  return reader.pending.size() <= kMostPendingBytes;
}

void LocalSocket::Publish(const std::string& line) {
  std::erase_if(readers_, [&](Reader& reader) {
    reader.pending += line;
    reader.pending += '\n';
    if (Write(reader)) return false;
    close(reader.fd);
    return true;
  });
}

void LocalSocket::Step(const std::function<std::vector<std::string>()>& greeting) {
  std::erase_if(readers_, [](Reader& reader) {
    char byte;
    const ssize_t n = recv(reader.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n != 0 && Write(reader)) {
      // What a reader says is nobody's business, but must not fill its buffer for ever.
      if (n > 0) recv(reader.fd, &byte, 1, MSG_DONTWAIT);
      return false;
    }
    close(reader.fd);
    return true;
  });
  while (true) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    Reader reader{fd, {}};
    for (const std::string& line : greeting()) reader.pending += line + "\n";
    if (readers_.size() >= kMostReaders || !Write(reader)) {
      close(fd);
      continue;
    }
    readers_.push_back(std::move(reader));
  }
}

}  // namespace attune::edge
