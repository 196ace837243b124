#include "edge/client/grpc_transport.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <utility>
#include <vector>

#include "attune/v1/edge.grpc.pb.h"
#include "edge/client/trace.h"

namespace attune::edge {

namespace {

// After a cancellation gRPC reports the end at once; this only bounds a destructor.
constexpr int64_t kTeardownUs = 5'000'000;

}  // namespace

// Shared with streams that gRPC is still tearing down.
struct GrpcTransport::Inbox {
  Mutex mu;
  CondVar changed;
  std::deque<StreamEvent> events ATTUNE_GUARDED_BY(mu);
  const Stream* current ATTUNE_GUARDED_BY(mu) = nullptr;  // whose events count
  bool woken ATTUNE_GUARDED_BY(mu) = false;
  size_t streams ATTUNE_GUARDED_BY(mu) = 0;  // not over yet
  // Streams that are over. They, and with them their channels, are let go on the owner's thread:
  // gRPC's callback threads end with the last channel, and none of them can wait for its own end.
  std::vector<std::shared_ptr<Stream>> over ATTUNE_GUARDED_BY(mu);
};

// One call. Keeps itself alive until OnDone, and is then left to the owner. A hold keeps OnDone
// away while writes may still be started from outside; it is released when reading has ended or the
// stream is given up.
class GrpcTransport::Stream final : public grpc::ClientBidiReactor<v1::EdgeUp, v1::EdgeDown> {
 public:
  Stream(const Clock& clock, std::shared_ptr<Inbox> inbox, std::shared_ptr<grpc::Channel> channel)
      : clock_(clock), inbox_(std::move(inbox)), stub_(v1::EdgeService::NewStub(channel)) {}

  void Start(std::shared_ptr<Stream> self) {
    self_ = std::move(self);
    SendTrace(context_);
    stub_->async()->Stream(&context_, this);
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  bool Ready() {
    MutexLock lock(mu_);
    return held_ && !half_closing_ && outgoing_.size() < kMostOutgoing;
  }

  void Send(const v1::EdgeUp& message) {
    MutexLock lock(mu_);
    if (!held_ || half_closing_) return;
    outgoing_.push_back(message);
    WriteNext();
  }

  void HalfClose() {
    MutexLock lock(mu_);
    if (!held_ || half_closing_) return;
    half_closing_ = true;
    WriteNext();
  }

  void GiveUp() {
    context_.TryCancel();
    ReleaseHold();
  }

  // After the inbox was drained.
  void ReadOn() {
    MutexLock lock(mu_);
    if (!read_paused_ || !held_) return;
    read_paused_ = false;
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      ReleaseHold();
      return;
    }
    StreamEvent event;
    event.kind = StreamEvent::Kind::kMessage;
    event.at_us = clock_.SteadyMicros();
    event.message = std::move(incoming_);
    incoming_.Clear();
    const bool full = Push(std::move(event)) >= kMostIncoming;
    MutexLock lock(mu_);
    if (full && held_) {
      read_paused_ = true;
    } else {
      StartRead(&incoming_);
    }
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mu_);
      writing_ = false;
      if (ok) {
        outgoing_.pop_front();
        WriteNext();
      } else {
        outgoing_.clear();  // the stream is broken; OnDone follows
        half_closing_ = true;
        writes_done_ = true;
      }
    }
    Push(StreamEvent{StreamEvent::Kind::kWritable, clock_.SteadyMicros(), {}, {}});
  }

  void OnDone(const grpc::Status& status) override {
    StreamEvent event;
    event.kind = StreamEvent::Kind::kClosed;
    event.at_us = clock_.SteadyMicros();
    event.closed =
        absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
    Push(std::move(event));
    const std::shared_ptr<Inbox> inbox = inbox_;  // `this` may be gone before the lock is released
    MutexLock lock(inbox->mu);
    inbox->over.push_back(std::move(self_));
    --inbox->streams;
    inbox->changed.NotifyAll();
  }

 private:
  // At most one write is outstanding.
  void WriteNext() ATTUNE_REQUIRES(mu_) {
    if (writing_ || !held_) return;
    if (!outgoing_.empty()) {
      writing_ = true;
      StartWrite(&outgoing_.front());
    } else if (half_closing_ && !writes_done_) {
      writes_done_ = true;
      StartWritesDone();
    }
  }

  void ReleaseHold() {
    {
      MutexLock lock(mu_);
      if (!held_) return;
      held_ = false;
    }
    RemoveHold();  // not under the mutex: OnDone may follow from inside
  }

  // Number of events that now wait.
  size_t Push(StreamEvent event) {
    MutexLock lock(inbox_->mu);
    if (inbox_->current != this) return 0;
    inbox_->events.push_back(std::move(event));
    inbox_->changed.NotifyAll();
    return inbox_->events.size();
  }

  const Clock& clock_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<v1::EdgeService::Stub> stub_;
  grpc::ClientContext context_;
  std::shared_ptr<Stream> self_;
  v1::EdgeDown incoming_;

  Mutex mu_;
  std::deque<v1::EdgeUp> outgoing_ ATTUNE_GUARDED_BY(mu_);
  bool writing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool half_closing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool writes_done_ ATTUNE_GUARDED_BY(mu_) = false;
  bool held_ ATTUNE_GUARDED_BY(mu_) = true;
  bool read_paused_ ATTUNE_GUARDED_BY(mu_) = false;
};

