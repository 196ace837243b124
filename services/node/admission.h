// Who may come in: tokens checked and issued, join codes counted.
#ifndef ATTUNE_SERVICES_NODE_ADMISSION_H_
#define ATTUNE_SERVICES_NODE_ADMISSION_H_

#include <grpcpp/server_context.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/random.h"
#include "services/base/token.h"
#include "services/node/options.h"
#include "services/node/rate_limiter.h"

namespace attune::node {

// Thread-safe. What it is given must outlive it.
class Admission {
 public:
  Admission(const Options& options, const Clock& clock, RandomSource& random)
      : options_(options), clock_(clock), random_(random), codes_(clock) {}

  absl::StatusOr<Claims> Verify(std::string_view token) const;
  // The metadata `authorization: Bearer TOKEN`, and one of `roles`: else PERMISSION_DENIED.
  absl::StatusOr<Claims> Authenticate(const grpc::ServerContextBase& context,
                                      std::initializer_list<std::string_view> roles) const;

  struct Issued {
    std::string token;
    int64_t expires_utc_us = 0;
  };
  absl::StatusOr<Issued> Issue(std::string_view role, const std::string& session,
                               uint32_t participant) const;

  CodeRateLimiter& codes() { return codes_; }

 private:
  const Options& options_;
  const Clock& clock_;
  RandomSource& random_;
  CodeRateLimiter codes_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_ADMISSION_H_
