#include "edge/agent/joiner.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attune/v1/session.grpc.pb.h"

namespace attune::edge {
namespace {

// UNKNOWN and INTERNAL are what gRPC makes of a connection that broke within a call; no node
// answers with them.
bool IsPassing(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNKNOWN || code == grpc::StatusCode::INTERNAL ||
         code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED ||
         code == grpc::StatusCode::ABORTED || code == grpc::StatusCode::CANCELLED;
}

absl::Status InWords(const grpc::Status& status, const std::string& address) {
  std::string words;
  switch (status.error_code()) {
    case grpc::StatusCode::NOT_FOUND:
      words = "there is no open session with this code: check the code and the server";
      break;
    case grpc::StatusCode::UNAUTHENTICATED:
      words = "the token is not valid (any more): join with the session's code";
      break;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      words = "too many tries or too many people: wait a minute, then check the code";
      break;
    case grpc::StatusCode::FAILED_PRECONDITION:
      words = "the session does not take anybody any more";
      break;
    case grpc::StatusCode::UNIMPLEMENTED:
      words = absl::StrCat(address, " is no Attune node: check --server");
      break;
    default:
      words = "cannot join";
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      absl::StrCat(words, " (", status.error_message(), ")"));
}

}  // namespace

Joiner::Joiner(std::vector<std::string> addresses, ChannelOptions channel, RandomSource& random,
               std::function<void()> wake)
    : addresses_(std::move(addresses)),
      channel_(std::move(channel)),
      backoff_(random),
      wake_(std::move(wake)),
      thread_([this] { Run(); }) {}

Joiner::~Joiner() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    if (call_ != nullptr) call_->TryCancel();
    changed_.NotifyAll();
  }
  thread_.join();
}

void Joiner::Submit(JoinTask task) {
  MutexLock lock(mu_);
  tasks_.push_back(std::move(task));
  changed_.NotifyAll();
}

bool Joiner::Next(JoinResult* result) {
  MutexLock lock(mu_);
  if (results_.empty()) return false;
  *result = std::move(results_.front());
  results_.pop_front();
  return true;
}

void Joiner::Publish(JoinResult result) {
  {
    MutexLock lock(mu_);
    results_.push_back(std::move(result));
  }
  wake_();
}

void Joiner::Run() {
  while (true) {
    JoinTask task;
    {
      MutexLock lock(mu_);
      while (tasks_.empty() && !stopping_) changed_.WaitFor(mu_, 1'000'000);
      if (stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    backoff_.Reset();
    bool said = false;
    while (true) {
      JoinResult result;
      result.handle = task.handle;
      if (Try(task, &result)) {
        Publish(std::move(result));
        break;
      }
      address_ = (address_ + 1) % addresses_.size();
      if (!std::exchange(said, true)) {
        result.trying = true;
        Publish(std::move(result));
      }
      const int64_t delay_us = backoff_.NextDelayUs();
      MutexLock lock(mu_);
      if (!stopping_ && delay_us > 0) changed_.WaitFor(mu_, delay_us);
      if (stopping_) return;
    }
  }
}

bool Joiner::Try(const JoinTask& task, JoinResult* result) {
  const std::string& address = addresses_[address_];
  auto channel = MakeChannel(address, channel_);
  if (!channel.ok()) {
    result->status = channel.status();
    return true;
  }
  const auto stub = v1::SessionService::NewStub(*channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(kDeadlineMs));
  {
    MutexLock lock(mu_);
    if (stopping_) return false;
    call_ = &context;
  }
  grpc::Status status;
  if (task.token.empty()) {
    v1::JoinSessionResponse response;
    status = stub->JoinSession(&context, task.request, &response);
    result->session = response.session();
    result->participant = response.participant();
    result->token = response.token();
    result->token_expires_utc_us = response.token_expires_utc_us();
  } else {
    v1::GetSessionResponse response;
    context.AddMetadata("authorization", "Bearer " + task.token);
    status = stub->GetSession(&context, {}, &response);
    result->session = response.session();
    result->participant = response.participant();
    result->token = task.token;
  }
  {
    MutexLock lock(mu_);
    call_ = nullptr;
  }
  if (status.ok()) {
    if (result->participant == 0) {
      result->status = absl::InvalidArgumentError("this is not a participant's token");
    }
    return true;
  }
  if (IsPassing(status.error_code())) {
    result->status =
        absl::UnavailableError(absl::StrCat("cannot reach ", address, "; trying until it answers"));
    return false;
  }
  result->status = InWords(status, address);
  return true;
}

}  // namespace attune::edge
