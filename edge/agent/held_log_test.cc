#include "edge/agent/held_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace attune::edge {
namespace {

class HeldLogTest : public ::testing::Test {
 protected:
  HeldLogTest() : path_(::testing::TempDir() + "/held." + std::to_string(getpid())) {}
  ~HeldLogTest() override { std::filesystem::remove(path_); }
  static SourceBeat Beat(uint32_t rr_1024, int64_t time_us, bool gap = false) {
    return {rr_1024, time_us, gap, 0};
  }
  const std::string path_;
  const std::string boot_ = std::string(36, 'a');
};

TEST_F(HeldLogTest, GivesBackWhatWasHeldAndNothingThatWasCleared) {
  {
    HeldLog log(path_, boot_);
    EXPECT_TRUE(log.TakeLeft(1).empty());
    log.Append(Beat(800, 10), 1);
    log.Clear(2);
    log.Append(Beat(810, 20, true), 5);  // other beats came meanwhile
    log.Append(Beat(820, 30), 5);
  }
  HeldLog log(path_, boot_);
  const auto left = log.TakeLeft(5);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].rr_1024, 810u);
  EXPECT_EQ(left[0].time_us, 20);
  EXPECT_TRUE(left[0].gap_before);
  EXPECT_EQ(left[1].rr_1024, 820u);
  EXPECT_FALSE(left[1].gap_before);
}

TEST_F(HeldLogTest, ItStaysUntilItIsCleared) {
  {
    HeldLog log(path_, boot_);
    log.TakeLeft(1);
    log.Append(Beat(800, 10), 1);
  }
  {
    HeldLog log(path_, boot_);
    ASSERT_EQ(log.TakeLeft(1).size(), 1u);
    log.Append(Beat(801, 20), 1);  // killed again before the clock was known
  }
  HeldLog log(path_, boot_);
  EXPECT_EQ(log.TakeLeft(1).size(), 2u);
  log.Clear(3);
  HeldLog after(path_, boot_);
  EXPECT_TRUE(after.TakeLeft(3).empty());
}

TEST_F(HeldLogTest, WhatWasStampedOrIsOfAnotherStartOfTheComputerCountsForNothing) {
  const auto write = [this] {
    HeldLog log(path_, boot_);
    log.TakeLeft(1);
    log.Clear(1);
    log.Append(Beat(800, 10), 1);
  };
  write();
  EXPECT_TRUE(HeldLog(path_, boot_).TakeLeft(2).empty()) << "number 1 was given to a beat";
  write();
  EXPECT_TRUE(HeldLog(path_, std::string(36, 'b')).TakeLeft(1).empty());
  write();
  EXPECT_TRUE(HeldLog(path_, "").TakeLeft(1).empty());
  HeldLog gone(path_, boot_);
  gone.Remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(HeldLogTest, ATornOrDamagedFileGivesWhatIsWholeAndNeverMore) {
  {
    HeldLog log(path_, boot_);
    log.TakeLeft(1);
    for (int i = 0; i < 5; ++i) log.Append(Beat(800 + static_cast<uint32_t>(i), i), 1);
  }
  std::ifstream in(path_, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_EQ(whole.size(), 56u + 5 * 20);
  for (size_t size = 0; size <= whole.size(); ++size) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    const size_t expected = size < 56 ? 0 : (size - 56) / 20;
    EXPECT_EQ(HeldLog(path_, boot_).TakeLeft(1).size(), expected) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string spoilt = whole;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x10);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << spoilt;
    const auto left = HeldLog(path_, boot_).TakeLeft(1);
    EXPECT_EQ(left.size(), at < 56 ? 0 : (at - 56) / 20) << at;
    for (size_t i = 0; i < left.size(); ++i) EXPECT_EQ(left[i].rr_1024, 800 + i);
  }
}

TEST_F(HeldLogTest, NoMoreThanTheLimit) {
  {
    HeldLog log(path_, boot_);
    log.TakeLeft(1);
    for (size_t i = 0; i < HeldLog::kMost + 10; ++i) log.Append(Beat(800, 1), 1);
  }
  EXPECT_EQ(HeldLog(path_, boot_).TakeLeft(1).size(), HeldLog::kMost);
}

}  // namespace
}  // namespace attune::edge
