// What takes the place of threads where there is only one and time is made: in a simulation. Code
// that would start a thread, or wait for another one, asks its clock whether it is such a one.
#ifndef ATTUNE_SERVICES_BASE_STRANDS_H_
#define ATTUNE_SERVICES_BASE_STRANDS_H_

#include <cstdint>
#include <functional>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace attune {

class Strands {
 public:
  virtual ~Strands() = default;
  // Calls `turn` soon, after every Wake, and when the steady time has come that it returned last.
  // Turns of one strand never overlap; one may wait in Await. Returns the strand's number.
  virtual uint64_t Start(std::function<int64_t()> turn) = 0;
  virtual void Wake(uint64_t strand) = 0;
  // No more turns.
  virtual void Stop(uint64_t strand) = 0;
  // In a turn: others go on until `ready` says true; false when that took longer than `within_us`.
  virtual bool Await(const std::function<bool()>& ready, int64_t within_us) = 0;
};

class StrandClock : public Clock {
 public:
  virtual Strands& strands() const = 0;
};

// Null: threads are threads.
inline Strands* StrandsOf(const Clock& clock) {
  const auto* simulated = dynamic_cast<const StrandClock*>(&clock);
  return simulated == nullptr ? nullptr : &simulated->strands();
}

// Opened once, by whoever answers; its one waiter goes on then, and may destroy it.
class Latch {
 public:
  explicit Latch(const Clock& clock) : strands_(StrandsOf(clock)) {}
  void Open() {
    MutexLock lock(mu_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Wait() {
    while (strands_ != nullptr && !strands_->Await([this] { return IsOpen(); }, kLongUs)) {
    }
    MutexLock lock(mu_);
    while (!open_) changed_.Wait(mu_);
  }

 private:
  static constexpr int64_t kLongUs = int64_t{3600} * 1'000'000;
  bool IsOpen() {
    MutexLock lock(mu_);
    return open_;
  }
  Strands* const strands_;
  Mutex mu_;
  CondVar changed_;
  bool open_ ATTUNE_GUARDED_BY(mu_) = false;
};

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_STRANDS_H_
