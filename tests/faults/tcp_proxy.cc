#include "tests/faults/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace attune::faults {
namespace {

constexpr int64_t kLongestWaitUs = 1'000'000;
constexpr size_t kChunkBytes = 16 * 1024;
constexpr int64_t kBurstUs = 50'000;  // a throttled wire may save up so much

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void SetNoDelay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

}  // namespace

const char* NameOf(Direction direction) { return direction == Direction::kUp ? "up" : "down"; }

struct TcpProxy::Connection {
  struct Chunk {
    int64_t ready_us = 0;
    std::string bytes;
  };
  // One direction: read from `from`, waits, written to `to`.
  struct Way {
    int from = -1, to = -1;
    std::deque<Chunk> waiting;
    size_t waiting_bytes = 0;
    int64_t last_ready_us = 0;
    bool ended = false;     // nothing more will be read
    bool end_told = false;  // and the other side knows
    bool blocked = false;   // the other side takes nothing now
    int64_t end_us = 0;     // when the end may be told
  };
  int client_fd = -1;
  int server_fd = -1;
  bool connecting = true;
  bool closed = false;
  Way ways[2];

  Way& way(Direction direction) { return ways[static_cast<size_t>(direction)]; }
};

struct TcpProxy::Wire {
  WireFaults faults;
  int flips = 0;
  uint64_t bytes = 0;
  double budget = 0;  // bytes that a throttled wire may give now
  int64_t filled_us = 0;
};

TcpProxy::TcpProxy(uint64_t seed, const Clock& clock, FaultLog& log)
    : clock_(clock), log_(log), random_(seed), wires_(std::make_unique<Wire[]>(2)) {}

absl::StatusOr<std::unique_ptr<TcpProxy>> TcpProxy::Start(const std::string& target, uint64_t seed,
                                                          const Clock& clock, FaultLog& log) {
  std::unique_ptr<TcpProxy> proxy(new TcpProxy(seed, clock, log));
  ATTUNE_RETURN_IF_ERROR(proxy->Listen(target));
  proxy->thread_ = std::thread([raw = proxy.get()] { raw->Run(); });
  return proxy;
}

absl::Status TcpProxy::Listen(const std::string& target) {
  const size_t colon = target.rfind(':');
  const std::string host = target.substr(0, colon);
  in_addr ip = {};
  const char* end = target.data() + target.size();
  if (colon == std::string::npos || inet_pton(AF_INET, host.c_str(), &ip) != 1 ||
      std::from_chars(target.data() + colon + 1, end, target_port_).ptr != end) {
    return absl::InvalidArgumentError(absl::StrCat("'", target, "' is not IPv4:PORT"));
  }
  target_ip_ = ip.s_addr;
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  if (wake_fd_ < 0 || listen_fd_ < 0 ||
      bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listen_fd_, 64) != 0 ||
      getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return absl::ErrnoToStatus(errno, "cannot listen");
  }
  address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  return absl::OkStatus();
}

TcpProxy::~TcpProxy() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  Wake();
  if (thread_.joinable()) thread_.join();
  for (Connection& connection : connections_) Close(connection, How::kReset);
  if (listen_fd_ >= 0) close(listen_fd_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

void TcpProxy::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof(one));
}

void TcpProxy::Set(Direction direction, const WireFaults& faults) {
  {
    MutexLock lock(mu_);
    wires_[static_cast<size_t>(direction)].faults = faults;
    log_.Note("wire", absl::StrCat("\"way\":\"", NameOf(direction),
                                   "\",\"delay_ms\":", faults.delay_us / 1000, ",\"jitter_ms\":",
                                   faults.jitter_us / 1000, ",\"bytes_per_s\":", faults.bytes_per_s,
                                   ",\"hold\":", faults.hold ? "true" : "false"));
  }
  Wake();
}

void TcpProxy::Flip(Direction direction, int count) {
  MutexLock lock(mu_);
  wires_[static_cast<size_t>(direction)].flips = count;
}

