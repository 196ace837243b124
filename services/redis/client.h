// One connection to Redis, pipelined: the only place that knows hiredis.
//
// A thread of its own connects, writes, reads and reconnects without end (full jitter). Its states
// are in the open (ServerState): whoever holds leases must know when the server is another one than
// before (`run_id`: restarted, failed over), because such a server may have forgotten the last
// writes.
//
// Every command has a deadline (kept to within connect_within_us while connecting). How a command
// that was not answered ended is told apart:
//   UNAVAILABLE  it was surely not executed: never sent, or refused by a server that is loading,
//                a replica, or without its primary
//   UNKNOWN      it may have been executed: the connection broke, or no answer came in time
// A reply that is an error is a reply (Reply::error). A connection on which the oldest command has
// passed its deadline is given up: a frozen server must not hold up everything behind it. An end of
// file, clean or not, is a broken connection. What waits to be sent is not sent to a server with
// another run_id: it was meant for the one before, and is answered UNAVAILABLE.
//
// With `sentinel_master` the addresses are Sentinels, which are asked for the primary at each
// connection (Redis Sentinel documentation, "Guidelines for Redis clients"); a server that says it
// is a replica is not accepted. While connected it goes on asking them, and leaves a primary that
// is none any more (sentinel_watch.h).
//
// Thread-safe. Callbacks run on the client's thread, outside its lock, in the order of the answers;
// they must be short and must not destroy the client. Destroying it answers everything UNAVAILABLE
// or UNKNOWN.
#ifndef ATTUNE_SERVICES_REDIS_CLIENT_H_
#define ATTUNE_SERVICES_REDIS_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/redis/reply.h"

namespace attune::redis {

// A Lua script that ships with the program. `name` is for error messages.
struct Script {
  std::string name;
  std::string body;
  std::string sha1;  // of the body, 40 hexadecimal digits
};
Script MakeScript(std::string name, std::string body);

struct ClientOptions {
  std::vector<std::string> addresses;  // "host:port" or "/path/of/socket"; tried in turn
  std::string sentinel_master;         // empty: the addresses are the server itself
  std::string username, password;      // empty: no AUTH
  int64_t connect_within_us = 1'000'000;
  int64_t answer_within_us = 2'000'000;  // deadline of a command that names none
  int64_t ping_every_us = 1'000'000;     // when idle: finds connections that died silently
  int64_t backoff_first_us = 50'000;
  int64_t backoff_most_us = 1'000'000;
  std::vector<Script> scripts;  // loaded at each connection, so that Run finds them
  // Commands accepted and not yet answered; beyond either RESOURCE_EXHAUSTED.
  size_t most_pending = 65'536;
  size_t most_pending_bytes = size_t{64} << 20;
};

// "redis://[[user]:password@]host[:port]" or "redis+sentinel://host:port[,host:port...]/master", or
// "unix:/path". INVALID_ARGUMENT says what is wrong, without the password.
absl::StatusOr<ClientOptions> ParseRedisUrl(const std::string& url);

struct ServerState {
  bool ready = false;
  std::string address;   // of the present or last connection
  std::string run_id;    // of the server, 40 hexadecimal digits; kept while not ready
  uint64_t servers = 0;  // how many different run_ids there have been
  // How many connections there have been; in a command's callback, the number of the connection
  // that answered it. WAIT speaks of what went before on its own connection only.
  uint64_t connections = 0;
  std::string trouble;  // why not ready, and what to do
};

class Client {
 public:
  // An argument that is sent as the run_id of the server that gets it: state() may already, or
  // still, name another one.
  static constexpr char kThisServer[] = "\x01run_id\x01";

  using Done = std::function<void(absl::StatusOr<Reply>)>;
  // Told on the client's thread, before any command meets the new state.
  using OnState = std::function<void(const ServerState&)>;

  // `clock` and `random` must outlive it; `random` is used on the client's thread only.
  static std::unique_ptr<Client> Start(ClientOptions options, const Clock& clock,
                                       RandomSource& random, OnState on_state);
  virtual ~Client() = default;

  // `arguments`: the command and its arguments, any bytes. `within_us` 0: as in the options.
  virtual void Call(std::vector<std::string> arguments, Done done, int64_t within_us = 0) = 0;
  // EVALSHA, and EVAL when the server does not know the script yet.
  virtual void Run(const Script& script, std::vector<std::string> keys,
                   std::vector<std::string> arguments, Done done, int64_t within_us = 0) = 0;
  virtual ServerState state() const = 0;

  // The same, waiting for the answer; not on the client's thread. Virtual, because a simulation
  // waits in its own way.
  virtual absl::StatusOr<Reply> CallAndWait(std::vector<std::string> arguments,
                                            int64_t within_us = 0);
  virtual absl::StatusOr<Reply> RunAndWait(const Script& script, std::vector<std::string> keys,
                                           std::vector<std::string> arguments,
                                           int64_t within_us = 0);
};

}  // namespace attune::redis

#endif  // ATTUNE_SERVICES_REDIS_CLIENT_H_
