#include "services/synchrony/signal/packed_beats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace attune::synchrony {
namespace {

// Any beats, against a plain vector: adjacent ones, dropouts, intervals that fit no heart.
TEST(PackedBeatsTest, HoldsWhatAVectorHolds) {
  std::mt19937_64 random(20261122);
  for (int run = 0; run < 40; ++run) {
    const bool wild = run % 2 == 1;
    PackedBeats packed;
    std::vector<Beat> plain;
    std::vector<uint8_t> marks;
    int64_t now_us = run % 4 == 3 ? (int64_t{1} << 60) - 4'000'000'000'000 : 0;
    for (int step = 0; step < 600; ++step) {
      Beat beat;
      beat.rr_1024 = static_cast<uint16_t>(wild ? random() : 300 + random() % 1748);
      beat.gap_before = random() % 10 == 0;
      now_us +=
          static_cast<int64_t>(random() % (wild && random() % 8 == 0 ? 60'000'000 : 1'500'000));
      // A heart's own pace, as most are: the step is the interval.
      const bool steady = run % 4 == 0 && random() % 32 != 0 && !plain.empty();
      if (steady) {
        beat.gap_before = false;
        now_us = plain.back().time_us + int64_t{beat.rr_1024} * 1'000'000 / 1024 +
                 static_cast<int64_t>(random() % 1000) - 500;
      }
      beat.time_us = ++now_us;
      const auto by_time = [](const Beat& a, const Beat& b) { return a.time_us < b.time_us; };
      if (random() % (steady ? 64 : 8) == 0) {
        beat.time_us -= static_cast<int64_t>(random() % (steady ? 300'000'000 : 30'000'000));
      }
      const auto place = std::lower_bound(plain.begin(), plain.end(), beat, by_time);
      const auto at = static_cast<size_t>(place - plain.begin());
      if (beat.time_us < 0) continue;
      if (place == plain.end()) {
        packed.push_back(beat);
      } else if (place->time_us == beat.time_us) {
        packed.replace(at, beat);
        plain.erase(place);
      } else {
        packed.insert(at, beat);
      }
      plain.insert(plain.begin() + static_cast<ptrdiff_t>(at), beat);
      marks.resize(at);
      marks.resize(plain.size(), 0);
      const size_t marked = random() % plain.size();
      marks[marked] = static_cast<uint8_t>(random() % 7);
      packed.set_mark(marked, marks[marked]);
      if (random() % 16 == 0) packed.Pack(random() % (plain.size() + 1));
      if (step % 50 == 49) {
        const int64_t oldest_us = plain[plain.size() / 3].time_us;
        const size_t dropped = packed.DropBefore(oldest_us);
        ASSERT_LE(dropped, plain.size() / 3);
        ASSERT_GT(dropped + 17, plain.size() / 3);
        plain.erase(plain.begin(), plain.begin() + static_cast<ptrdiff_t>(dropped));
        marks.erase(marks.begin(), marks.begin() + static_cast<ptrdiff_t>(dropped));
      }
      ASSERT_EQ(packed.size(), plain.size());
      for (size_t k = 0; k < plain.size(); ++k) {
        ASSERT_EQ(packed[k], plain[k]) << k;
        ASSERT_EQ(packed.mark(k), marks[k]) << k;
        ASSERT_EQ(packed.rr_1024(k), plain[k].rr_1024) << k;
        if (k == 0) continue;
        const PackedBeats::Step to = packed.StepTo(k);
        ASSERT_EQ(to.us, plain[k].time_us - plain[k - 1].time_us) << k;
        ASSERT_EQ(to.rr_1024, plain[k].rr_1024) << k;
        ASSERT_EQ(to.gap_before, plain[k].gap_before) << k;
      }
    }
    EXPECT_EQ(packed.From(0), plain);
    EXPECT_EQ(packed, PackedBeats(plain));
  }
}

TEST(PackedBeatsTest, AHeartsBeatsTakeFiveAndAHalfBytesAndOlderOnesThreeAndAHalf) {
  PackedBeats packed;
  std::vector<Beat> plain;
  for (int k = 0; k < 1600; ++k) plain.push_back({int64_t{k} * 800'000, 819, k % 50 == 0});
  for (const Beat& beat : plain) packed.push_back(beat);
  EXPECT_LE(packed.MemoryBytes(), 1600 * 5.5 + 4 * 88);
  packed.DropBefore(int64_t{1200} * 800'000);
  EXPECT_LE(packed.MemoryBytes(), 400 * 5.5 + 2 * 88);
  for (int i = 0; i < 3; ++i) packed.Pack(400);
  // Eight gaps stand aside.
  EXPECT_LE(packed.MemoryBytes(), 400 * 3.5 + 2 * 88 + 16 * 24);
  EXPECT_EQ(packed.From(0), std::vector<Beat>(plain.begin() + 1200, plain.end()));
}

// Steps that are not the intervals: nothing is gained, and nothing lost.
TEST(PackedBeatsTest, BeatsThatDoNotFitStayAsTheyAre) {
  PackedBeats packed;
  for (int k = 0; k < 160; ++k) packed.push_back({int64_t{k} * 810'000, 819, false});
  const size_t before = packed.MemoryBytes();
  packed.Pack(160);
  EXPECT_EQ(packed.MemoryBytes(), before);
  EXPECT_EQ(packed.time_us(100), 81'000'000);
}

}  // namespace
}  // namespace attune::synchrony
