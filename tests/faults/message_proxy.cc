#include "tests/faults/message_proxy.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/mutex.h"

namespace attune::faults {
namespace {

constexpr char kStream[] = "/attune.v1.EdgeService/Stream";

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

// One call, both halves of it. Each half keeps the call alive until gRPC is done with that half.
class Call : public std::enable_shared_from_this<Call> {
 public:
  using Gone = std::function<void(const Call*)>;
  Call(MessageFaults& faults, grpc::GenericCallbackServerContext* context, uint64_t number,
       Gone gone)
      : faults_(faults),
        context_(context),
        method_(context->method()),
        number_(number),
        gone_(std::move(gone)),
        server_(*this),
        client_(*this) {}
  ~Call() { gone_(this); }

  grpc::ServerGenericBidiReactor* Start(grpc::GenericStub& stub) {
    server_self_ = client_self_ = shared_from_this();
    for (const auto& [key, value] : context_->client_metadata()) {
      const std::string name(key.data(), key.size());
      // All that the contract uses; another one may be what a flipped bit made of it.
      if (name != "authorization") continue;
      client_context_.AddMetadata(name, std::string(value.data(), value.size()));
    }
    stub.PrepareBidiStreamingCall(&client_context_, method_, {}, &client_);
    client_.AddHold();  // writes come from the other half
    client_.StartRead(&client_.in);
    client_.StartCall();
    server_.StartRead(&server_.in);
    return &server_;
  }

  void Cut() {
    {
      MutexLock lock(mu_);
      FinishServer({grpc::StatusCode::UNAVAILABLE, "the connection was cut"});
    }
    client_context_.TryCancel();
    ReleaseClient();
  }

 private:
  struct Server final : grpc::ServerGenericBidiReactor {
    explicit Server(Call& call) : call(call) {}
    void OnReadDone(bool ok) override { call.OnUp(ok); }
    void OnWriteDone(bool ok) override { call.OnDownWritten(ok); }
    void OnCancel() override {
      call.client_context_.TryCancel();
      call.ReleaseClient();
      MutexLock lock(call.mu_);
      call.FinishServer(grpc::Status::CANCELLED);
    }
    void OnDone() override { const auto last = std::move(call.server_self_); }
    Call& call;
    grpc::ByteBuffer in, out;
  };
  struct Client final : grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
    explicit Client(Call& call) : call(call) {}
    void OnReadDone(bool ok) override { call.OnDown(ok); }
    void OnWriteDone(bool ok) override { call.OnUpWritten(ok); }
    void OnDone(const grpc::Status& status) override {
      call.OnClientDone(status);
      const auto last = std::move(call.client_self_);
    }
    Call& call;
    grpc::ByteBuffer in, out;
  };

  // What becomes of a message; false: the call is cut.
  bool Judge(Direction direction, const grpc::ByteBuffer& message,
             std::deque<grpc::ByteBuffer>& waiting) {
    if (method_ != kStream) {
      waiting.push_back(message);
      return true;
    }
    std::string bytes = BytesOf(message);
    const Action action = faults_.Decide(direction, number_, &bytes);
    if (action == Action::kCut) return false;
    if (action == Action::kDrop) return true;
    waiting.push_back(action == Action::kSpoil ? BufferOf(bytes) : message);
    if (action == Action::kDouble) waiting.push_back(message);
    return true;
  }

  void OnUp(bool ok) {
    bool cut = false;
    {
      MutexLock lock(mu_);
      if (ok) {
        cut = !Judge(Direction::kUp, server_.in, up_);
        server_.in.Clear();
      } else {
        up_ended_ = true;
      }
      WriteUp();
      if (ok && !cut && !finished_) {
        if (up_.size() < MessageProxy::kMostWaiting) {
          server_.StartRead(&server_.in);
        } else {
          up_paused_ = true;
        }
      }
    }
    if (cut) Cut();
  }

  void OnDown(bool ok) {
    if (!ok) {
      ReleaseClient();  // OnDone follows
      return;
    }
    bool cut = false;
    {
      MutexLock lock(mu_);
      cut = !Judge(Direction::kDown, client_.in, down_);
      client_.in.Clear();
      WriteDown();
      if (!cut && held_) {
        if (down_.size() < MessageProxy::kMostWaiting) {
          client_.StartRead(&client_.in);
        } else {
          down_paused_ = true;
        }
      }
    }
    if (cut) Cut();
  }

  void WriteUp() ATTUNE_REQUIRES(mu_) {
    if (up_writing_ || !held_) return;
    if (!up_.empty()) {
      up_writing_ = true;
      client_.out = std::move(up_.front());
      up_.pop_front();
      client_.StartWrite(&client_.out);
    } else if (up_ended_ && !std::exchange(up_end_told_, true)) {
      client_.StartWritesDone();
    }
  }

  void OnUpWritten(bool ok) {
    MutexLock lock(mu_);
    up_writing_ = false;
    if (!ok) up_.clear();
    if (ok) WriteUp();
    if (up_paused_ && !finished_ && up_.size() < MessageProxy::kMostWaiting) {
      up_paused_ = false;
      server_.StartRead(&server_.in);
    }
  }

