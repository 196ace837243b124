// The reactor of one edge's stream: a thin shell between gRPC and the sessions of its people.
//
//   open --peer half-closes / Close()--> draining --queue empty--> finishing --OnDone--> gone
//     \--- something is wrong with the whole stream -----------------^
//
// One read and one write are under way at most; nothing is started once `finishing_` is set.
// Reading pauses while too much of this stream waits for workers, and while a Hello looks for its
// session.
//
// People whose session another node owns are redirected, or, when the edge cannot follow, passed
// on: one passage to each owner, over which the messages of its people go in bytes
// (edge_stream_pass.cc).
#ifndef ATTUNE_SERVICES_NODE_EDGE_STREAM_H_
#define ATTUNE_SERVICES_NODE_EDGE_STREAM_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "attune/v1/edge.pb.h"
#include "services/base/mutex.h"
#include "services/node/elsewhere.h"
#include "services/node/passage.h"
#include "services/node/services.h"
#include "services/node/streams.h"

namespace attune::node {

class EdgeStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                         public EdgeSink,
                         public PassageBack,
                         public Stream,
                         public std::enable_shared_from_this<EdgeStream> {
 public:
  EdgeStream(const Services& services, grpc::CallbackServerContext* context);
  // Keeps itself until OnDone.
  void Begin();

  // EdgeSink.
  void Send(v1::EdgeDown message) override;
  void SendAck(uint32_t handle, const v1::Ack& ack) override;
  void OfferFrame(uint32_t handle, v1::FrameEnvelope frame) override;
  void ReplaceFrame(uint32_t handle, v1::FrameEnvelope frame) override;
  void Release(uint32_t handle) override;

  // PassageBack.
  void OnPassedBack(Passage& passage, grpc::ByteBuffer message) override;
  void OnPassedOn(Passage& passage) override;
  void OnPassageOver(Passage& passage, const grpc::Status& status) override;

  // Stream.
  void Check(int64_t now_steady_us) override;
  void Close() override;

 private:
  enum class Binding { kResolving, kBound, kPassedOn, kReleased };
  struct Handle {
    Binding binding = Binding::kResolving;
    uint64_t id = 0;
    std::shared_ptr<SessionHost> host;
    std::string owner;  // of a person who is passed on: where to
  };

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Dispatch(v1::EdgeUp message, grpc::ByteBuffer raw, size_t bytes, int64_t received_steady_us);
  void OnHello(uint32_t handle, const v1::Hello& hello, grpc::ByteBuffer raw);
  void OnFound(uint32_t handle, uint64_t id, const Claims& claims, const v1::Hello& hello,
               const absl::StatusOr<Registry::Host>& host);
  // edge_stream_pass.cc
  void OnElsewhere(uint32_t handle, const std::string& session, const Elsewhere& where,
                   grpc::ByteBuffer hello);
  absl::Status PassOn(uint32_t handle, const std::string& owner, grpc::ByteBuffer hello);
  void PassMessage(const std::string& owner, grpc::ByteBuffer message) ATTUNE_REQUIRES(mu_);
  bool TakePassedBack() ATTUNE_REQUIRES(mu_);
  void OnToken(const Handle& handle, uint32_t number, const v1::TokenRefresh& refresh);
  void AnswerProbe(uint32_t handle, const SessionHost& host, const v1::Probe& probe,
                   int64_t received_steady_us);
  void RefuseHandle(uint32_t handle, v1::RefusalReason reason, const std::string& message,
                    uint32_t retry_after_ms = 0);
  void OnHandled(size_t bytes);
  void DetachAll();

  void MaybeRead() ATTUNE_REQUIRES(mu_);
  void MaybeWrite() ATTUNE_REQUIRES(mu_);
  void FinishWith(grpc::Status status) ATTUNE_REQUIRES(mu_);
  void CloseWith(grpc::Status status) ATTUNE_REQUIRES(mu_);

  // What waits to be written, and the session that says it: not written when its lease is over.
  template <class Message>
  struct Said {
    Message message;
    std::shared_ptr<SessionHost> by;
    bool Holds() const { return by == nullptr || by->InForce(); }
  };
  std::shared_ptr<SessionHost> HostOf(uint32_t handle) const ATTUNE_REQUIRES(mu_);
  bool NextToWrite(v1::EdgeDown& message) ATTUNE_REQUIRES(mu_);

  const Services services_;
  grpc::CallbackServerContext* const context_;
  const bool cannot_follow_;  // nor is it redirected
  const int64_t began_steady_us_;
  std::shared_ptr<EdgeStream> self_;

  Mutex mu_;
  grpc::ByteBuffer in_;   // of the read under way
  grpc::ByteBuffer out_;  // of the write under way
  bool reading_ ATTUNE_GUARDED_BY(mu_) = false;
  bool writing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool dispatching_ ATTUNE_GUARDED_BY(mu_) = false;
  bool read_closed_ ATTUNE_GUARDED_BY(mu_) = false;
  bool finishing_ ATTUNE_GUARDED_BY(mu_) = false;
  std::optional<grpc::Status> closing_ ATTUNE_GUARDED_BY(mu_);  // after what is queued
  int64_t closing_since_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  int64_t write_since_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  int64_t unbound_since_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  size_t in_flight_ ATTUNE_GUARDED_BY(mu_) = 0;
  size_t in_flight_bytes_ ATTUNE_GUARDED_BY(mu_) = 0;
  size_t resolving_ ATTUNE_GUARDED_BY(mu_) = 0;
  size_t bound_ ATTUNE_GUARDED_BY(mu_) = 0;
  std::map<uint32_t, Handle> handles_ ATTUNE_GUARDED_BY(mu_);
  std::deque<Said<v1::EdgeDown>> queue_ ATTUNE_GUARDED_BY(mu_);
  std::map<uint32_t, Said<v1::Ack>> acks_ ATTUNE_GUARDED_BY(mu_);
  std::map<uint32_t, Said<v1::FrameEnvelope>> frames_ ATTUNE_GUARDED_BY(mu_);
  // By the owner's address. Each may have one message waiting to be written.
  struct Onward {
    std::shared_ptr<Passage> passage;
    std::optional<grpc::ByteBuffer> back;
  };
  std::map<std::string, Onward> onward_ ATTUNE_GUARDED_BY(mu_);
  std::shared_ptr<Passage> writing_from_ ATTUNE_GUARDED_BY(mu_);  // whose message is being written
  bool written_ ATTUNE_GUARDED_BY(mu_) = false;
  size_t passing_on_ ATTUNE_GUARDED_BY(mu_) = 0;  // messages on their way to owners
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_EDGE_STREAM_H_
