// How a session speaks to the streams attached to it. Implemented by the gRPC reactors; the session
// side knows no gRPC, so that it can be tested (and sanitised) without it.
#ifndef ATTUNE_SERVICES_NODE_STREAMS_H_
#define ATTUNE_SERVICES_NODE_STREAMS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "attune/v1/edge.pb.h"
#include "attune/v1/live.pb.h"

namespace attune::node {

// An edge's stream down. Thread-safe; nothing blocks; after the stream's end all of it does
// nothing.
class EdgeSink {
 public:
  virtual ~EdgeSink() = default;
  // In order. Bounded: an edge that does not read is let go.
  virtual void Send(v1::EdgeDown message) = 0;
  // Only the newest of a handle is kept while the edge is slow.
  virtual void SendAck(uint32_t handle, const v1::Ack& ack) = 0;
  virtual void OfferFrame(uint32_t handle, v1::FrameEnvelope frame) = 0;
  // Takes the place of a frame that has not left yet; does nothing when there is none.
  virtual void ReplaceFrame(uint32_t handle, v1::FrameEnvelope frame) = 0;
  // The session has let go of the handle; the edge may say Hello on it again.
  virtual void Release(uint32_t handle) = 0;
};

// A watcher's stream. As above.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  virtual void Send(v1::WatchEvent event) = 0;
  virtual void OfferFrame(v1::FrameEnvelope frame) = 0;
  virtual void ReplaceFrame(v1::FrameEnvelope frame) = 0;
  // Ends the stream after what was sent before.
  virtual void Finish(absl::Status status) = 0;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_STREAMS_H_
