// Time, injected. Production code never asks the operating system for the time itself.
//
// Two readings, never mixed: the steady one for durations and deadlines, UTC only to say when a
// session began. All in microseconds. Every implementation is thread-safe.
#ifndef ATTUNE_SERVICES_BASE_CLOCK_H_
#define ATTUNE_SERVICES_BASE_CLOCK_H_

#include <atomic>
#include <chrono>
#include <cstdint>

namespace attune {

class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; its zero means nothing.
  virtual int64_t SteadyMicros() const = 0;
  // How much of SteadyMicros the computer has slept; 0 of clocks that do not count while it sleeps.
  virtual int64_t SuspendedMicros() const { return 0; }
  // Since the Unix epoch; may be stepped by NTP or by hand.
  virtual int64_t UtcMicros() const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t SteadyMicros() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  int64_t UtcMicros() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

// Moves only when told to; for tests and simulation.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t steady_us = 0, int64_t utc_us = 0)
      : steady_us_(steady_us), utc_us_(utc_us) {}
  int64_t SteadyMicros() const override { return steady_us_; }
  int64_t UtcMicros() const override { return utc_us_; }
  int64_t SuspendedMicros() const override { return slept_us_; }
  void Advance(int64_t by_us) {
    steady_us_ += by_us;
    utc_us_ += by_us;
  }
  // The computer sleeps, and the steady clock counts it.
  void Sleep(int64_t for_us) {
    Advance(for_us);
    slept_us_ += for_us;
  }
  // A step of the wall clock alone, as NTP or an administrator does it.
  void StepUtc(int64_t by_us) { utc_us_ += by_us; }

 private:
  std::atomic<int64_t> steady_us_;
  std::atomic<int64_t> utc_us_;
  std::atomic<int64_t> slept_us_{0};
};

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_CLOCK_H_
