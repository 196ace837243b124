// One stream to a node, as the uplink sees it: small enough to be simulated with a virtual clock.
#ifndef ATTUNE_EDGE_CLIENT_TRANSPORT_H_
#define ATTUNE_EDGE_CLIENT_TRANSPORT_H_

#include <string>

#include "attune/v1/edge.pb.h"

namespace attune::edge {

// At most one stream at a time. What happens on it is told to the uplink by whoever owns both
// (Uplink::OnMessage, Uplink::OnClosed), in order, never from inside these calls.
class StreamTransport {
 public:
  virtual ~StreamTransport() = default;
  // Starts a stream; success shows only by a first message. There must be none.
  virtual void Open(const std::string& address) = 0;
  // Whether Send would take a message now.
  virtual bool Ready() const = 0;
  // Takes a message; only when Ready(). It may still be lost with the stream.
  virtual void Send(const v1::EdgeUp& message) = 0;
  // No more messages from here; those taken are still delivered, then OnClosed follows.
  virtual void HalfClose() = 0;
  // Drops the stream at once. No OnClosed follows.
  virtual void Abort() = 0;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_TRANSPORT_H_
