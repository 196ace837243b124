// Lines of text for other programs of the same user (a light, a phone bridge, a screen): a Unix
// stream socket that anybody who may open it reads from. Nothing is ever read from them.
//
// The socket can be opened by its owner alone (mode 0600). At most kMostReaders at a time, further
// ones are let go at once; a reader that leaves kMostPendingBytes unread is let go too: what it
// would get later would no longer be live. Never blocks. Not thread-safe; belongs to the agent's
// loop, which calls Step.
#ifndef ATTUNE_EDGE_AGENT_LOCAL_SOCKET_H_
#define ATTUNE_EDGE_AGENT_LOCAL_SOCKET_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace attune::edge {

class LocalSocket {
 public:
  static constexpr size_t kMostReaders = 16;
  static constexpr size_t kMostPendingBytes = 256 * 1024;

  // FAILED_PRECONDITION: another program listens there, or something that is no socket is in the
  // way. A socket that a killed agent has left is replaced.
  static absl::StatusOr<std::unique_ptr<LocalSocket>> Open(const std::string& path);
  // Removes the socket.
  ~LocalSocket();
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;

  // To everybody. `line` without its end.
  void Publish(const std::string& line);
  // Takes in new readers, each of whom first gets the lines of `greeting`, and writes what could
  // not be written before.
  void Step(const std::function<std::vector<std::string>()>& greeting);

  size_t readers() const { return readers_.size(); }
  const std::string& path() const { return path_; }

 private:
  struct Reader {
    int fd;
    std::string pending;
  };
  LocalSocket(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  static bool Write(Reader& reader);

  std::string path_;
  int fd_;
  std::vector<Reader> readers_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_LOCAL_SOCKET_H_