void TcpProxy::Cut(How how) {
  {
    MutexLock lock(mu_);
    log_.Note("cut", absl::StrCat("\"how\":\"", how == How::kReset ? "reset" : "end",
                                  "\",\"connections\":", connections_.size()));
    for (Connection& connection : connections_) Close(connection, how);
  }
  Wake();
}

void TcpProxy::Refuse(bool refuse) {
  MutexLock lock(mu_);
  log_.Note("refuse", absl::StrCat("\"on\":", refuse ? "true" : "false"));
  refuse_ = refuse;
}

void TcpProxy::Clear() {
  {
    MutexLock lock(mu_);
    for (size_t i = 0; i < 2; ++i) {
      wires_[i].faults = {};
      wires_[i].flips = 0;
    }
    refuse_ = false;
    log_.Note("clear", "");
  }
  Wake();
}

uint64_t TcpProxy::bytes(Direction direction) const {
  MutexLock lock(mu_);
  return wires_[static_cast<size_t>(direction)].bytes;
}

uint64_t TcpProxy::connections() const {
  MutexLock lock(mu_);
  return taken_;
}

void TcpProxy::Accept() {
  while (true) {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Connection& connection = connections_.emplace_back();
    connection.client_fd = fd;
    ++taken_;
    if (refuse_) {
      log_.Note("refused", "");
      Close(connection, How::kReset);
      continue;
    }
    connection.server_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in target = Loopback(target_port_);
    target.sin_addr.s_addr = target_ip_;
    if (connection.server_fd < 0 ||
        (connect(connection.server_fd, reinterpret_cast<sockaddr*>(&target), sizeof(target)) != 0 &&
         errno != EINPROGRESS)) {
      Close(connection, How::kReset);
      continue;
    }
    SetNoDelay(fd);
    SetNoDelay(connection.server_fd);
    connection.way(Direction::kUp).from = connection.way(Direction::kDown).to = fd;
    connection.way(Direction::kUp).to = connection.way(Direction::kDown).from =
        connection.server_fd;
  }
}

