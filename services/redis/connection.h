// One TCP or Unix connection to a Redis server, without waiting: bytes out, replies in. hiredis
// formats and parses; the socket is ours. Not thread-safe.
#ifndef ATTUNE_SERVICES_REDIS_CONNECTION_H_
#define ATTUNE_SERVICES_REDIS_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/redis/reply.h"

struct redisReader;

namespace attune::redis {

// The bytes of a command as Redis reads them.
std::string Encode(const std::vector<std::string>& arguments);

class Connection {
 public:
  // Begins to connect; UNAVAILABLE when the address cannot be used. Names are looked up here, which
  // may take a while.
  static absl::StatusOr<std::unique_ptr<Connection>> Begin(const std::string& address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  bool connected() const { return connected_; }
  bool wants_write() const { return !connected_ || !out_.empty(); }

  void Send(std::string_view bytes) { out_ += bytes; }
  // After poll(2) said so. An end of file is an error too.
  absl::Status OnWritable();
  absl::Status OnReadable();
  // The next reply that is complete; false: none. An error: what came is not Redis.
  absl::StatusOr<bool> Next(Reply* reply);

 private:
  explicit Connection(int fd);
  int fd_;
  bool connected_ = false;
  std::string out_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
};

}  // namespace attune::redis

#endif  // ATTUNE_SERVICES_REDIS_CONNECTION_H_
