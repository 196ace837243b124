// The floor of ingest: a gRPC server with the real messages and nothing behind them. It parses,
// counts and acknowledges as the node does: cumulative, one acknowledgement under way at a time.
//
//   bare_server        prints {"grpc":"127.0.0.1:PORT"} and serves until its standard input closes
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "attune/v1/edge.grpc.pb.h"
#include "services/base/mutex.h"

namespace attune::bench {
namespace {

constexpr uint32_t kCredit = 8192;

class Reactor final : public grpc::ServerBidiReactor<v1::EdgeUp, v1::EdgeDown> {
 public:
  Reactor() { StartRead(&up_); }

  void OnReadDone(bool ok) override {
    MutexLock lock(mu_);
    if (!ok) {
      reading_over_ = true;
      if (!writing_) FinishOnce();
      return;
    }
    if (up_.has_hello()) {
      welcome_due_ = true;
    } else if (up_.has_observations()) {
      received_ += up_.observations().beats().time_session_us_size();
    }
    Pump();
    StartRead(&up_);
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mu_);
    writing_ = false;
    if (reading_over_ || !ok) {
      FinishOnce();
      return;
    }
    Pump();
  }

  void OnCancel() override {}
  void OnDone() override { delete this; }

 private:
  void Pump() ATTUNE_REQUIRES(mu_) {
    if (writing_ || finished_) return;
    down_.Clear();
    down_.set_handle(1);
    if (welcome_due_) {
      welcome_due_ = false;
      down_.mutable_welcome()->set_resume_seq(1);
      down_.mutable_welcome()->set_credit(kCredit);
    } else if (received_ > acknowledged_) {
      acknowledged_ = received_;
      v1::Ack& ack = *down_.mutable_ack();
      ack.set_received_seq(acknowledged_);
      ack.set_durable_seq(acknowledged_);
      ack.set_credit(kCredit);
    } else {
      return;
    }
    writing_ = true;
    StartWrite(&down_);
  }

  void FinishOnce() ATTUNE_REQUIRES(mu_) {
    if (finished_) return;
    finished_ = true;
    Finish(grpc::Status::OK);
  }

  Mutex mu_;
  v1::EdgeUp up_;
  v1::EdgeDown down_;
  uint64_t received_ ATTUNE_GUARDED_BY(mu_) = 0;
  uint64_t acknowledged_ ATTUNE_GUARDED_BY(mu_) = 0;
  bool welcome_due_ ATTUNE_GUARDED_BY(mu_) = false;
  bool writing_ ATTUNE_GUARDED_BY(mu_) = false;
  bool reading_over_ ATTUNE_GUARDED_BY(mu_) = false;
  bool finished_ ATTUNE_GUARDED_BY(mu_) = false;
};

class BareService final : public v1::EdgeService::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::EdgeUp, v1::EdgeDown>* Stream(grpc::CallbackServerContext*) override {
    return new Reactor;
  }
};

int Main() {
  BareService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "cannot listen on loopback\n");
    return 1;
  }
  std::printf("{\"grpc\":\"127.0.0.1:%d\"}\n", port);
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  return 0;
}

}  // namespace
}  // namespace attune::bench

int main() { return attune::bench::Main(); }
