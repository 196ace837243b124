// Vectors whose memory begins at a multiple of 64 bytes, so that no load of the kernels crosses a
// cache line; and one piece of memory that many share.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_ALIGNED_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_ALIGNED_H_

#include <cstddef>
#include <memory_resource>
#include <new>
#include <vector>

namespace attune::synchrony {

template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <typename U>
  explicit(false) AlignedAllocator(const AlignedAllocator<U>&) {}

  T* allocate(size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kAlignment));
  }
  void deallocate(T* memory, size_t) { ::operator delete(memory, kAlignment); }

  template <typename U>
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator<U>&) {
    return true;
  }
};

template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

// A piece of `memory`, cut up from the front for what lies side by side. What it cannot hold comes
// from `memory` too.
class Room {
 public:
  Room(size_t bytes, std::pmr::memory_resource* memory)
      : lines_((bytes + sizeof(Line) - 1) / sizeof(Line), memory),
        memory_(lines_.data(), this->bytes(), memory) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  std::pmr::memory_resource* memory() { return &memory_; }
  const void* data() const { return lines_.data(); }
  size_t bytes() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::pmr::vector<Line> lines_;
  std::pmr::monotonic_buffer_resource memory_;
};

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_ALIGNED_H_
