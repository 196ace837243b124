// For tests: stands where the owner of a session would, takes any call as bytes, and answers as it
// is told to.
#ifndef ATTUNE_SERVICES_NODE_FAKE_OWNER_FOR_TEST_H_
#define ATTUNE_SERVICES_NODE_FAKE_OWNER_FOR_TEST_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace attune::node {

inline grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}
inline std::string ToBytes(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return "";
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

// How calls are answered.
struct OwnerScript {
  std::vector<std::string> messages;
  size_t repeat = 1;  // all of them so many times
  bool echo = false;  // what comes in goes back, and nothing else
  bool read = true;   // false: takes nothing in
  bool hold = false;  // neither answers nor ends before it is cancelled
  grpc::Status status;
  std::multimap<std::string, std::string> initial, trailing;
};

// What it has seen of a call.
struct SeenCall {
  std::string method;
  std::vector<std::string> messages;
  std::multimap<std::string, std::string> metadata;
  std::chrono::system_clock::time_point deadline;
  size_t written = 0;
  bool half_closed = false;
  bool cancelled = false;
  bool over = false;
};

class FakeOwner : public grpc::CallbackGenericService {
 public:
  FakeOwner() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~FakeOwner() override { Die(); }

  const std::string& address() const { return address_; }
  void Script(OwnerScript script) {
    std::lock_guard lock(mu_);
    script_ = std::move(script);
  }
  std::vector<SeenCall> Calls() {
    std::lock_guard lock(mu_);
    std::vector<SeenCall> calls;
    for (const auto& call : calls_) calls.push_back(*call);
    return calls;
  }
  SeenCall Last() {
    const auto calls = Calls();
    return calls.empty() ? SeenCall() : calls.back();
  }
  void Die() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

 private:
  class Call final : public grpc::ServerGenericBidiReactor {
   public:
    Call(FakeOwner& owner, grpc::GenericCallbackServerContext& context, OwnerScript script,
         std::shared_ptr<SeenCall> seen)
        : owner_(owner), script_(std::move(script)), seen_(std::move(seen)) {
      seen_->method = context.method();
      seen_->deadline = context.deadline();
      for (const auto& [key, value] : context.client_metadata()) {
        seen_->metadata.emplace(std::string(key.data(), key.size()),
                                std::string(value.data(), value.size()));
      }
      for (const auto& [key, value] : script_.initial) context.AddInitialMetadata(key, value);
      for (const auto& [key, value] : script_.trailing) context.AddTrailingMetadata(key, value);
      left_ = script_.messages.size() * script_.repeat;
      if (script_.read) StartRead(&in_);
    }

   private:
    void OnReadDone(bool ok) override {
      std::lock_guard lock(owner_.mu_);
      if (!ok) {
        seen_->half_closed = true;
        if (!script_.hold && script_.echo) FinishOnce(script_.status);
        return;
      }
      seen_->messages.push_back(ToBytes(in_));
      if (script_.hold) {
        StartRead(&in_);
      } else if (script_.echo) {
        out_ = in_;
        StartWrite(&out_);
      } else if (seen_->messages.size() == 1) {
        Write();
      }
    }
    void OnWriteDone(bool ok) override {
      std::lock_guard lock(owner_.mu_);
      if (!ok) {
        FinishOnce(grpc::Status::CANCELLED);
        return;
      }
      ++seen_->written;
      if (script_.echo) {
        StartRead(&in_);
      } else {
        Write();
      }
    }
    void OnCancel() override {
      std::lock_guard lock(owner_.mu_);
      seen_->cancelled = true;
      FinishOnce(grpc::Status::CANCELLED);
    }
    void OnDone() override {
      {
        std::lock_guard lock(owner_.mu_);
        seen_->over = true;
      }
      delete this;
    }
    void Write() {
      if (left_ == 0) {
        FinishOnce(script_.status);
        return;
      }
      const size_t total = script_.messages.size() * script_.repeat;
      out_ = ToBuffer(script_.messages[(total - left_--) % script_.messages.size()]);
      StartWrite(&out_);
    }
    void FinishOnce(const grpc::Status& status) {
      if (finished_) return;
      finished_ = true;
      Finish(status);
    }

    FakeOwner& owner_;
    const OwnerScript script_;
    const std::shared_ptr<SeenCall> seen_;
    grpc::ByteBuffer in_, out_;
    size_t left_ = 0;
    bool finished_ = false;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    std::lock_guard lock(mu_);
    calls_.push_back(std::make_shared<SeenCall>());
    return new Call(*this, *context, script_, calls_.back());
  }

  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::mutex mu_;
  OwnerScript script_;
  std::vector<std::shared_ptr<SeenCall>> calls_;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_FAKE_OWNER_FOR_TEST_H_
