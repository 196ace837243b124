#include "edge/source/bluez/hr_measurement.h"

#include <gtest/gtest.h>

namespace attune::edge {
namespace {

using Bytes = std::vector<uint8_t>;

HrMeasurement Decoded(const Bytes& bytes) {
  const auto result = DecodeHrMeasurement(bytes);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *result : HrMeasurement{};
}

std::vector<uint32_t> Intervals(const HrMeasurement& measurement) {
  std::vector<uint32_t> rr;
  for (const HrInterval& interval : measurement.intervals) rr.push_back(interval.rr_1024);
  return rr;
}

// What a Polar H10 on the skin sends: contact supported and detected, one interval.
TEST(HrMeasurement, PolarH10) {
  const auto got = Decoded({0x16, 0x3c, 0x00, 0x04});
  EXPECT_EQ(got.bpm, 60);
  EXPECT_EQ(got.contact, true);
  EXPECT_EQ(got.energy_kj, std::nullopt);
  EXPECT_EQ(Intervals(got), std::vector<uint32_t>{1024});
  EXPECT_FALSE(got.intervals[0].gap_before);
  EXPECT_FALSE(got.gap_after);
}

// A client that steps over one byte of a 16-bit heart rate reads 0x0000 and 0x0004 as intervals.
TEST(HrMeasurement, SixteenBitHeartRateMovesTheIntervals) {
  const auto got = Decoded({0x17, 0x2c, 0x01, 0x00, 0x04, 0x10, 0x04});
  EXPECT_EQ(got.bpm, 300);
  EXPECT_EQ(Intervals(got), (std::vector<uint32_t>{1024, 1040}));
  EXPECT_EQ(got.zero_intervals, 0);
}

TEST(HrMeasurement, EnergyLiesBeforeTheIntervals) {
  const auto eight = Decoded({0x1e, 0x50, 0xe8, 0x03, 0x20, 0x03});
  EXPECT_EQ(eight.bpm, 80);
  EXPECT_EQ(eight.energy_kj, 1000);
  EXPECT_EQ(Intervals(eight), std::vector<uint32_t>{800});
  const auto sixteen = Decoded({0x1f, 0x50, 0x00, 0xff, 0xff, 0x20, 0x03, 0x21, 0x03});
  EXPECT_EQ(sixteen.bpm, 80);
  EXPECT_EQ(sixteen.energy_kj, 65535);
  EXPECT_EQ(Intervals(sixteen), (std::vector<uint32_t>{800, 801}));
}

TEST(HrMeasurement, NoIntervalIsNoError) {
  const auto flag_without_interval = Decoded({0x16, 0x30});
  EXPECT_EQ(flag_without_interval.bpm, 48);
  EXPECT_TRUE(flag_without_interval.intervals.empty());
  EXPECT_FALSE(flag_without_interval.gap_after);
  const auto no_flag = Decoded({0x06, 0x30});
  EXPECT_TRUE(no_flag.intervals.empty());
  EXPECT_FALSE(no_flag.gap_after);
}

// All of them, and in their order: clients that take the first only lose most beats.
TEST(HrMeasurement, NineIntervalsInOneNotification) {
  Bytes bytes = {0x10, 0xc8};
  std::vector<uint32_t> wanted;
  for (uint32_t i = 0; i < 9; ++i) {
    const uint32_t rr = 307 + 256 * i;
    wanted.push_back(rr);
    bytes.push_back(static_cast<uint8_t>(rr & 0xff));
    bytes.push_back(static_cast<uint8_t>(rr >> 8));
  }
  ASSERT_EQ(bytes.size(), 20u);  // MTU 23
  EXPECT_EQ(Intervals(Decoded(bytes)), wanted);
}

TEST(HrMeasurement, TwoIntervalsBothCount) {
  EXPECT_EQ(Intervals(Decoded({0x10, 0x60, 0x71, 0x02, 0x72, 0x02})),
            (std::vector<uint32_t>{625, 626}));
}

// ceil(ibi / 1024 * 1000) ms would give 977 for 1000/1024 s (976.5625 ms): the unit is kept.
TEST(HrMeasurement, NothingIsRounded) {
  for (const uint32_t rr : {1u, 299u, 1000u, 1023u, 32768u, 65535u}) {
    const auto got =
        Decoded({0x10, 60, static_cast<uint8_t>(rr & 0xff), static_cast<uint8_t>(rr >> 8)});
    EXPECT_EQ(Intervals(got), std::vector<uint32_t>{rr});
  }
}

TEST(HrMeasurement, ALoneByteAtTheEndIsNoInterval) {
  const auto got = Decoded({0x16, 0x3c, 0x00, 0x04, 0x55});
  EXPECT_EQ(Intervals(got), std::vector<uint32_t>{1024});
  EXPECT_TRUE(got.half_interval);
  EXPECT_TRUE(got.gap_after);
  const auto only = Decoded({0x16, 0x3c, 0x55});
  EXPECT_TRUE(only.intervals.empty());
  EXPECT_TRUE(only.half_interval);
  // Without intervals it is something else.
  EXPECT_FALSE(Decoded({0x06, 0x3c, 0x55}).half_interval);
}

TEST(HrMeasurement, ContactHasThreeStates) {
  EXPECT_EQ(Decoded({0x16, 60}).contact, true);
  EXPECT_EQ(Decoded({0x14, 60}).contact, false);         // supported, lost
  EXPECT_EQ(Decoded({0x10, 60}).contact, std::nullopt);  // unsupported
  EXPECT_EQ(Decoded({0x12, 60}).contact, std::nullopt);  // bit 1 alone means nothing
}

TEST(HrMeasurement, ZeroIntervalsAreRefusedAndLeaveAGap) {
  const auto got = Decoded({0x10, 60, 0x00, 0x04, 0x00, 0x00, 0x01, 0x04});
  ASSERT_EQ(Intervals(got), (std::vector<uint32_t>{1024, 1025}));
  EXPECT_FALSE(got.intervals[0].gap_before);
  EXPECT_TRUE(got.intervals[1].gap_before);
  EXPECT_EQ(got.zero_intervals, 1);
  EXPECT_FALSE(got.gap_after);
  const auto last = Decoded({0x10, 60, 0x00, 0x04, 0x00, 0x00});
  EXPECT_EQ(Intervals(last), std::vector<uint32_t>{1024});
  EXPECT_TRUE(last.gap_after);
}

TEST(HrMeasurement, ReservedBitsAreIgnored) {
  const auto got = Decoded({0xf6, 0x3c, 0x00, 0x04});
  EXPECT_EQ(got.bpm, 60);
  EXPECT_EQ(got.contact, true);
  EXPECT_EQ(Intervals(got), std::vector<uint32_t>{1024});
}

TEST(HrMeasurement, ShorterThanItsFlagsSay) {
  for (const Bytes& bytes : std::vector<Bytes>{
           {}, {0x16}, {0x01, 0x3c}, {0x17, 0x3c}, {0x08, 0x3c, 0x01}, {0x1f, 0x3c, 0x00, 0x01}}) {
    EXPECT_EQ(DecodeHrMeasurement(bytes).status().code(), absl::StatusCode::kInvalidArgument)
        << bytes.size();
  }
}

}  // namespace
}  // namespace attune::edge
