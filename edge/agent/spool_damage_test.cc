// What a loss of power, a bad disk or another program may leave of a spool: every cut, every
// flipped byte, blocks that were never written. No beat comes out that did not go in, no more is
// lost than what was hit, and the spool goes on.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "edge/agent/spool.h"

namespace attune::edge {
namespace {

constexpr char kSession[] = "session-0123456789";
constexpr uint64_t kBeats = 6;

StampedBeat BeatOf(uint64_t seq) {
  return {static_cast<int64_t>(seq) * 800'000, static_cast<uint32_t>(700 + seq % 300), seq % 5 == 0,
          1000, static_cast<uint32_t>(seq % 3) * 50'000};
}

class SpoolDamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/damage.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/p1.spool";
    const auto spool = Open();
    boot_id_ = spool->boot_id();
    spool->SetStart(5'000'000, 77);
    Fill(*spool, kBeats);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Spool> Open() {
    Spool::Options options;
    options.sync = [](int) { return 0; };
    auto spool = Spool::Open(path_, kSession, 1, random_, options);
    EXPECT_TRUE(spool.ok()) << spool.status();
    return *std::move(spool);
  }
  static void Fill(Spool& spool, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t seq = spool.next_seq();
      spool.Append(BeatOf(seq), seq);
    }
  }
  std::string Bytes() {
    std::ostringstream bytes;
    bytes << std::ifstream(path_, std::ios::binary).rdbuf();
    return bytes.str();
  }
  void SetBytes(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  // Present beats are the right ones; returns how many.
  static uint64_t Check(const Spool& spool) {
    uint64_t present = 0;
    for (uint64_t seq = 1; seq < spool.next_seq(); ++seq) {
      const auto beat = spool.Get(seq);
      if (!beat) continue;
      ++present;
      EXPECT_EQ(*beat, BeatOf(seq)) << seq;
    }
    return present;
  }

  SeededRandom random_{1};
  std::string folder_;
  std::string path_;
  std::string boot_id_;
};

TEST_F(SpoolDamageTest, CutAtEveryByte) {
  const std::string whole = Bytes();
  ASSERT_EQ(whole.size(), kSpoolBlockBytes + kBeats * kSpoolRecordBytes);
  for (size_t size = 0; size <= whole.size(); ++size) {
    SetBytes(whole.substr(0, size));
    uint64_t kept = 0;
    {
      const auto spool = Open();
      if (size < kSpoolBlockBytes) {
        EXPECT_NE(spool->boot_id(), boot_id_) << "numbers begin anew";
        EXPECT_EQ(spool->next_seq(), 1u);
      } else {
        kept = (size - kSpoolBlockBytes) / kSpoolRecordBytes;
        EXPECT_EQ(spool->boot_id(), boot_id_);
        EXPECT_EQ(spool->start_session_us(), 5'000'000);
        EXPECT_EQ(spool->torn_bytes(), (size - kSpoolBlockBytes) % kSpoolRecordBytes);
        EXPECT_EQ(spool->next_seq(), kept + 1);
        EXPECT_EQ(spool->lost(), 0u);
      }
      EXPECT_EQ(Check(*spool), kept);
      Fill(*spool, 2);
    }
    const auto again = Open();
    EXPECT_EQ(again->next_seq(), kept + 3);
    EXPECT_EQ(Check(*again), kept + 2);
    EXPECT_EQ(again->torn_bytes(), 0u);
    if (::testing::Test::HasFailure()) FAIL() << "cut at " << size;
  }
}

TEST_F(SpoolDamageTest, OneFlippedBitAtEveryByte) {
  const std::string whole = Bytes();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random_.Below(8)));
    SetBytes(damaged);
    const auto spool = Open();
    EXPECT_EQ(spool->boot_id(), boot_id_) << "the header is there twice";
    EXPECT_EQ(spool->start_session_us(), 5'000'000);
    const uint64_t present = Check(*spool);
    if (at < kSpoolBlockBytes) {
      EXPECT_EQ(present, kBeats);
    } else {
      EXPECT_EQ(present, kBeats - 1);
      // The last one cannot be told from one that was never finished.
      const bool last = at >= whole.size() - kSpoolRecordBytes;
      const bool front = at < kSpoolBlockBytes + kSpoolRecordBytes;
      EXPECT_EQ(spool->lost(), last ? 0u : 1u) << front;
      EXPECT_EQ(spool->next_seq(), last ? kBeats : kBeats + 1);
    }
    if (::testing::Test::HasFailure()) FAIL() << "flipped at " << at;
  }
}

// After a power cut a file may be as long as it was, with blocks in it that never reached the disk.
TEST_F(SpoolDamageTest, BlocksThatWereNeverWritten) {
  {
    const auto spool = Open();
    Fill(*spool, 3 * 64 - kBeats);
  }
  const std::string whole = Bytes();
  ASSERT_EQ(whole.size(), 4 * kSpoolBlockBytes);
  std::string middle = whole;
  middle.replace(2 * kSpoolBlockBytes, kSpoolBlockBytes, kSpoolBlockBytes, '\0');
  SetBytes(middle);
  {
    const auto spool = Open();
    EXPECT_EQ(Check(*spool), 128u);
    EXPECT_EQ(spool->lost(), 64u) << "said, not passed over";
    EXPECT_EQ(spool->next_seq(), 193u);
  }
  std::string end = whole;
  end.replace(3 * kSpoolBlockBytes, kSpoolBlockBytes, kSpoolBlockBytes, '\0');
  SetBytes(end);
  const auto spool = Open();
  EXPECT_EQ(Check(*spool), 128u);
  EXPECT_EQ(spool->torn_bytes(), kSpoolBlockBytes);
  EXPECT_EQ(spool->next_seq(), 129u);
  Fill(*spool, 10);
  EXPECT_EQ(Check(*spool), 138u);
}

// Numbers that jump (the end was lost, and the node knew them) are no reason to fill the memory,
// and a file that is longer than what is held (a file system that takes no blocks back) goes on.
TEST_F(SpoolDamageTest, NumbersFarAheadDoNotFillTheMemoryAndTheNewestCount) {
  std::string bytes = Bytes();
  for (uint64_t i = 1; i <= 6; ++i) bytes += EncodeRecord({i * 400'000, i, BeatOf(i * 400'000)});
  SetBytes(bytes);
  const auto spool = Open();
  EXPECT_EQ(spool->next_seq(), 2'400'001u);
  EXPECT_GE(spool->oldest_retained_seq() + 2 * Spool::kMostBeats, spool->next_seq());
  EXPECT_EQ(*spool->Get(2'400'000), BeatOf(2'400'000));
  EXPECT_FALSE(spool->Get(3).has_value());
}

}  // namespace
}  // namespace attune::edge