  void WriteDown() ATTUNE_REQUIRES(mu_) {
    if (down_writing_ || finished_) return;
    if (!down_.empty()) {
      down_writing_ = true;
      server_.out = std::move(down_.front());
      down_.pop_front();
      server_.StartWrite(&server_.out);
    } else if (client_done_) {
      FinishServer(status_);
    }
  }

  void OnDownWritten(bool ok) {
    MutexLock lock(mu_);
    down_writing_ = false;
    if (!ok) {
      FinishServer({grpc::StatusCode::UNAVAILABLE, "the client is gone"});
      return;
    }
    WriteDown();
    if (down_paused_ && held_ && down_.size() < MessageProxy::kMostWaiting) {
      down_paused_ = false;
      client_.StartRead(&client_.in);
    }
  }

  void OnClientDone(const grpc::Status& status) {
    MutexLock lock(mu_);
    client_done_ = true;
    status_ = status;
    WriteDown();
  }

  void FinishServer(const grpc::Status& status) ATTUNE_REQUIRES(mu_) {
    if (std::exchange(finished_, true)) return;
    server_.Finish(status);
  }

  void ReleaseClient() {
    {
      MutexLock lock(mu_);
      if (!std::exchange(held_, false)) return;
    }
    client_.RemoveHold();  // not under the mutex: OnDone may follow from inside
  }

  MessageFaults& faults_;
  grpc::GenericCallbackServerContext* const context_;
  const std::string method_;
  const uint64_t number_;
  const Gone gone_;
  grpc::ClientContext client_context_;
  Server server_;
  Client client_;
  std::shared_ptr<Call> server_self_, client_self_;

  Mutex mu_;
  std::deque<grpc::ByteBuffer> up_ ATTUNE_GUARDED_BY(mu_), down_ ATTUNE_GUARDED_BY(mu_);
  bool up_writing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool up_paused_ ATTUNE_GUARDED_BY(mu_) = false;
  bool up_ended_ ATTUNE_GUARDED_BY(mu_) = false;
  bool up_end_told_ ATTUNE_GUARDED_BY(mu_) = false;
  bool down_writing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool down_paused_ ATTUNE_GUARDED_BY(mu_) = false;
  bool held_ ATTUNE_GUARDED_BY(mu_) = true;  // the client half may still be written to
  bool client_done_ ATTUNE_GUARDED_BY(mu_) = false;
  bool finished_ ATTUNE_GUARDED_BY(mu_) = false;  // the server half
  grpc::Status status_ ATTUNE_GUARDED_BY(mu_);
};

class MessageProxy::Service final : public grpc::CallbackGenericService {
 public:
  Service(const std::string& target, MessageFaults& faults)
      : faults_(faults), stub_([&] {
          grpc::ChannelArguments arguments;
          arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
          arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
          // A server that was killed is found again at once.
          arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
          arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
          arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
          return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
        }()) {}

  absl::Status Serve() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Agents ask whether the connection is alive more often than servers like by default.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return absl::UnavailableError("cannot listen on 127.0.0.1");
    address_ = absl::StrCat("127.0.0.1:", port);
    return absl::OkStatus();
  }

  void Stop() {
    if (server_ == nullptr) return;
    CutAll();
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    MutexLock lock(mu_);
    while (!calls_.empty()) changed_.Wait(mu_);
  }

  void CutAll() {
    std::vector<std::shared_ptr<Call>> calls;
    {
      MutexLock lock(mu_);
      for (const auto& [raw, call] : calls_) {
        if (std::shared_ptr<Call> alive = call.lock()) calls.push_back(std::move(alive));
      }
    }
    for (const auto& call : calls) call->Cut();
  }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    uint64_t number = 0;
    {
      MutexLock lock(mu_);
      number = ++streams_;
    }
    const auto call = std::make_shared<Call>(faults_, context, number, [this](const Call* gone) {
      MutexLock lock(mu_);
      calls_.erase(gone);
      changed_.NotifyAll();
    });
    grpc::ServerGenericBidiReactor* const reactor = call->Start(stub_);
    MutexLock lock(mu_);
    calls_[call.get()] = call;  // only now can it be cut
    return reactor;
  }

  const std::string& address() const { return address_; }

 private:
  MessageFaults& faults_;
  grpc::GenericStub stub_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  Mutex mu_;
  CondVar changed_;
  std::map<const Call*, std::weak_ptr<Call>> calls_ ATTUNE_GUARDED_BY(mu_);
  uint64_t streams_ ATTUNE_GUARDED_BY(mu_) = 0;
};

MessageProxy::MessageProxy(std::unique_ptr<Service> service) : service_(std::move(service)) {}

MessageProxy::~MessageProxy() { service_->Stop(); }

absl::StatusOr<std::unique_ptr<MessageProxy>> MessageProxy::Start(const std::string& target,
                                                                  MessageFaults& faults) {
  auto service = std::make_unique<Service>(target, faults);
  const absl::Status serving = service->Serve();
  if (!serving.ok()) return serving;
  return std::unique_ptr<MessageProxy>(new MessageProxy(std::move(service)));
}

const std::string& MessageProxy::address() const { return service_->address(); }
void MessageProxy::CutAll() { service_->CutAll(); }

}  // namespace attune::faults
