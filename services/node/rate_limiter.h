// How often somebody may try a wrong join code: one token bucket per peer address and one for all.
// Only wrong codes cost a token, so people with right codes go on joining while somebody guesses.
#ifndef ATTUNE_SERVICES_NODE_RATE_LIMITER_H_
#define ATTUNE_SERVICES_NODE_RATE_LIMITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace attune::node {

struct CodeLimits {
  double per_peer_burst = 20;
  double per_peer_per_second = 0.2;
  // All peers together. At this rate 40 bits with 1000 open sessions are hit once in half a year.
  double total_burst = 2000;
  double total_per_second = 50;
  size_t peers_kept = 10'000;  // beyond it the peer that has been quiet longest is forgotten
};

// Thread-safe. `clock` must outlive it.
class CodeRateLimiter {
 public:
  explicit CodeRateLimiter(const Clock& clock, const CodeLimits& limits = {})
      : clock_(clock), limits_(limits), total_{limits.total_burst, clock.SteadyMicros()} {}

  // May this peer try a code at all? Returns 0, or after how many milliseconds to try again. A peer
  // without wrong codes of its own is let through even when everybody together is over the limit.
  uint32_t BlockedForMs(const std::string& peer);
  void CountWrong(const std::string& peer);
  size_t peers() const;

 private:
  struct Bucket {
    double tokens;
    int64_t at_us;
  };
  void Refill(Bucket& bucket, double burst, double per_second) const;

  const Clock& clock_;
  const CodeLimits limits_;
  mutable Mutex mu_;
  std::map<std::string, Bucket> peers_ ATTUNE_GUARDED_BY(mu_);
  Bucket total_ ATTUNE_GUARDED_BY(mu_);
};

// The address of gRPC's peer string without its port ("ipv4:1.2.3.4:567" -> "ipv4:1.2.3.4"). An
// IPv6 peer is its /64: the rest of the address is its own choice.
std::string PeerAddress(const std::string& peer);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_RATE_LIMITER_H_
