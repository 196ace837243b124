#include "services/base/huge_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace attune {
namespace {

struct Block {
  unsigned char* at;
  size_t bytes;
  size_t alignment;
  unsigned char fill;
};

// Splitmix64's steps: any numbers will do.
uint64_t Next(uint64_t* state) {
  uint64_t x = *state += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  return x ^ (x >> 31);
}

void UseAtRandom(HugeMemory* memory, uint64_t seed) {
  std::vector<Block> blocks;
  const auto give_back = [&](size_t i) {
    const Block block = blocks[i];
    for (size_t at : {size_t{0}, block.bytes / 2, block.bytes - 1}) {
      ASSERT_EQ(block.at[at], block.fill) << block.bytes;
    }
    memory->deallocate(block.at, block.bytes, block.alignment);
    blocks[i] = blocks.back();
    blocks.pop_back();
  };
  for (int step = 0; step < 4000; ++step) {
    Block block;
    block.bytes = 1 + Next(&seed) % (size_t{1} << (1 + Next(&seed) % 19));
    block.alignment = size_t{1} << (Next(&seed) % 8);
    block.fill = static_cast<unsigned char>(step);
    block.at = static_cast<unsigned char*>(memory->allocate(block.bytes, block.alignment));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block.at) % block.alignment, 0u) << block.bytes;
    std::memset(block.at, block.fill, block.bytes);
    blocks.push_back(block);
    if (blocks.size() > 100) give_back(Next(&seed) % blocks.size());
  }
  while (!blocks.empty()) give_back(blocks.size() - 1);
}

TEST(HugeMemoryTest, BlocksAreAlignedAndNobodyElses) {
  HugeMemory memory;
  UseAtRandom(&memory, 1);
  EXPECT_GT(memory.SlabBytes(), 0u);
}

TEST(HugeMemoryTest, ThreadsShareIt) {
  HugeMemory memory;
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([&memory, seed] { UseAtRandom(&memory, seed); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(HugeMemoryTest, WhatIsGivenBackIsUsedAgain) {
  HugeMemory memory;
  size_t after_first = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(memory.allocate(12'288, 64));
    for (void* block : blocks) memory.deallocate(block, 12'288, 64);
    if (round == 0) after_first = memory.SlabBytes();
  }
  EXPECT_EQ(after_first, HugeMemory::kSlabBytes);
  EXPECT_EQ(memory.SlabBytes(), after_first);
}

TEST(HugeMemoryTest, RoundsUpByAnEighthAtMostAndKeepsNeighboursTogether) {
  for (const size_t bytes : {size_t{1}, size_t{17}, size_t{1000}, size_t{1025}, size_t{1153},
                             size_t{5000}, size_t{131'073}, HugeMemory::kLargest}) {
    HugeMemory memory;
    auto* const first = static_cast<unsigned char*>(memory.allocate(bytes, 8));
    auto* const second = static_cast<unsigned char*>(memory.allocate(bytes, 8));
    const auto apart = static_cast<size_t>(second - first);
    EXPECT_GE(apart, bytes);
    EXPECT_LE(apart, bytes <= 1024 ? bytes + 15 : bytes + bytes / 8);
    memory.deallocate(first, bytes, 8);
    memory.deallocate(second, bytes, 8);
  }
}

TEST(HugeMemoryTest, LargeBlocksAreNotCutFromSlabs) {
  HugeMemory memory;
  void* block = memory.allocate(HugeMemory::kLargest + 1, 8);
  EXPECT_EQ(memory.SlabBytes(), 0u);
  memory.deallocate(block, HugeMemory::kLargest + 1, 8);
}

}  // namespace
}  // namespace attune
