// Every node is a front door: a call for a session that another node owns is passed on to it, bytes
// untouched, and what comes back is passed back, trailing metadata and status included. See
// README.md, "Every node a front door".
#ifndef ATTUNE_SERVICES_NODE_FORWARD_H_
#define ATTUNE_SERVICES_NODE_FORWARD_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/node/metrics.h"
#include "services/node/options.h"
#include "services/node/passage.h"
#include "services/node/peers.h"
#include "services/node/unary_call.h"

namespace attune::node {

// At once; beyond: RESOURCE_EXHAUSTED.
inline constexpr int kMaxForwardedCalls = 4096;
inline constexpr int kMaxForwardedStreams = 10'000;
// A unary call without a deadline of its own gets this one.
inline constexpr int64_t kForwardedCallUs = 30'000'000;
// Told to who finds no owner at the end of the one hop, or loses the owner.
inline constexpr uint32_t kOwnerRetryMs = 500;

// Thread-safe. What it is given must outlive it; it must outlive what it has passed on.
class Forwarder {
 public:
  Forwarder(const Options& options, const Clock& clock, Metrics& metrics)
      : options_(options), clock_(clock), metrics_(metrics), peers_(options, clock) {}

  // Passes the call on and finishes it with what comes back. UNAVAILABLE, when it has been passed
  // on already or its owner cannot be reached: to be made again.
  void Unary(UnaryCall& call, const std::string& address);

  // Opens the way on; `context` is the server half's and outlives the passage. The errors as above.
  absl::StatusOr<std::shared_ptr<Passage>> Stream(grpc::ServerContextBase& context,
                                                  const std::string& method,
                                                  const std::string& address,
                                                  std::shared_ptr<PassageBack> back);

  // Was it looked at by another node of this cluster before?
  bool IsVouchedFor(const grpc::ServerContextBase& context) const;
  // Another node of the cluster, for calls of the node's own.
  Peers& peers() { return peers_; }

 private:
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Way(grpc::ServerContextBase& context,
                                                     const std::string& address);
  void Count(const grpc::Status& status);
  std::unique_ptr<grpc::ClientContext> Onward(const grpc::ServerContextBase& from) const;

  const Options& options_;
  const Clock& clock_;
  Metrics& metrics_;
  Peers peers_;
  std::atomic<int> calls_{0};
  std::atomic<int> streams_{0};
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_FORWARD_H_
