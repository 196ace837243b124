// The client half of a stream that is passed on to the node that owns its session. Bytes both ways;
// of each way at most one message is here: the next is read when the last one has been written.
//
//   open --HalfClose--> half-closed --the owner ends, or Cancel--> OnPassageOver --> gone
#ifndef ATTUNE_SERVICES_NODE_PASSAGE_H_
#define ATTUNE_SERVICES_NODE_PASSAGE_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>

#include <functional>
#include <memory>
#include <string>

#include "services/base/mutex.h"

namespace attune::node {

// The server half. Called on threads of gRPC's, never from inside a call to the passage.
class PassageBack {
 public:
  virtual ~PassageBack() = default;
  // A message of the owner's; the next one comes after More.
  virtual void OnPassedBack(class Passage& passage, grpc::ByteBuffer message) = 0;
  // What was given to Write has left; the next may be given.
  virtual void OnPassedOn(class Passage& passage) = 0;
  // Last, whatever happened.
  virtual void OnPassageOver(class Passage& passage, const grpc::Status& status) = 0;
};

// Thread-safe. Keeps itself and `back` until OnPassageOver has returned.
class Passage final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // `over` is called after OnPassageOver.
  static std::shared_ptr<Passage> Open(std::shared_ptr<grpc::Channel> channel,
                                       const std::string& method,
                                       std::unique_ptr<grpc::ClientContext> context,
                                       std::shared_ptr<PassageBack> back,
                                       std::function<void(const grpc::Status&)> over);

  // One at a time: the next after OnPassedOn. `last`: HalfClose with it. False: it is over, and
  // there will be no OnPassedOn.
  bool Write(grpc::ByteBuffer message, bool last = false);
  void HalfClose();  // also while a write is under way
  void More();       // the message passed back has been written
  void Cancel();

  const grpc::ClientContext& context() const { return *context_; }
  // True once: the initial metadata has come and is to be carried back.
  bool TakeInitial();

 private:
  Passage(std::shared_ptr<grpc::Channel> channel, std::unique_ptr<grpc::ClientContext> context,
          std::shared_ptr<PassageBack> back, std::function<void(const grpc::Status&)> over);
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void LetGo();

  const std::unique_ptr<grpc::ClientContext> context_;
  grpc::GenericStub stub_;
  std::shared_ptr<PassageBack> back_;
  const std::function<void(const grpc::Status&)> over_;
  std::shared_ptr<Passage> self_;
  grpc::ByteBuffer in_;   // of the read under way
  grpc::ByteBuffer out_;  // of the write under way

  Mutex mu_;
  bool held_ ATTUNE_GUARDED_BY(mu_) = true;  // keeps OnDone away while calls may be started
  bool reading_ ATTUNE_GUARDED_BY(mu_) = true;
  bool writing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool half_closing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool half_closed_ ATTUNE_GUARDED_BY(mu_) = false;
  bool initial_ ATTUNE_GUARDED_BY(mu_) = false;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_PASSAGE_H_
