// Vectors whose memory begins at a multiple of 64 bytes, so that no load of the kernels crosses a
// cache line.
#ifndef ATTUNE_SERVICES_SYNCHRONY_KERNEL_ALIGNED_H_
#define ATTUNE_SERVICES_SYNCHRONY_KERNEL_ALIGNED_H_

#include <cstddef>
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

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_KERNEL_ALIGNED_H_
