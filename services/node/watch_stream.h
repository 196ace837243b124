// The reactor of one live view: bounded, whatever its reader does. Log entries wait in a queue
// (when it is full the stream is ended, and the client resumes with its cursor); of frames only the
// newest waits. Of a session that another node owns, what comes from there is passed on in bytes,
// one message at a time.
#ifndef ATTUNE_SERVICES_NODE_WATCH_STREAM_H_
#define ATTUNE_SERVICES_NODE_WATCH_STREAM_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "attune/v1/live.pb.h"
#include "services/base/mutex.h"
#include "services/node/passage.h"
#include "services/node/services.h"
#include "services/node/streams.h"

namespace attune::node {

class WatchStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          public WatchSink,
                          public PassageBack,
                          public Stream,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(const Services& services, grpc::CallbackServerContext* context);
  // Keeps itself until OnDone.
  void Begin(const grpc::ByteBuffer& request);

  // WatchSink.
  void Send(v1::WatchEvent event) override;
  void OfferFrame(v1::FrameEnvelope frame) override;
  void ReplaceFrame(v1::FrameEnvelope frame) override;
  void Finish(absl::Status status) override;

  // PassageBack.
  void OnPassedBack(Passage& passage, grpc::ByteBuffer message) override;
  void OnPassedOn(Passage&) override {}
  void OnPassageOver(Passage& passage, const grpc::Status& status) override;

  // Stream.
  void Check(int64_t now_steady_us) override;
  void Close() override;

 private:
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void OnFound(const Claims& claims, const grpc::ByteBuffer& request,
               const absl::StatusOr<Registry::Host>& host);
  void PassOn(const std::string& address, const grpc::ByteBuffer& request);
  void MaybeWrite() ATTUNE_REQUIRES(mu_);
  void FinishWith(const grpc::Status& status) ATTUNE_REQUIRES(mu_);
  void CloseWith(const grpc::Status& status) ATTUNE_REQUIRES(mu_);

  const Services services_;
  grpc::CallbackServerContext* const context_;
  const uint64_t id_;
  std::shared_ptr<WatchStream> self_;

  Mutex mu_;
  grpc::ByteBuffer out_;  // of the write under way
  bool writing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool finishing_ ATTUNE_GUARDED_BY(mu_) = false;
  std::optional<grpc::Status> closing_ ATTUNE_GUARDED_BY(mu_);
  int64_t closing_since_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  int64_t write_since_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  std::deque<v1::WatchEvent> events_ ATTUNE_GUARDED_BY(mu_);
  std::optional<v1::FrameEnvelope> frame_ ATTUNE_GUARDED_BY(mu_);
  std::shared_ptr<SessionHost> host_ ATTUNE_GUARDED_BY(mu_);
  std::shared_ptr<Passage> passage_ ATTUNE_GUARDED_BY(mu_);  // while it is passed on
  std::optional<grpc::ByteBuffer> passed_ ATTUNE_GUARDED_BY(mu_);
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_WATCH_STREAM_H_
