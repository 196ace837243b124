// StreamTransport over gRPC. Reactions run on gRPC's threads and only fill a queue; the agent's
// loop drains it, so that the uplink lives on one thread.
#ifndef ATTUNE_EDGE_CLIENT_GRPC_TRANSPORT_H_
#define ATTUNE_EDGE_CLIENT_GRPC_TRANSPORT_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "edge/client/channel.h"
#include "edge/client/transport.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace attune::edge {

// Messages taken and not yet written; beyond it Ready() is false and the uplink waits.
inline constexpr size_t kMostOutgoing = 16;
// Messages read and not yet looked at; beyond it reading pauses (flow control reaches the node).
inline constexpr size_t kMostIncoming = 1024;

struct StreamEvent {
  enum class Kind { kMessage, kClosed, kWritable } kind = Kind::kWritable;
  int64_t at_us = 0;  // steady time of receipt
  v1::EdgeDown message;
  absl::Status closed;
};

// Thread-safe only as far as gRPC's threads and one owner go: all methods belong to the owner.
class GrpcTransport final : public StreamTransport {
 public:
  // `clock` must outlive it.
  GrpcTransport(const Clock& clock, ChannelOptions options);
  ~GrpcTransport() override;

  void Open(const std::string& address) override;
  bool Ready() const override;
  void Send(const v1::EdgeUp& message) override;
  void HalfClose() override;
  void Abort() override;

  // Waits until there is an event, Wake was called or the time is over.
  void Wait(int64_t timeout_us);
  // From any thread.
  void Wake();
  // False: nothing there now.
  bool Next(StreamEvent* event);

 private:
  class Stream;
  struct Inbox;
  // Frees what streams that are over have left.
  void LetGo();

  const Clock& clock_;
  ChannelOptions options_;
  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<Stream> stream_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_GRPC_TRANSPORT_H_
