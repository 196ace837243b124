#include "services/node/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

namespace attune::node {

void CodeRateLimiter::Refill(Bucket& bucket, double burst, double per_second) const {
  const int64_t now = clock_.SteadyMicros();
  const double seconds = static_cast<double>(now - bucket.at_us) * 1e-6;
  bucket.tokens = std::min(burst, bucket.tokens + seconds * per_second);
  bucket.at_us = now;
}

uint32_t CodeRateLimiter::BlockedForMs(const std::string& peer) {
  MutexLock lock(mu_);
  const auto wait_ms = [](const Bucket& bucket, double per_second) {
    return static_cast<uint32_t>(std::ceil((1 - bucket.tokens) / per_second * 1000));
  };
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return 0;
  Refill(found->second, limits_.per_peer_burst, limits_.per_peer_per_second);
  if (found->second.tokens < 1) return wait_ms(found->second, limits_.per_peer_per_second);
  Refill(total_, limits_.total_burst, limits_.total_per_second);
  if (total_.tokens < 1) return wait_ms(total_, limits_.total_per_second);
  return 0;
}

void CodeRateLimiter::CountWrong(const std::string& peer) {
  MutexLock lock(mu_);
  auto found = peers_.find(peer);
  if (found == peers_.end()) {
    if (peers_.size() >= limits_.peers_kept) {
      peers_.erase(std::min_element(peers_.begin(), peers_.end(), [](const auto& a, const auto& b) {
        return a.second.at_us < b.second.at_us;
      }));
    }
    found = peers_.emplace(peer, Bucket{limits_.per_peer_burst, clock_.SteadyMicros()}).first;
  }
  Refill(found->second, limits_.per_peer_burst, limits_.per_peer_per_second);
  found->second.tokens = std::max(0.0, found->second.tokens - 1);
  Refill(total_, limits_.total_burst, limits_.total_per_second);
  total_.tokens = std::max(0.0, total_.tokens - 1);
}

size_t CodeRateLimiter::peers() const {
  MutexLock lock(mu_);
  return peers_.size();
}

std::string PeerAddress(const std::string& peer) {
  const size_t port = peer.rfind(':');
  if (port == std::string::npos) return peer;
  const std::string address = peer.substr(0, port);
  if (address.rfind("ipv6:", 0) != 0) return address;
  // gRPC writes "ipv6:[2001:db8::1]:567", in some versions with %5B and %5D for the brackets.
  std::string inner = address.substr(5);
  const auto strip = [&inner](const std::string& what) {
    const size_t at = inner.find(what);
    if (at != std::string::npos) inner.erase(at, what.size());
  };
  for (const char* bracket : {"[", "]", "%5B", "%5D"}) strip(bracket);
  in6_addr parsed;
  if (inet_pton(AF_INET6, inner.c_str(), &parsed) != 1) return address;
  std::fill(parsed.s6_addr + 8, parsed.s6_addr + 16, 0);
  char text[INET6_ADDRSTRLEN];
  return std::string("ipv6:") + inet_ntop(AF_INET6, &parsed, text, sizeof text);
}

}  // namespace attune::node
