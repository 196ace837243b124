// Channels to the other nodes: one for each, kept while it is used.
#ifndef ATTUNE_SERVICES_NODE_PEERS_H_
#define ATTUNE_SERVICES_NODE_PEERS_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/node/options.h"

namespace attune::node {

inline constexpr size_t kMaxPeers = 1024;  // beyond: the one that was used longest ago is let go
inline constexpr int64_t kPeerIdleUs = 60'000'000;  // a channel without calls for so long is closed
// What the other side may send of one call before this side has taken it.
inline constexpr int kPeerWindowBytes = 64 * 1024;

// Thread-safe. What it is given must outlive it.
class Peers {
 public:
  Peers(const Options& options, const Clock& clock);

  // FAILED_PRECONDITION: the way there would be neither encrypted nor inside this machine, and
  // nobody has allowed that.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> To(const std::string& address);
  // Every second or so, not on a thread of gRPC's: closes what has been idle.
  void Sweep();
  size_t size() const;

 private:
  struct Peer {
    std::shared_ptr<grpc::Channel> channel;
    int64_t used_steady_us = 0;
  };

  const Options& options_;
  const Clock& clock_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  mutable Mutex mu_;
  std::map<std::string, Peer> peers_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_PEERS_H_
