#include "edge/agent/line_out.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace attune::edge {

LineOut::LineOut(int fd) : fd_(fd) {
  struct stat found = {};
  if (fd < 0 || fstat(fd, &found) != 0 || (!S_ISFIFO(found.st_mode) && isatty(fd) == 0)) return;
  // O_NONBLOCK belongs to the open file, which the shell and others share: so one of our own.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int own = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0) return;
  fd_ = own;
  own_ = true;
}

LineOut::~LineOut() {
  if (own_) close(fd_);
}

void LineOut::Put(const std::string& bytes, bool passing) {
  if (fd_ < 0) return;
  if (waiting_.size() + bytes.size() > (passing ? kMostPassingBytes : kMostBytes)) {
    Pump();
    if (waiting_.size() + bytes.size() > (passing ? kMostPassingBytes : kMostBytes)) {
      ++dropped_;
      return;
    }
  }
  waiting_ += bytes;
  Pump();
}

void LineOut::Pump() {
  while (!waiting_.empty() && WriteSome()) {
  }
}

void LineOut::Flush() {
  for (int tries = 0; tries < kFlushMs / 20; ++tries) {
    Pump();
    if (waiting_.empty() || fd_ < 0) return;
    pollfd one = {fd_, POLLOUT, 0};
    poll(&one, 1, 20);
  }
}

bool LineOut::WriteSome() {
  if (!own_) {
    pollfd one = {fd_, POLLOUT, 0};
    if (poll(&one, 1, 0) != 1 || (one.revents & POLLOUT) == 0) return false;
  }
  // A pipe that has room has room for so much.
  const size_t most = own_ ? waiting_.size() : std::min<size_t>(waiting_.size(), PIPE_BUF);
  const ssize_t wrote = write(fd_, waiting_.data(), most);
  if (wrote > 0) {
    waiting_.erase(0, static_cast<size_t>(wrote));
    return true;
  }
  if (wrote < 0 && errno == EINTR) return true;
  if (wrote < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
    waiting_.clear();  // nobody reads any more: no reason to stop measuring
    if (own_) close(fd_);
    own_ = false;
    fd_ = -1;
  }
  return false;
}

}  // namespace attune::edge
