// Memory for much that lives long and is read once in a while: on pages of 2 MiB.
//
// A CPU remembers where some thousand pages lie. With ordinary ones (4 KiB) that covers a few
// megabytes, and whoever goes through more has nearly every page looked up again; with large ones
// it covers gigabytes. Blocks lie one behind the other in slabs for which the kernel is asked for
// transparent huge pages (madvise). Where it gives none, all works as with ordinary memory.
//
// A block that is given back serves the next of its size; slabs stay until the end. Sizes are
// rounded up to 16 bytes, above 1 KiB by an eighth at most. Blocks of more than 256 KiB, and what
// must be aligned to more than 64 bytes, come from operator new. Any thread may allocate and give
// back; all blocks must be back before this goes.
#ifndef ATTUNE_SERVICES_BASE_HUGE_MEMORY_H_
#define ATTUNE_SERVICES_BASE_HUGE_MEMORY_H_

#include <array>
#include <cstddef>
#include <memory_resource>
#include <vector>

#include "services/base/mutex.h"

namespace attune {

class HugeMemory : public std::pmr::memory_resource {
 public:
  static constexpr size_t kSlabBytes = size_t{2} << 20;
  static constexpr size_t kLargest = size_t{256} << 10;

  HugeMemory() = default;
  ~HugeMemory() override;
  HugeMemory(const HugeMemory&) = delete;
  HugeMemory& operator=(const HugeMemory&) = delete;

  // Of all slabs.
  size_t SlabBytes() const;

 private:
  // A block that nobody uses.
  struct Free {
    Free* next;
  };
  static constexpr size_t kSizes = 128;

  void* do_allocate(size_t bytes, size_t alignment) override;
  void do_deallocate(void* block, size_t bytes, size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
  // The next `bytes` of a slab; null when the system has no more.
  std::byte* Cut(size_t bytes) ATTUNE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::array<Free*, kSizes> free_ ATTUNE_GUARDED_BY(mutex_){};
  std::vector<std::byte*> slabs_ ATTUNE_GUARDED_BY(mutex_);
  size_t used_ ATTUNE_GUARDED_BY(mutex_) = kSlabBytes;  // of the last slab
};

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_HUGE_MEMORY_H_
