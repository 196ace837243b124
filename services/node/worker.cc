#include "services/node/worker.h"

#include <algorithm>
#include <limits>

namespace attune::node {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// How long the thread sleeps at most: bounds the harm of a clock that only tests move.
constexpr int64_t kLongestSleepUs = 50'000;

}  // namespace

Worker::Worker(const Clock& clock, size_t mailbox_limit)
    : clock_(clock), limit_(mailbox_limit), strands_(StrandsOf(clock)) {
  if (strands_ != nullptr) {
    strand_ = strands_->Start([this] { return Turn(); });
  } else {
    thread_ = std::thread([this] { Run(); });
  }
}

Worker::~Worker() { Stop(); }

bool Worker::TryPost(Task task) {
  MutexLock lock(mu_);
  if (stopping_ || mailbox_.size() >= limit_) return false;
  mailbox_.push_back(std::move(task));
  if (mailbox_.size() == 1) Wake();
  return true;
}

void Worker::Post(Task task) {
  MutexLock lock(mu_);
  if (stopped_) return;
  mailbox_.push_back(std::move(task));
  if (mailbox_.size() == 1) Wake();
}

void Worker::Wake() {
  if (strands_ != nullptr) {
    strands_->Wake(strand_);
  } else {
    wake_.NotifyOne();
  }
}

void Worker::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  if (strands_ == nullptr) return;
  strands_->Stop(strand_);
  std::deque<Task> never_run;
  {
    MutexLock lock(mu_);
    stopped_ = true;
    never_run.swap(mailbox_);
  }
  timers_.clear();
  deferred_.clear();
}

size_t Worker::waiting() const {
  MutexLock lock(mu_);
  return mailbox_.size();
}

Worker::TimerId Worker::RunAt(int64_t steady_us, Task task) {
  const TimerId id{steady_us, next_timer_++};
  timers_.emplace(id, std::move(task));
  return id;
}

void Worker::Cancel(TimerId& timer) {
  timers_.erase(timer);
  timer = kNoTimer;
}

int64_t Worker::RunTimers() {
  while (!timers_.empty()) {
    const auto first = timers_.begin();
    if (first->first.first > clock_.SteadyMicros()) return first->first.first;
    const Task task = std::move(first->second);
    timers_.erase(first);
    task();
  }
  return kNever;
}

void Worker::RunDeferred() {
  while (!deferred_.empty()) {
    std::vector<Task> tasks;
    tasks.swap(deferred_);
    for (const Task& task : tasks) task();
  }
}

int64_t Worker::Turn() {
  while (true) {
    RunTimers();
    RunDeferred();
    std::deque<Task> batch;
    {
      MutexLock lock(mu_);
      batch.swap(mailbox_);
    }
    if (batch.empty()) return timers_.empty() ? kNever : timers_.begin()->first.first;
    for (const Task& task : batch) task();
    RunDeferred();
  }
}

void Worker::Run() {
  std::deque<Task> batch;
  while (true) {
    const int64_t due = RunTimers();
    RunDeferred();
    {
      MutexLock lock(mu_);
      if (mailbox_.empty()) {
        if (stopping_) {
          stopped_ = true;
          break;
        }
        const int64_t wait = std::min(due - clock_.SteadyMicros(), kLongestSleepUs);
        if (deferred_.empty() && wait > 0) wake_.WaitFor(mu_, wait);
      }
      batch.swap(mailbox_);
    }
    for (const Task& task : batch) task();
    batch.clear();
    RunDeferred();
  }
  // Objects held by tasks that will never run are let go here, while the thread still exists.
  timers_.clear();
  deferred_.clear();
}

}  // namespace attune::node
