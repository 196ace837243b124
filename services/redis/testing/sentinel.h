// A real Redis Sentinel of a test, alone (a quorum of 1), on loopback.
#ifndef ATTUNE_SERVICES_REDIS_TESTING_SENTINEL_H_
#define ATTUNE_SERVICES_REDIS_TESTING_SENTINEL_H_

#include <sys/types.h>

#include <string>

#include "services/redis/testing/server.h"

namespace attune::redis::testing {

class Sentinel {
 public:
  // Watches `primary` under the name "main"; its files lie in the folder of `primary`, which must
  // outlive it and must not be started empty.
  explicit Sentinel(const Server& primary);
  ~Sentinel();
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Sends one command, its words apart by spaces; whether the answer is OK.
  bool Ask(const std::string& command) const;
  // In how many lines of its log `what` stands.
  int Said(const std::string& what) const;

 private:
  const int port_;
  const std::string log_;
  pid_t pid_;
};

}  // namespace attune::redis::testing

#endif  // ATTUNE_SERVICES_REDIS_TESTING_SENTINEL_H_
