#include "services/base/huge_memory.h"

#include <sys/mman.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace attune {
namespace {

constexpr size_t kStep = 16;
constexpr size_t kLine = 64;
constexpr size_t kFine = 1024;  // up to here in steps of kStep, then eight to a doubling

size_t RoundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

struct Size {
  size_t number;
  size_t bytes;
};

// Of a block that holds `bytes`, 1 .. HugeMemory::kLargest. What is aligned to lines is as long as
// some, so that every block of that size may be aligned.
Size SizeOf(size_t bytes, size_t alignment) {
  bytes = RoundUp(bytes, alignment > kStep ? kLine : kStep);
  if (bytes <= kFine) return {bytes / kStep - 1, bytes};
  // 2^(power) < bytes <= 2^(power + 1)
  const auto power = static_cast<size_t>(std::bit_width(bytes - 1) - 1);
  const size_t step = size_t{1} << (power - 3);
  const size_t rounded = RoundUp(bytes, step);
  return {kFine / kStep + (power - 10) * 8 + (rounded >> (power - 3)) - 9, rounded};
}

// A slab that begins at a multiple of its length, as a large page must; null: no memory.
std::byte* MapSlab() {
  constexpr size_t kBytes = HugeMemory::kSlabBytes;
  void* mapped =
      mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before = (kBytes - reinterpret_cast<uintptr_t>(mapped) % kBytes) % kBytes;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + kBytes, kBytes - before);
  // A kernel without large pages says no: then there are ordinary ones.
  madvise(begin + before, kBytes, MADV_HUGEPAGE);
  return begin + before;
}

bool FromSlabs(size_t bytes, size_t alignment) {
  return bytes <= HugeMemory::kLargest && alignment <= kLine;
}

}  // namespace

HugeMemory::~HugeMemory() {
  for (std::byte* slab : slabs_) munmap(slab, kSlabBytes);
}

size_t HugeMemory::SlabBytes() const {
  MutexLock lock(mutex_);
  return slabs_.size() * kSlabBytes;
}

void* HugeMemory::do_allocate(size_t bytes, size_t alignment) {
  if (!FromSlabs(bytes, alignment)) return ::operator new (bytes, std::align_val_t{alignment});
  const Size size = SizeOf(bytes == 0 ? 1 : bytes, alignment);
  MutexLock lock(mutex_);
  if (Free* block = free_[size.number]; block != nullptr) {
    free_[size.number] = block->next;
    return block;
  }
  std::byte* const block = Cut(size.bytes);
  if (block == nullptr) std::abort();  // as a new without a handler
  return block;
}

void HugeMemory::do_deallocate(void* block, size_t bytes, size_t alignment) {
  if (!FromSlabs(bytes, alignment)) {
    return ::operator delete (block, bytes, std::align_val_t{alignment});
  }
  const Size size = SizeOf(bytes == 0 ? 1 : bytes, alignment);
  MutexLock lock(mutex_);
  free_[size.number] = new (block) Free{free_[size.number]};
}

std::byte* HugeMemory::Cut(size_t bytes) {
  if (bytes % kLine == 0) used_ = RoundUp(used_, kLine);
  if (used_ + bytes > kSlabBytes) {
    std::byte* const slab = MapSlab();
    if (slab == nullptr) return nullptr;
    slabs_.push_back(slab);
    used_ = 0;
  }
  std::byte* const block = slabs_.back() + used_;
  used_ += bytes;
  return block;
}

}  // namespace attune
