#include "tests/bench/ingest_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "attune/v1/edge.grpc.pb.h"
#include "services/base/mutex.h"

namespace attune::bench {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What all streams of a run share.
struct Run {
  Mutex mu;
  CondVar changed;
  int streams_open ATTUNE_GUARDED_BY(mu) = 0;
  int streams_working ATTUNE_GUARDED_BY(mu) = 0;
  IngestResult result ATTUNE_GUARDED_BY(mu);
  std::atomic<bool> stop{false};
  std::atomic<double> last_ack_s{0};
};

class Stream final : public grpc::ClientBidiReactor<v1::EdgeUp, v1::EdgeDown> {
 public:
  Stream(v1::EdgeService::Stub& stub, const IngestPlan& plan, const std::string& token, int index,
         Run& run)
      : plan_(plan), run_(run) {
    up_.set_handle(1);
    v1::Hello& hello = *up_.mutable_hello();
    hello.set_token(token);
    std::string boot(16, '\0');
    boot[0] = static_cast<char>(index & 0xff);
    boot[1] = static_cast<char>(index >> 8);
    hello.set_boot_id(boot);
    hello.set_next_seq(1);
    hello.set_oldest_retained_seq(1);
    hello.set_agent("bench");
    stub.async()->Stream(&context_, this);
    StartRead(&down_);
    StartWrite(&up_);
    AddHold();  // Writes also start when credit comes, outside of a write's own reaction.
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mu_);
    writing_ = false;
    if (ok) Pump();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish();
      return;
    }
    bool done = false;
    {
      MutexLock lock(mu_);
      if (down_.has_welcome()) {
        credit_through_ = static_cast<int64_t>(down_.welcome().credit());
        next_time_us_ = down_.welcome().session().now_session_us();
        up_.Clear();
        up_.set_handle(1);
        Pump();
      } else if (down_.has_ack()) {
        const v1::Ack& ack = down_.ack();
        acknowledged_ = static_cast<int64_t>(ack.received_seq());
        durable_ = static_cast<int64_t>(ack.durable_seq());
        credit_through_ = acknowledged_ + ack.credit();
        run_.last_ack_s = Now();
        Pump();
      } else if (down_.has_refusal() || down_.has_closed()) {
        MutexLock run_lock(run_.mu);
        ++run_.result.refusals;
        if (run_.result.first_refusal.empty()) run_.result.first_refusal = down_.ShortDebugString();
        finished_sending_ = true;
      }
      done = finished_sending_ && durable_ >= sent_;
    }
    if (done) {
      Finish();
      return;
    }
    StartRead(&down_);
  }

  void OnDone(const grpc::Status&) override {
    MutexLock lock(run_.mu);
    run_.result.beats_acknowledged += acknowledged_;
    run_.result.beats_durable += durable_;
    if (!reported_) --run_.streams_working;
    --run_.streams_open;
    run_.changed.NotifyAll();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  void Finish() {
    {
      MutexLock lock(mu_);
      if (finished_) return;
      finished_ = true;
    }
    {
      MutexLock lock(run_.mu);
      reported_ = true;
      --run_.streams_working;
      run_.changed.NotifyAll();
    }
    context_.TryCancel();
    RemoveHold();
  }

  // Sends the next message if one may go.
  void Pump() ATTUNE_REQUIRES(mu_) {
    if (writing_ || finished_ || finished_sending_) return;
    if (run_.stop || (plan_.beats_per_stream > 0 && sent_ >= plan_.beats_per_stream)) {
      finished_sending_ = true;
      return;
    }
    const int count = plan_.beats_per_message;
    if (sent_ + count > credit_through_) return;
    v1::Observations& out = *up_.mutable_observations();
    out.set_first_seq(static_cast<uint64_t>(sent_) + 1);
    v1::Beats& beats = *out.mutable_beats();
    beats.clear_time_session_us();
    beats.clear_rr_1024();
    for (int i = 0; i < count; ++i) {
      beats.add_time_session_us(next_time_us_);
      beats.add_rr_1024(870);
      next_time_us_ += plan_.step_us;
    }
    out.set_complete_through_session_us(next_time_us_ - plan_.step_us);
    sent_ += count;
    writing_ = true;
    StartWrite(&up_);
  }

  const IngestPlan& plan_;
  Run& run_;
  grpc::ClientContext context_;
  Mutex mu_;
  v1::EdgeUp up_;
  v1::EdgeDown down_;
  int64_t sent_ ATTUNE_GUARDED_BY(mu_) = 0;
  int64_t acknowledged_ = 0;
  int64_t durable_ = 0;
  int64_t credit_through_ ATTUNE_GUARDED_BY(mu_) = 0;
  int64_t next_time_us_ ATTUNE_GUARDED_BY(mu_) = 0;
  bool writing_ ATTUNE_GUARDED_BY(mu_) = true;  // the Hello
  bool finished_sending_ ATTUNE_GUARDED_BY(mu_) = false;
  bool finished_ ATTUNE_GUARDED_BY(mu_) = false;
  bool reported_ = false;
};

}  // namespace

absl::StatusOr<IngestResult> RunIngest(const IngestPlan& plan) {
  std::vector<std::unique_ptr<v1::EdgeService::Stub>> stubs;
  for (int i = 0; i < plan.connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto channel =
        grpc::CreateCustomChannel(plan.address, grpc::InsecureChannelCredentials(), arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(5))) {
      return absl::UnavailableError("no server at " + plan.address);
    }
    stubs.push_back(v1::EdgeService::NewStub(channel));
  }
  Run run;
  {
    MutexLock lock(run.mu);
    run.streams_open = run.streams_working = static_cast<int>(plan.tokens.size());
  }
  const double start_s = Now();
  run.last_ack_s = start_s;
  std::vector<std::unique_ptr<Stream>> streams;
  for (size_t i = 0; i < plan.tokens.size(); ++i) {
    streams.push_back(std::make_unique<Stream>(*stubs[i % stubs.size()], plan, plan.tokens[i],
                                               static_cast<int>(i), run));
  }
  const double deadline_s = start_s + plan.seconds;
  const double give_up_s = deadline_s + 30;
  MutexLock lock(run.mu);
  while (run.streams_working > 0 && Now() < give_up_s) {
    run.changed.WaitFor(run.mu, 20'000);
    if (Now() >= deadline_s) run.stop = true;
  }
  const bool in_time = run.streams_working == 0;
  if (!in_time) {
    for (auto& stream : streams) stream->Cancel();
  }
  while (run.streams_open > 0) {
    if (!run.changed.WaitFor(run.mu, 10'000'000)) {
      return absl::DeadlineExceededError("streams did not finish");
    }
  }
  run.result.seconds = run.last_ack_s - start_s;
  if (!in_time) return absl::DeadlineExceededError("acknowledgements did not come");
  return run.result;
}

}  // namespace attune::bench
