#include "edge/agent/joiner.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attune/v1/session.grpc.pb.h"
#include "edge/client/trace.h"

namespace attune::edge {
namespace {

constexpr int64_t kLongestHintMs = 600'000;

// UNKNOWN and INTERNAL are what gRPC makes of a connection that broke within a call; no node
// answers with them.
bool IsPassing(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNKNOWN || code == grpc::StatusCode::INTERNAL ||
         code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED ||
         code == grpc::StatusCode::ABORTED || code == grpc::StatusCode::CANCELLED;
}

bool IsExhausted(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

// When the node says how long to wait.
std::optional<int64_t> RetryAfterUs(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("retry-after-ms");
  if (found == trailers.end()) return std::nullopt;
  int64_t ms = 0;
  const char* end = found->second.data() + found->second.size();
  const auto [at, error] = std::from_chars(found->second.data(), end, ms);
  if (error != std::errc() || at != end || ms < 0) return std::nullopt;
  return std::min(ms, kLongestHintMs) * 1000;
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

Joiner::Joiner(std::vector<std::string> addresses, ChannelOptions channel, const Clock& clock,
               RandomSource& random, std::function<void()> wake)
    : addresses_(std::move(addresses)),
      channel_(std::move(channel)),
      clock_(clock),
      random_(random),
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
  tasks_.push_back({std::move(task), Backoff(random_), 0, false});
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

bool Joiner::Take(std::list<Pending>* one) {
  MutexLock lock(mu_);
  while (!stopping_) {
    const int64_t now_us = clock_.SteadyMicros();
    const auto next =
        std::min_element(tasks_.begin(), tasks_.end(), [](const Pending& a, const Pending& b) {
          return a.due_us < b.due_us;  // of equals the first
        });
    if (next != tasks_.end() && next->due_us <= now_us) {
      one->splice(one->end(), tasks_, next);
      return true;
    }
    changed_.WaitFor(mu_, next == tasks_.end() ? 1'000'000 : next->due_us - now_us);
  }
  return false;
}

void Joiner::Run() {
  std::list<Pending> one;
  while (Take(&one)) {
    Pending& pending = one.front();
    JoinResult result;
    result.handle = pending.task.handle;
    int64_t hint_us = 0;
    if (Try(pending.task, &result, &hint_us)) {
      Publish(std::move(result));
      one.clear();
      continue;
    }
    address_ = (address_ + 1) % addresses_.size();
    if (!std::exchange(pending.said, true)) {
      result.trying = true;
      Publish(std::move(result));
    }
    pending.due_us = clock_.SteadyMicros() + pending.backoff.NextDelayUs(hint_us);
    MutexLock lock(mu_);
    tasks_.splice(tasks_.end(), one);
  }
}

bool Joiner::Try(const JoinTask& task, JoinResult* result, int64_t* hint_us) {
  const std::string& address = addresses_[address_];
  auto channel = MakeChannel(address, channel_);
  if (!channel.ok()) {
    result->status = channel.status();
    return true;
  }
  const auto stub = v1::SessionService::NewStub(*channel);
  grpc::ClientContext context;
  SendTrace(context);
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
  if (const auto hint = RetryAfterUs(context); hint && IsExhausted(status)) {
    *hint_us = *hint;
    result->status = absl::ResourceExhaustedError(
        absl::StrCat("the server asks to wait (", status.error_message(), "); trying again then"));
    return false;
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
