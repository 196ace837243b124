#include "edge/ctl/watch_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <thread>
#include <utility>

#include "edge/ctl/terminal.h"
#include "edge/words/json.h"

namespace attune::edge {
namespace {

constexpr int64_t kRedrawLeastUs = 250'000;  // four times a second at most
constexpr int64_t kRedrawMostUs = 500'000;   // ages and clocks go on without events

sigset_t WatchSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}) sigaddset(&set, signal);
  return set;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class Loop {
 public:
  Loop(Environment& environment, const WatchLoopOptions& options, WatchState& state, int wake_fd)
      : environment_(environment),
        options_(options),
        state_(state),
        wake_fd_(wake_fd),
        signals_(MakeSignalFd()),
        terminal_(STDIN_FILENO, STDOUT_FILENO),
        started_us_(environment.clock.SteadyMicros()) {}

  // True when a person or a signal ended it.
  bool Run() {
    if (options_.output == WatchOutput::kLive) terminal_.Enter();
    bool by_person = false;
    while (!by_person && !state_.result() && !state_.output_failed() && LeftUs() > 0) {
      Show();
      by_person = WaitForSomething();
    }
    if (options_.output == WatchOutput::kPlain) ShowPlain();
    terminal_.Leave();
    return by_person;
  }

 private:
  static int MakeSignalFd() {
    const sigset_t set = WatchSignals();
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  }

  int64_t Now() const { return environment_.clock.SteadyMicros(); }
  int64_t LeftUs() const {
    if (options_.for_us == 0) return std::numeric_limits<int64_t>::max();
    return started_us_ + options_.for_us - Now();
  }

  void Show() {
    if (options_.output == WatchOutput::kJsonLines) return;
    const int64_t now_us = Now();
    if (options_.output == WatchOutput::kPlain) {
      // The first one is not worth showing before anything is known.
      if (shown_us_ == 0) shown_us_ = now_us;
      if (now_us - shown_us_ >= options_.every_us) ShowPlain();
      return;
    }
    if (shown_us_ != 0 && now_us - shown_us_ < kRedrawLeastUs) return;
    shown_us_ = now_us;
    const auto [columns, rows] = terminal_.Size();
    terminal_.Draw(Render(state_.model(), now_us, {columns, rows, options_.look}), columns);
  }

  void ShowPlain() {
    shown_us_ = Now();
    for (const std::string& line :
         Render(state_.model(), shown_us_, {options_.columns, 0, options_.look})) {
      environment_.out << line << "\n";
    }
    environment_.out << std::endl;
  }

  // Until an event, a key, a signal, or the time of the next drawing. True: end.
  bool WaitForSomething() {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {wake_fd_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    const bool keys = options_.output == WatchOutput::kLive && environment_.in_is_terminal;
    int64_t wait_us = kRedrawMostUs;
    if (options_.output != WatchOutput::kJsonLines && shown_us_ != 0 && dirty_) {
      wait_us = std::max<int64_t>(0, shown_us_ + kRedrawLeastUs - Now());
    }
    wait_us = std::min(wait_us, std::max<int64_t>(0, LeftUs()));
    poll(fds, keys ? 3 : 2, static_cast<int>((wait_us + 999) / 1000));
    dirty_ = false;
    if (fds[1].revents != 0) {
      uint64_t count;
      dirty_ = read(wake_fd_, &count, sizeof count) > 0;
    }
    return HandleSignals() || (keys && fds[2].revents != 0 && HandleKeys());
  }

  bool HandleSignals() {
    signalfd_siginfo info;
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
      switch (static_cast<int>(info.ssi_signo)) {
        case SIGWINCH:
          terminal_.Forget();
          shown_us_ = 0;
          break;
        case SIGTSTP:
          // As if we had never caught it: give the screen back, stop, take it again.
          terminal_.Leave();
          raise(SIGSTOP);
          if (options_.output == WatchOutput::kLive) terminal_.Enter();
          break;
        default:
          return true;
      }
    }
    return false;
  }

  static bool HandleKeys() {
    char keys[64];
    const ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
    if (count <= 0) return count == 0;  // the terminal went away
    return std::find_if(keys, keys + count, [](char c) { return c == 'q' || c == 'Q'; }) !=
           keys + count;
  }

  Environment& environment_;
  const WatchLoopOptions& options_;
  WatchState& state_;
  const int wake_fd_;
  FileDescriptor signals_;
  Terminal terminal_;
  const int64_t started_us_;
  int64_t shown_us_ = 0;
  bool dirty_ = false;
};

}  // namespace

WatchState::WatchState(const Clock& clock, std::function<bool(const v1::WatchEvent&)> line,
                       int wake_fd)
    : clock_(clock), line_(std::move(line)), wake_fd_(wake_fd) {}

void WatchState::OnEvent(const v1::WatchEvent& event) {
  {
    MutexLock lock(mu_);
    model_.Apply(event, clock_.SteadyMicros());
    if (line_ && !output_failed_) output_failed_ = !line_(event);
  }
  Wake();
}

void WatchState::OnHistory(const v1::HistoryResponse& history) {
  {
    MutexLock lock(mu_);
    model_.ApplyHistory(history);
  }
  Wake();
}

void WatchState::OnLink(WatchModel::Link link, const std::string& reason, int64_t retry_at_us) {
  {
    MutexLock lock(mu_);
    model_.SetLink(link, reason, retry_at_us);
  }
  Wake();
}

void WatchState::SetResult(const absl::Status& status) {
  {
    MutexLock lock(mu_);
    result_ = status;
  }
  Wake();
}

WatchModel WatchState::model() {
  MutexLock lock(mu_);
  return model_;
}

std::optional<absl::Status> WatchState::result() {
  MutexLock lock(mu_);
  return result_;
}

bool WatchState::output_failed() {
  MutexLock lock(mu_);
  return output_failed_;
}

void WatchState::Wake() {
  const uint64_t one = 1;
  // A full counter has woken the loop already.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

void BlockWatchSignals() {
  const sigset_t set = WatchSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

WatchResult RunWatchLoop(v1::LiveService::StubInterface& stub, Environment& environment,
                         const WatchOptions& client_options, const WatchLoopOptions& options) {
  const FileDescriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  std::function<bool(const v1::WatchEvent&)> line;
  if (options.output == WatchOutput::kJsonLines) {
    line = [&](const v1::WatchEvent& event) {
      environment.out << JsonLine(event) << std::endl;
      return static_cast<bool>(environment.out);
    };
  }
  WatchState state(environment.clock, line, wake.get());
  WatchClient client(stub, environment.clock, environment.random, state, client_options);
  std::thread thread([&] { state.SetResult(client.Run()); });
  WatchResult result;
  result.by_person = Loop(environment, options, state, wake.get()).Run();
  client.Stop();
  thread.join();
  result.client = state.result().value_or(absl::CancelledError("stopped"));
  result.model = state.model();
  return result;
}

}  // namespace attune::edge
