// What goes along with a call that one node passes to another: all that the caller sent, and the
// mark that it has been passed on. One hop is the most.
#ifndef ATTUNE_SERVICES_NODE_HOP_H_
#define ATTUNE_SERVICES_NODE_HOP_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace attune::node {

// Metadata. Anybody may send the first (and is then never passed on); the second is a node's proof.
inline constexpr char kForwardedKey[] = "attune-forwarded";
inline constexpr char kForwarderKey[] = "attune-forwarder";
// Sent by edges: `no` - they cannot go elsewhere (behind a load balancer), pass their stream on.
inline constexpr char kFollowRedirectsKey[] = "attune-follow-redirects";
// After how many milliseconds to come again; in the trailing metadata of an UNAVAILABLE.
inline constexpr char kRetryAfterKey[] = "retry-after-ms";

bool IsForwarded(const grpc::ServerContextBase& context);
bool CannotFollow(const grpc::ServerContextBase& context);

// A node of this cluster (which knows `key`) vouches for the call: its caller's address has been
// looked at there. Good for a minute around `utc_us`.
std::string ForwarderProof(std::string_view key, int64_t utc_us);
bool IsVouchedFor(const grpc::ServerContextBase& context, std::string_view key, int64_t utc_us);

// Metadata and deadline of `from`, and the marks.
void CarryOn(const grpc::ServerContextBase& from, std::string_view key, int64_t utc_us,
             grpc::ClientContext& to);
// What the owner sent beside its messages; each at most once, before the status is sent.
void CarryBackInitial(const grpc::ClientContext& from, grpc::ServerContextBase& to);
void CarryBackTrailing(const grpc::ClientContext& from, grpc::ServerContextBase& to);

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_HOP_H_
