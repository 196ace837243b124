// The clock of programs that run on people's own machines: its steady reading counts while the
// computer sleeps (CLOCK_BOOTTIME; std::chrono::steady_clock stands still then, and beats after the
// sleep would be stamped as if it had not been). Steps of the wall clock do not touch it. Its zero
// is the start of the computer: no steady time is kept over a restart of the program.
#ifndef ATTUNE_EDGE_CLIENT_EDGE_CLOCK_H_
#define ATTUNE_EDGE_CLIENT_EDGE_CLOCK_H_

#include <time.h>

#include <cstdint>

#include "services/base/clock.h"

namespace attune::edge {

// Thread-safe.
class EdgeClock final : public Clock {
 public:
  int64_t SteadyMicros() const override { return Read(CLOCK_BOOTTIME); }
  int64_t SuspendedMicros() const override {
    // Readings with something else in between say nothing; the last attempt errs to the low side.
    for (int attempt = 0;; ++attempt) {
      const int64_t before_us = Read(CLOCK_MONOTONIC);
      const int64_t with_sleep_us = Read(CLOCK_BOOTTIME);
      const int64_t after_us = Read(CLOCK_MONOTONIC);
      if (after_us - before_us < 1'000 || attempt == 10) return with_sleep_us - after_us;
    }
  }
  int64_t UtcMicros() const override { return Read(CLOCK_REALTIME); }

 private:
  static int64_t Read(clockid_t which) {
    timespec now = {};
    clock_gettime(which, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  }
};

// Tells when the computer has slept. Not thread-safe.
class SleepWatch {
 public:
  // Less is how the two readings differ by chance.
  static constexpr int64_t kLeastUs = 100'000;
  explicit SleepWatch(const Clock& clock) : clock_(clock), known_us_(clock.SuspendedMicros()) {}
  // True once after each sleep.
  bool Slept() {
    const int64_t slept_us = clock_.SuspendedMicros();
    if (slept_us - known_us_ < kLeastUs) return false;
    known_us_ = slept_us;
    return true;
  }

 private:
  const Clock& clock_;
  int64_t known_us_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CLIENT_EDGE_CLOCK_H_
