// One server process: data, scripts, run_id and a clock. Executes what a connection brings.
#ifndef ATTUNE_TESTS_SIMULATION_REDIS_SERVER_H_
#define ATTUNE_TESTS_SIMULATION_REDIS_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "tests/simulation/redis_data.h"
#include "tests/simulation/redis_lua.h"

namespace attune::simulation {

class RedisServer {
 public:
  RedisServer() : lua_(std::make_unique<RedisLua>()) {}
  // With what another one holds (a replica promoted, a disk read again); scripts are not kept.
  explicit RedisServer(RedisData data)
      : data_(std::move(data)), lua_(std::make_unique<RedisLua>()) {}

  // `now_us`: UTC on the server.
  Value Execute(const Arguments& arguments, int64_t now_us);
  // Under another name than its own SHA-1; with nothing of what was loaded under it.
  void LoadAs(const std::string& sha1, const std::string& body);
  const RedisData& data() const { return data_; }
  void Empty() { data_.Clear(); }

 private:
  RedisData data_;
  std::unique_ptr<RedisLua> lua_;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_REDIS_SERVER_H_
