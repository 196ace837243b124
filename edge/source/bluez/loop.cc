#include "edge/source/bluez/loop.h"

#include <poll.h>
#include <sdbus-c++/sdbus-c++.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace attune::edge {
namespace {

// So many messages are taken before timers and posted work have their turn.
constexpr int kMostMessagesPerRound = 64;
constexpr int kLongestWaitMs = 60'000;

}  // namespace

BusLoop::BusLoop(const Clock& clock)
    : clock_(clock), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), thread_([this] { Run(); }) {}

BusLoop::~BusLoop() {
  Stop();
  close(wake_fd_);
}

void BusLoop::Post(Task task) {
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    posted_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void BusLoop::PostAndWait(Task task) {
  Mutex mu;
  CondVar changed;
  bool done = false;
  Post([&] {
    task();
    MutexLock lock(mu);
    done = true;
    changed.NotifyAll();
  });
  MutexLock lock(mu);
  while (!done) changed.Wait(mu);
}

void BusLoop::Stop(Task last) {
  if (!thread_.joinable()) return;
  Post([this, &last] {
    if (last) last();
    MutexLock lock(mu_);
    stopping_ = true;
  });
  thread_.join();
}

uint64_t BusLoop::At(int64_t steady_us, Task task) {
  timers_[next_timer_] = {steady_us, std::move(task)};
  return next_timer_++;
}

void BusLoop::Cancel(uint64_t timer) { timers_.erase(timer); }

void BusLoop::Watch(int fd, Task readable) { watched_[fd] = std::move(readable); }

void BusLoop::Unwatch(int fd) { watched_.erase(fd); }

void BusLoop::Serve(sdbus::IConnection* connection,
                    std::function<void(const std::string&)> broken) {
  connection_ = connection;
  broken_ = std::move(broken);
}

void BusLoop::RunPosted() {
  std::vector<Task> tasks;
  {
    MutexLock lock(mu_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) task();
}

void BusLoop::RunTimers() {
  std::vector<std::pair<int64_t, uint64_t>> due;
  const int64_t now = now_us();
  for (const auto& [id, timer] : timers_) {
    if (timer.at_us <= now) due.emplace_back(timer.at_us, id);
  }
  std::sort(due.begin(), due.end());
  for (const auto& [at_us, id] : due) {
    auto timer = timers_.extract(id);  // may have been cancelled by one before it
    if (!timer.empty()) timer.mapped().task();
  }
}

void BusLoop::ServeConnection() {
  if (connection_ == nullptr) return;
  std::string failure;
  try {
    for (int i = 0; i < kMostMessagesPerRound; ++i) {
      if (connection_ == nullptr || !connection_->processPendingRequest()) return;
    }
    return;
  } catch (const sdbus::Error& error) {
    failure = error.what();
  }
  connection_ = nullptr;
  if (broken_) std::exchange(broken_, {})(failure);
}

void BusLoop::WaitForEvents() {
  std::vector<pollfd> fds = {{wake_fd_, POLLIN, 0}};
  for (const auto& [fd, task] : watched_) fds.push_back({fd, POLLIN, 0});
  int64_t wait_ms = kLongestWaitMs;
  if (connection_ != nullptr) {
    try {
      const auto data = connection_->getEventLoopPollData();
      fds.push_back({data.fd, data.events, 0});
      const int bus_ms = data.getPollTimeout();
      if (bus_ms >= 0) wait_ms = std::min<int64_t>(wait_ms, bus_ms);
    } catch (const sdbus::Error&) {
      wait_ms = 0;  // processing it will tell
    }
  }
  const int64_t now = now_us();
  for (const auto& [id, timer] : timers_) {
    wait_ms = std::min(wait_ms, std::max<int64_t>(0, (timer.at_us - now + 999) / 1000));
  }
  if (poll(fds.data(), fds.size(), static_cast<int>(wait_ms)) <= 0) return;
  if (fds[0].revents != 0) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof(count));
  }
  for (size_t i = 1; i < fds.size(); ++i) {
    if (fds[i].revents == 0) continue;
    const auto found = watched_.find(fds[i].fd);
    if (found == watched_.end()) continue;
    const Task task = found->second;  // it may unwatch itself
    task();
  }
}

void BusLoop::Run() {
  while (true) {
    RunPosted();
    {
      MutexLock lock(mu_);
      if (stopping_) {
        if (posted_.empty()) return;
        continue;
      }
    }
    RunTimers();
    ServeConnection();
    WaitForEvents();
  }
}

}  // namespace attune::edge
