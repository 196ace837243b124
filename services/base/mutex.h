// std::mutex with Clang's thread-safety annotations. std::mutex rather than absl::Mutex, because
// ThreadSanitizer sees its operations (Debian's Abseil is not instrumented).
#ifndef ATTUNE_SERVICES_BASE_MUTEX_H_
#define ATTUNE_SERVICES_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#if defined(__clang__)
#define ATTUNE_TSA(x) __attribute__((x))
#else
#define ATTUNE_TSA(x)
#endif
#define ATTUNE_CAPABILITY ATTUNE_TSA(capability("mutex"))
#define ATTUNE_SCOPED_CAPABILITY ATTUNE_TSA(scoped_lockable)
#define ATTUNE_GUARDED_BY(mu) ATTUNE_TSA(guarded_by(mu))
#define ATTUNE_REQUIRES(...) ATTUNE_TSA(requires_capability(__VA_ARGS__))
#define ATTUNE_EXCLUDES(...) ATTUNE_TSA(locks_excluded(__VA_ARGS__))
#define ATTUNE_ACQUIRE(...) ATTUNE_TSA(acquire_capability(__VA_ARGS__))
#define ATTUNE_RELEASE(...) ATTUNE_TSA(release_capability(__VA_ARGS__))

namespace attune {

class ATTUNE_CAPABILITY Mutex {
 public:
  void Lock() ATTUNE_ACQUIRE() { mu_.lock(); }
  void Unlock() ATTUNE_RELEASE() { mu_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mu_;
};

class ATTUNE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mu) ATTUNE_ACQUIRE(mu) : mu_(mu) { mu_.Lock(); }
  ~MutexLock() ATTUNE_RELEASE() { mu_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

// Wait in a loop that re-checks the condition: spurious wake-ups happen.
class CondVar {
 public:
  void Wait(Mutex& mu) ATTUNE_REQUIRES(mu) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  // False when the time ran out first.
  bool WaitFor(Mutex& mu, int64_t timeout_us) ATTUNE_REQUIRES(mu) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    const auto status = cv_.wait_for(lock, std::chrono::microseconds(timeout_us));
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_MUTEX_H_