void TcpProxy::Close(Connection& connection, How how) {
  if (std::exchange(connection.closed, true)) return;
  for (int* fd : {&connection.client_fd, &connection.server_fd}) {
    if (*fd < 0) continue;
    if (how == How::kReset) {
      const linger reset = {1, 0};
      setsockopt(*fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    close(std::exchange(*fd, -1));
  }
}

// False: the connection is gone.
bool TcpProxy::ReadSome(Connection& connection, Direction direction, int64_t now_us) {
  Connection::Way& way = connection.way(direction);
  Wire& wire = wires_[static_cast<size_t>(direction)];
  while (!way.ended && way.waiting_bytes < kMostWaiting) {
    std::string bytes(kChunkBytes, '\0');
    const ssize_t got = read(way.from, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    const int64_t extra_us =
        wire.faults.jitter_us > 0
            ? static_cast<int64_t>(random_.Below(static_cast<uint64_t>(wire.faults.jitter_us)))
            : 0;
    // In order: nothing overtakes.
    way.last_ready_us = std::max(way.last_ready_us, now_us + wire.faults.delay_us + extra_us);
    if (got <= 0) {  // what was sent before the end still arrives
      way.ended = true;
      way.end_us = way.last_ready_us;
      return true;
    }
    bytes.resize(static_cast<size_t>(got));
    if (wire.flips > 0) {
      --wire.flips;
      const uint64_t bit = random_.Below(8 * bytes.size());
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      log_.Note("flip", absl::StrCat("\"way\":\"", NameOf(direction), "\",\"bit\":", bit,
                                     ",\"of_bytes\":", bytes.size()));
    }
    way.waiting_bytes += bytes.size();
    way.waiting.push_back({way.last_ready_us, std::move(bytes)});
  }
  return true;
}

int64_t TcpProxy::WriteSome(Connection& connection, Direction direction, int64_t now_us) {
  Connection::Way& way = connection.way(direction);
  Wire& wire = wires_[static_cast<size_t>(direction)];
  way.blocked = false;
  if (wire.faults.hold) return now_us + kLongestWaitUs;
  const auto rate = static_cast<double>(wire.faults.bytes_per_s);
  if (rate > 0) {
    const double most = std::max(64.0, rate * kBurstUs / 1e6);
    const double since_s = static_cast<double>(now_us - wire.filled_us) / 1e6;
    wire.budget = std::min(most, wire.budget + rate * since_s);
    wire.filled_us = now_us;
  }
  while (!way.waiting.empty()) {
    Connection::Chunk& chunk = way.waiting.front();
    if (chunk.ready_us > now_us) return chunk.ready_us;
    size_t most = chunk.bytes.size();
    if (rate > 0) {
      if (wire.budget < 1) {
        const double wanted = std::min(64.0, static_cast<double>(most));
        return now_us + static_cast<int64_t>(std::ceil(wanted / rate * 1e6));
      }
      most = std::min(most, static_cast<size_t>(wire.budget));
    }
    const ssize_t put = send(way.to, chunk.bytes.data(), most, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      way.blocked = true;
      return now_us + kLongestWaitUs;
    }
    if (put < 0) {
      Close(connection, How::kReset);
      return now_us + kLongestWaitUs;
    }
    wire.bytes += static_cast<uint64_t>(put);
    if (rate > 0) wire.budget -= static_cast<double>(put);
    way.waiting_bytes -= static_cast<size_t>(put);
    chunk.bytes.erase(0, static_cast<size_t>(put));
    if (chunk.bytes.empty()) way.waiting.pop_front();
  }
  if (way.ended && !way.end_told) {
    if (way.end_us > now_us) return way.end_us;
    way.end_told = true;
    shutdown(way.to, SHUT_WR);
  }
  return now_us + kLongestWaitUs;
}

int64_t TcpProxy::Pump(Connection& connection, Direction direction, int64_t now_us) {
  if (connection.closed) return now_us;
  if (connection.connecting) {
    pollfd connected = {connection.server_fd, POLLOUT, 0};
    if (poll(&connected, 1, 0) != 1) return now_us + kLongestWaitUs;
    int error = 0;
    socklen_t length = sizeof(error);
    getsockopt(connection.server_fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      Close(connection, How::kReset);
      return now_us;
    }
    connection.connecting = false;
  }
  ReadSome(connection, direction, now_us);
  return WriteSome(connection, direction, now_us);
}

void TcpProxy::Run() {
  std::vector<pollfd> fds;
  while (true) {
    int64_t wait_us = kLongestWaitUs;
    fds.assign({{listen_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}});
    {
      MutexLock lock(mu_);
      if (stopping_) return;
      Accept();
      for (Connection& connection : connections_) {
        const int64_t now_us = clock_.SteadyMicros();
        for (const Direction direction : kDirections) {
          wait_us = std::min(wait_us, Pump(connection, direction, now_us) - now_us);
        }
        const bool over =
            connection.way(Direction::kUp).end_told && connection.way(Direction::kDown).end_told;
        if (over) Close(connection, How::kEnd);
      }
      connections_.remove_if([](const Connection& connection) { return connection.closed; });
      for (Connection& connection : connections_) {
        if (connection.connecting) {
          fds.push_back({connection.server_fd, POLLOUT, 0});
          continue;
        }
        for (const Direction direction : kDirections) {
          const Connection::Way& way = connection.way(direction);
          if (!way.ended && way.waiting_bytes < kMostWaiting) fds.push_back({way.from, POLLIN, 0});
          if (way.blocked) fds.push_back({way.to, POLLOUT, 0});
        }
      }
    }
    // Sockets never block, so it does not matter when one of these was closed meanwhile.
    const timespec timeout = {0, std::clamp<int64_t>(wait_us, 0, 999'999) * 1000};
    ppoll(fds.data(), fds.size(), &timeout, nullptr);
    uint64_t woken = 0;
    [[maybe_unused]] const ssize_t n = read(wake_fd_, &woken, sizeof(woken));
  }
}

}  // namespace attune::faults
