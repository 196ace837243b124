// For tests: a client that sends and takes bytes.
#ifndef ATTUNE_SERVICES_NODE_RAW_CALL_FOR_TEST_H_
#define ATTUNE_SERVICES_NODE_RAW_CALL_FOR_TEST_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/node/fake_owner_for_test.h"

namespace attune::node {

// One call in bytes, on a connection of its own with a small, fixed window.
class RawCall final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  RawCall(const std::string& address, const std::string& token) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16 * 1024);
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  }
  ~RawCall() override {
    context.TryCancel();
    if (begun_) Status();
  }

  void Begin(const char* method, bool read = true) {
    begun_ = true;
    grpc::GenericStub(channel_).PrepareBidiStreamingCall(&context, method, {}, this);
    AddHold();
    StartCall();
    if (read) ReadOn();
  }
  // At most one at a time; false when it has not left after `ms`.
  bool Write(const std::string& bytes, int ms = 20'000) {
    std::unique_lock lock(mu_);
    if (!changed_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return !writing_; })) {
      return false;
    }
    writing_ = true;
    out_ = ToBuffer(bytes);
    StartWrite(&out_);
    return true;
  }
  void HalfClose() {
    std::unique_lock lock(mu_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !writing_; });
    StartWritesDone();
  }
  void ReadOn() {
    reading_ = true;
    StartRead(&in_);
  }
  std::vector<std::string> Await(size_t messages) {
    std::unique_lock lock(mu_);
    changed_.wait_for(lock, std::chrono::seconds(20),
                      [&] { return read_ended_ || messages_.size() >= messages; });
    return messages_;
  }
  grpc::Status Status() {
    if (!reading_) ReadOn();
    std::unique_lock lock(mu_);
    if (std::exchange(held_, false)) {
      lock.unlock();
      RemoveHold();
      lock.lock();
    }
    if (!changed_.wait_for(lock, std::chrono::seconds(30), [this] { return done_; })) {
      ADD_FAILURE() << "the call goes on";
      std::abort();
    }
    return status_;
  }

  grpc::ClientContext context;

 private:
  void OnReadDone(bool ok) override {
    std::lock_guard lock(mu_);
    if (!ok) {
      read_ended_ = true;
      changed_.notify_all();
      return;
    }
    messages_.push_back(ToBytes(in_));
    changed_.notify_all();
    StartRead(&in_);
  }
  void OnWriteDone(bool) override {
    std::lock_guard lock(mu_);
    writing_ = false;
    changed_.notify_all();
  }
  void OnDone(const grpc::Status& status) override {
    std::lock_guard lock(mu_);
    status_ = status;
    done_ = true;
    changed_.notify_all();
  }

  std::shared_ptr<grpc::Channel> channel_;
  bool begun_ = false;
  std::atomic<bool> reading_{false};
  grpc::ByteBuffer in_, out_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<std::string> messages_;
  grpc::Status status_;
  bool held_ = true;  // calls may be started at any time
  bool writing_ = false;
  bool read_ended_ = false;
  bool done_ = false;
};

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_RAW_CALL_FOR_TEST_H_
