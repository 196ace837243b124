// Cooperative fibers: code that waits (for an answer of Redis, for a time) gives way to the
// scheduler instead of blocking the only thread there is. On ucontext(3); no exceptions cross one.
// Not for use under AddressSanitizer, which is not told of the stacks.
#ifndef ATTUNE_TESTS_SIMULATION_FIBER_H_
#define ATTUNE_TESTS_SIMULATION_FIBER_H_

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace attune::simulation {

// Stacks that are used again and again. Must outlive its fibers.
class StackPool {
 public:
  static constexpr size_t kBytes = size_t{512} << 10;
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;
  ~StackPool();
  void* Take();
  void Give(void* stack) { free_.push_back(stack); }

 private:
  std::vector<void*> free_;
};

class Fiber {
 public:
  Fiber(StackPool& stacks, std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // From outside: runs until the body waits or ends.
  void Resume();
  // From the body: back to whoever resumed it.
  void Yield();
  bool ended() const { return ended_; }

 private:
  static void Enter(unsigned low, unsigned high);

  StackPool& stacks_;
  std::function<void()> body_;
  void* stack_;
  ucontext_t inside_{}, outside_{};
  bool ended_ = false;
};

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_FIBER_H_
