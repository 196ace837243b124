#include "tests/simulation/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

namespace attune::simulation {

StackPool::~StackPool() {
  for (void* stack : free_) munmap(stack, kBytes);
}

void* StackPool::Take() {
  if (!free_.empty()) {
    void* stack = free_.back();
    free_.pop_back();
    return stack;
  }
  void* stack =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  // Running over the end must be seen at once.
  if (stack == MAP_FAILED || mprotect(stack, 4096, PROT_NONE) != 0) std::abort();
  return stack;
}

Fiber::Fiber(StackPool& stacks, std::function<void()> body)
    : stacks_(stacks), body_(std::move(body)), stack_(stacks.Take()) {
  if (getcontext(&inside_) != 0) std::abort();
  inside_.uc_stack.ss_sp = stack_;
  inside_.uc_stack.ss_size = StackPool::kBytes;
  inside_.uc_link = &outside_;
  const auto self = reinterpret_cast<uintptr_t>(this);
  // makecontext passes ints: the address in two halves.
  makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::Enter), 2,
              static_cast<unsigned>(self & 0xffff'ffff), static_cast<unsigned>(self >> 32));
}

Fiber::~Fiber() { stacks_.Give(stack_); }

void Fiber::Enter(unsigned low, unsigned high) {
  auto* self =
      reinterpret_cast<Fiber*>(static_cast<uintptr_t>(low) | (static_cast<uintptr_t>(high) << 32));
  self->body_();
  self->body_ = nullptr;
  self->ended_ = true;
}

void Fiber::Resume() {
  if (ended_ || swapcontext(&outside_, &inside_) != 0) std::abort();
}

void Fiber::Yield() {
  if (swapcontext(&inside_, &outside_) != 0) std::abort();
}

}  // namespace attune::simulation
