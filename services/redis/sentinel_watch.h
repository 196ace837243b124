// Asks Sentinels, while a connection to a primary is in use, whether it still is the primary. A
// switchover leaves the former primary taking writes for some seconds (a Sentinel makes it a
// replica 8 s later), and whoever stays with it writes what is lost. Not thread-safe; never waits.
#ifndef ATTUNE_SERVICES_REDIS_SENTINEL_WATCH_H_
#define ATTUNE_SERVICES_REDIS_SENTINEL_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/redis/connection.h"

namespace attune::redis {

// How often every Sentinel is asked: a good deal less than the margin by which owners of leases
// stop before their end (placement/redis_directory.h), which this must fit in.
inline constexpr int64_t kAskSentinelsEveryUs = 300'000;

class SentinelWatch {
 public:
  // `sentinels`: "host:port" each; none: there is nothing to watch.
  SentinelWatch(std::vector<std::string> sentinels, std::string master);

  // From now on `primary`, as a Sentinel named it, is the one in use.
  void Begin(const std::string& primary, int64_t now_us);
  // Asks, and reads what has come. The position of a Sentinel that names another primary; absent
  // as long as none does (those that cannot be reached say nothing).
  std::optional<size_t> Step(int64_t now_us);
  // When Step wants to be called again; INT64_MAX: never.
  int64_t next_us() const { return next_us_; }

 private:
  struct Asked {
    std::string address;
    std::unique_ptr<Connection> connection;
    bool waiting = false;
  };
  // Whether an answer has come that names another primary.
  bool Read(Asked& asked) const;

  const std::string master_;
  std::vector<Asked> sentinels_;
  std::string primary_;
  int64_t ask_us_ = 0;
  int64_t next_us_;
};

}  // namespace attune::redis

#endif  // ATTUNE_SERVICES_REDIS_SENTINEL_WATCH_H_
