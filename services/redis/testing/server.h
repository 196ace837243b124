// A real redis-server of a test, in a folder of its own, on loopback or a Unix socket.
#ifndef ATTUNE_SERVICES_REDIS_TESTING_SERVER_H_
#define ATTUNE_SERVICES_REDIS_TESTING_SERVER_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace attune::redis::testing {

class Server {
 public:
  // Appends every write to its file at once, so that a kill loses nothing; `flags` come after.
  explicit Server(std::vector<std::string> flags = {});
  ~Server();

  // Until it takes connections; aborts the test program when it does not.
  void Start();
  void Kill9();
  void Freeze();  // SIGSTOP
  void Thaw();
  // Starts with nothing of what it held.
  void StartEmpty();

  // "127.0.0.1:port", the same at every start.
  const std::string& address() const { return address_; }
  int port() const { return port_; }
  const std::string& folder() const { return folder_; }
  bool running() const { return pid_ > 0; }

 private:
  std::vector<std::string> flags_;
  std::string folder_;
  std::string address_;
  int port_ = 0;
  pid_t pid_ = 0;
};

int FreePort();

}  // namespace attune::redis::testing

#endif  // ATTUNE_SERVICES_REDIS_TESTING_SERVER_H_