GrpcTransport::GrpcTransport(const Clock& clock, ChannelOptions options)
    : clock_(clock), options_(std::move(options)), inbox_(std::make_shared<Inbox>()) {}

GrpcTransport::~GrpcTransport() {
  Abort();
  {
    MutexLock lock(inbox_->mu);
    const int64_t until_us = clock_.SteadyMicros() + kTeardownUs;
    while (inbox_->streams > 0) {
      const int64_t left_us = until_us - clock_.SteadyMicros();
      if (left_us <= 0) break;
      inbox_->changed.WaitFor(inbox_->mu, left_us);
    }
  }
  LetGo();
}

void GrpcTransport::LetGo() {
  std::vector<std::shared_ptr<Stream>> over;
  MutexLock lock(inbox_->mu);
  over.swap(inbox_->over);
}

void GrpcTransport::Open(const std::string& address) {
  Abort();
  LetGo();
  auto channel = MakeChannel(address, options_);
  if (!channel.ok()) {
    MutexLock lock(inbox_->mu);
    inbox_->events.push_back(
        {StreamEvent::Kind::kClosed, clock_.SteadyMicros(), {}, channel.status()});
    return;
  }
  stream_ = std::make_shared<Stream>(clock_, inbox_, *std::move(channel));
  {
    MutexLock lock(inbox_->mu);
    inbox_->current = stream_.get();
    ++inbox_->streams;
  }
  stream_->Start(stream_);
}

bool GrpcTransport::Ready() const { return stream_ != nullptr && stream_->Ready(); }

void GrpcTransport::Send(const v1::EdgeUp& message) {
  if (stream_ != nullptr) stream_->Send(message);
}

void GrpcTransport::HalfClose() {
  if (stream_ != nullptr) stream_->HalfClose();
}

void GrpcTransport::Abort() {
  {
    MutexLock lock(inbox_->mu);
    inbox_->current = nullptr;
    inbox_->events.clear();
  }
  if (stream_ == nullptr) return;
  stream_->GiveUp();
  stream_.reset();
}

void GrpcTransport::Wait(int64_t timeout_us) {
  MutexLock lock(inbox_->mu);
  if (inbox_->events.empty() && !inbox_->woken && timeout_us > 0) {
    inbox_->changed.WaitFor(inbox_->mu, timeout_us);
  }
  inbox_->woken = false;
}

void GrpcTransport::Wake() {
  MutexLock lock(inbox_->mu);
  inbox_->woken = true;
  inbox_->changed.NotifyAll();
}

bool GrpcTransport::Next(StreamEvent* event) {
  bool drained = false;
  {
    MutexLock lock(inbox_->mu);
    if (inbox_->events.empty()) return false;
    *event = std::move(inbox_->events.front());
    inbox_->events.pop_front();
    drained = inbox_->events.empty();
  }
  if (drained && stream_ != nullptr) stream_->ReadOn();
  return true;
}

}  // namespace attune::edge
