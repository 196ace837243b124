// Join codes in Redis: `attune:code:CODE` -> session, with an end date. One command each.
#ifndef ATTUNE_SERVICES_PLACEMENT_REDIS_CODES_H_
#define ATTUNE_SERVICES_PLACEMENT_REDIS_CODES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "services/placement/codes.h"
#include "services/redis/client.h"

namespace attune::placement {

// The scripts that the client must load (ClientOptions::scripts).
std::vector<redis::Script> CodesScripts();

// Calls wait for a round trip and must not be made on the client's thread.
class RedisCodes final : public JoinCodes {
 public:
  // `client` must outlive it.
  explicit RedisCodes(redis::Client& client) : client_(client) {}

  absl::Status Claim(const std::string& code, const std::string& session, int64_t for_us) override;
  absl::StatusOr<std::string> Resolve(const std::string& code) override;
  absl::Status Release(const std::string& code, const std::string& session) override;

 private:
  redis::Client& client_;
};

}  // namespace attune::placement

#endif  // ATTUNE_SERVICES_PLACEMENT_REDIS_CODES_H_
