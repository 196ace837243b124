// Calls that are to be made later: on a thread of their own.
#ifndef ATTUNE_SERVICES_JOURNAL_REDIS_TIMERS_H_
#define ATTUNE_SERVICES_JOURNAL_REDIS_TIMERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <thread>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace attune::journal {

class RedisTimers {
 public:
  // `clock` must outlive it; it is the steady one of the system, or nothing comes in time.
  explicit RedisTimers(const Clock& clock);
  // What is still to come is dropped.
  ~RedisTimers();
  RedisTimers(const RedisTimers&) = delete;
  RedisTimers& operator=(const RedisTimers&) = delete;

  void After(int64_t after_us, std::function<void()> call);

 private:
  void Loop();

  const Clock& clock_;
  Mutex mu_;
  CondVar changed_;
  std::multimap<int64_t, std::function<void()>> calls_ ATTUNE_GUARDED_BY(mu_);
  bool stopping_ ATTUNE_GUARDED_BY(mu_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_REDIS_TIMERS_H_
