// A bad network between a client and a server on this machine: bytes are delayed, throttled, held
// back, flipped; connections are cut or refused.
//
// It keeps what TCP promises: bytes come in order or not at all. So a held direction (a route that
// has gone: no packet passes, nobody is told) gives its bytes late, also those of connections that
// the client has left meanwhile, as retransmission would; and nothing is reordered.
//
// A flipped bit is what TCP's checksum missed. With TLS it must end the connection; without, it may
// change a value that nobody can check.
#ifndef ATTUNE_TESTS_FAULTS_TCP_PROXY_H_
#define ATTUNE_TESTS_FAULTS_TCP_PROXY_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/random.h"
#include "tests/faults/fault_log.h"

namespace attune::faults {

enum class Direction { kUp, kDown };  // up: from the client to the server
inline constexpr Direction kDirections[] = {Direction::kUp, Direction::kDown};
const char* NameOf(Direction direction);

// One direction of the network, all connections together.
struct WireFaults {
  int64_t delay_us = 0;     // of every byte
  int64_t jitter_us = 0;    // more, uniform in [0, jitter), drawn for each chunk
  int64_t bytes_per_s = 0;  // 0: as fast as it goes
  bool hold = false;        // nothing passes; what waits comes when it is let go
};

// Thread-safe. Has one thread.
class TcpProxy {
 public:
  static constexpr size_t kMostWaiting = 1 << 20;  // bytes per connection and direction
  enum class How { kReset, kEnd };                 // RST; FIN both ways

  // Listens on a port of 127.0.0.1 that the system chooses; `target` is IPv4:PORT. What is passed
  // by reference must outlive it.
  static absl::StatusOr<std::unique_ptr<TcpProxy>> Start(const std::string& target, uint64_t seed,
                                                         const Clock& clock, FaultLog& log);
  ~TcpProxy();

  const std::string& address() const { return address_; }
  void Set(Direction direction, const WireFaults& faults);
  // One bit in each of the next `count` chunks, drawn from the seed.
  void Flip(Direction direction, int count);
  // Every connection, now; what waits is lost.
  void Cut(How how);
  // New connections are reset at once.
  void Refuse(bool refuse);
  // No faults from now on.
  void Clear();

  // Bytes that were given to the other side since the start, and connections taken.
  uint64_t bytes(Direction direction) const;
  uint64_t connections() const;

 private:
  struct Connection;
  struct Wire;

  TcpProxy(uint64_t seed, const Clock& clock, FaultLog& log);
  absl::Status Listen(const std::string& target);
  void Run();
  void Accept() ATTUNE_REQUIRES(mu_);
  // Returns when it wants to be called again at the latest; 0: as soon as a socket is ready.
  int64_t Pump(Connection& connection, Direction direction, int64_t now_us) ATTUNE_REQUIRES(mu_);
  bool ReadSome(Connection& connection, Direction direction, int64_t now_us) ATTUNE_REQUIRES(mu_);
  int64_t WriteSome(Connection& connection, Direction direction, int64_t now_us)
      ATTUNE_REQUIRES(mu_);
  void Close(Connection& connection, How how) ATTUNE_REQUIRES(mu_);
  void Wake();

  const Clock& clock_;
  FaultLog& log_;
  std::string address_;
  uint32_t target_ip_ = 0;  // network byte order
  uint16_t target_port_ = 0;
  int listen_fd_ = -1;
  int wake_fd_ = -1;

  mutable Mutex mu_;
  SeededRandom random_ ATTUNE_GUARDED_BY(mu_);
  std::unique_ptr<Wire[]> wires_ ATTUNE_GUARDED_BY(mu_);  // by Direction
  std::list<Connection> connections_ ATTUNE_GUARDED_BY(mu_);
  bool refuse_ ATTUNE_GUARDED_BY(mu_) = false;
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  uint64_t taken_ ATTUNE_GUARDED_BY(mu_) = 0;
  std::thread thread_;
};

}  // namespace attune::faults

#endif  // ATTUNE_TESTS_FAULTS_TCP_PROXY_H_
