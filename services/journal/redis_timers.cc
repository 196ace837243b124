#include "services/journal/redis_timers.h"

#include <utility>

namespace attune::journal {

RedisTimers::RedisTimers(const Clock& clock) : clock_(clock), thread_([this] { Loop(); }) {}

RedisTimers::~RedisTimers() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void RedisTimers::After(int64_t after_us, std::function<void()> call) {
  {
    MutexLock lock(mu_);
    calls_.emplace(clock_.SteadyMicros() + after_us, std::move(call));
  }
  changed_.NotifyAll();
}

void RedisTimers::Loop() {
  while (true) {
    std::function<void()> call;
    {
      MutexLock lock(mu_);
      while (!stopping_) {
        if (calls_.empty()) {
          changed_.Wait(mu_);
          continue;
        }
        const int64_t left_us = calls_.begin()->first - clock_.SteadyMicros();
        if (left_us <= 0) break;
        changed_.WaitFor(mu_, left_us);
      }
      if (stopping_) return;
      call = std::move(calls_.begin()->second);
      calls_.erase(calls_.begin());
    }
    call();
  }
}

}  // namespace attune::journal
