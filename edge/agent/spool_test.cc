#include "edge/agent/spool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace attune::edge {
namespace {

constexpr char kSession[] = "session-0123456789";

StampedBeat BeatOf(uint64_t seq) {
  return {static_cast<int64_t>(seq) * 800'000, static_cast<uint32_t>(700 + seq % 300),
          seq % 17 == 0, 1000, static_cast<uint32_t>(seq % 3) * 50'000};
}

class SpoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/spool.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/" + kSession + "/p1.spool";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Spool> Open(Spool::Options options = {}) {
    auto spool = Spool::Open(path_, kSession, 1, random_, std::move(options));
    EXPECT_TRUE(spool.ok()) << spool.status();
    return *std::move(spool);
  }
  std::string Bytes() {
    std::ostringstream bytes;
    bytes << std::ifstream(path_, std::ios::binary).rdbuf();
    return bytes.str();
  }
  void SetBytes(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  static void Fill(Spool& spool, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t seq = spool.next_seq();
      spool.Append(BeatOf(seq), seq);
    }
  }
  static void CheckAll(const Spool& spool, uint64_t first, uint64_t last) {
    EXPECT_EQ(spool.next_seq(), last + 1);
    for (uint64_t seq = first; seq <= last; ++seq) {
      const auto beat = spool.Get(seq);
      ASSERT_TRUE(beat.has_value()) << seq;
      EXPECT_EQ(*beat, BeatOf(seq)) << seq;
    }
  }

  SeededRandom random_{1};
  std::string folder_;
  std::string path_;
};

TEST_F(SpoolTest, KeepsEverythingOverARestart) {
  std::string boot_id;
  {
    const auto spool = Open();
    boot_id = spool->boot_id();
    EXPECT_EQ(boot_id.size(), 16u);
    EXPECT_EQ(spool->next_seq(), 1u);
    EXPECT_EQ(spool->oldest_retained_seq(), 1u);
    EXPECT_FALSE(spool->start_session_us().has_value());
    spool->SetStart(12'345'678, 99);
    Fill(*spool, 500);
  }
  const auto spool = Open();
  EXPECT_EQ(spool->boot_id(), boot_id);
  EXPECT_EQ(spool->start_session_us(), 12'345'678);
  EXPECT_EQ(spool->source_hash(), 99u);
  EXPECT_EQ(spool->last_position(), 500u);
  EXPECT_EQ(spool->last_time_session_us(), BeatOf(500).time_session_us);
  EXPECT_EQ(spool->torn_bytes(), 0u);
  CheckAll(*spool, 1, 500);
  EXPECT_FALSE(spool->Get(0).has_value());
  EXPECT_FALSE(spool->Get(501).has_value());
}

TEST_F(SpoolTest, ATornTailIsCutAtEveryOffset) {
  { Fill(*Open(), 3); }
  const std::string whole = Bytes();
  const size_t third = kSpoolBlockBytes + 2 * kSpoolRecordBytes;
  ASSERT_EQ(whole.size(), third + kSpoolRecordBytes);
  for (size_t size = third; size < whole.size(); ++size) {
    SetBytes(whole.substr(0, size));
    const auto spool = Open();
    EXPECT_EQ(spool->torn_bytes(), size - third);
    EXPECT_EQ(std::filesystem::file_size(path_), third);
    CheckAll(*spool, 1, 2);
    Fill(*spool, 1);
    CheckAll(*spool, 1, 3);
  }
  // A tail of the right length whose bytes did not all arrive.
  for (size_t at = third; at < whole.size(); ++at) {
    std::string torn = whole;
    torn[at] = static_cast<char>(torn[at] ^ 0x40);
    SetBytes(torn);
    const auto spool = Open();
    CheckAll(*spool, 1, 2);
    EXPECT_EQ(spool->damaged_records(), 0u);
    Fill(*spool, 1);
    CheckAll(*spool, 1, 3);
  }
}

TEST_F(SpoolTest, ADamagedRecordWithinIsAGapAndNothingElse) {
  { Fill(*Open(), 10); }
  const std::string whole = Bytes();
  for (size_t at = kSpoolBlockBytes + 3 * kSpoolRecordBytes;
       at < kSpoolBlockBytes + 4 * kSpoolRecordBytes; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    SetBytes(damaged);
    const auto spool = Open();
    EXPECT_EQ(spool->damaged_records(), 1u);
    EXPECT_EQ(spool->lost(), 1u);
    EXPECT_FALSE(spool->Get(4).has_value());
    CheckAll(*spool, 5, 10);
    CheckAll(*spool, 10, 10);
  }
}

TEST_F(SpoolTest, ADamagedHeaderIsSetAsideAndTheNumbersBeginAnew) {
  std::string boot_id;
  {
    const auto spool = Open();
    boot_id = spool->boot_id();
    Fill(*spool, 10);
  }
  const std::string whole = Bytes();
  for (const size_t at : {size_t{0}, size_t{9}, size_t{20}, size_t{70}, size_t{2000}}) {
    for (const size_t copy_at : {size_t{0}, size_t{14}, size_t{30}, size_t{100}, size_t{2047}}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      damaged[2048 + copy_at] = static_cast<char>(damaged[2048 + copy_at] ^ 0x10);
      SetBytes(damaged);
      const auto spool = Open();
      EXPECT_NE(spool->boot_id(), boot_id);
      EXPECT_EQ(spool->next_seq(), 1u);
      EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged"));
    }
  }
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, kSpoolBlockBytes - 1}) {
    SetBytes(whole.substr(0, size));  // killed while the header was written
    EXPECT_EQ(Open()->next_seq(), 1u);
  }
}

TEST_F(SpoolTest, AnyBytesAreSurvived) {
  { Fill(*Open(), 200); }
  const std::string whole = Bytes();
  for (int trial = 0; trial < 300; ++trial) {
    std::string bytes = whole;
    for (uint64_t i = 0; i < 1 + random_.Below(40); ++i) {
      bytes[kSpoolBlockBytes + random_.Below(bytes.size() - kSpoolBlockBytes)] =
          static_cast<char>(random_.Below(256));
    }
    bytes.resize(kSpoolBlockBytes + random_.Below(bytes.size() - kSpoolBlockBytes));
    SetBytes(bytes);
    const auto spool = Open();
    for (uint64_t seq = 1; seq < spool->next_seq(); ++seq) {
      const auto beat = spool->Get(seq);
      if (beat) {
        EXPECT_EQ(*beat, BeatOf(seq));
      }
    }
  }
}

TEST_F(SpoolTest, OneAgentAtATime) {
  const auto spool = Open();
  const auto second = Spool::Open(path_, kSession, 1, random_, {});
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find("another agent"), std::string::npos);
}

TEST_F(SpoolTest, BelongsToOneSessionAndPerson) {
  { Fill(*Open(), 1); }
  EXPECT_FALSE(Spool::Open(path_, "another-session", 1, random_, {}).ok());
  EXPECT_FALSE(Spool::Open(path_, kSession, 2, random_, {}).ok());
  EXPECT_FALSE(Spool::Open("/proc/nowhere/p1.spool", kSession, 1, random_, {}).ok());
}

TEST_F(SpoolTest, AFullDiskIsSaidAndTheNewestAreKept) {
  uint64_t room_bytes = kSpoolBlockBytes + 200 * kSpoolRecordBytes;
  Spool::Options options;
  options.write = [&](int fd, const void* bytes, size_t count, off_t at) -> ssize_t {
    const uint64_t end = static_cast<uint64_t>(at) + count;
    if (end <= room_bytes) return pwrite(fd, bytes, count, at);
    if (static_cast<uint64_t>(at) < room_bytes) {  // a part still fits
      return pwrite(fd, bytes, room_bytes - static_cast<uint64_t>(at), at);
    }
    errno = ENOSPC;
    return -1;
  };
  auto spool = Open(options);
  Fill(*spool, 200);
  EXPECT_TRUE(spool->trouble().empty());
  spool->NoteDurable(150);
  room_bytes += 30;  // half a record
  Fill(*spool, 100);
  EXPECT_NE(spool->trouble().find("make room"), std::string::npos);
  CheckAll(*spool, 1, 300);  // in memory
  spool->Sync(1);
  EXPECT_FALSE(spool->trouble().empty());
  room_bytes = UINT64_MAX;
  spool->Sync(3'000'000);
  EXPECT_TRUE(spool->trouble().empty());
  spool.reset();
  spool = Open();
  // Two whole blocks of durable beats were given back: 128 beats.
  EXPECT_EQ(spool->oldest_retained_seq(), 129u);
  CheckAll(*spool, 129, 300);
  EXPECT_EQ(spool->damaged_records(), 0u);
  EXPECT_EQ(spool->lost(), 0u);
}

TEST_F(SpoolTest, IsBoundedAndTheOldestGoesFirst) {
  Spool::Options options;
  options.most_beats = 100;
  const auto spool = Open(options);
  Fill(*spool, 120);
  spool->NoteDurable(120);
  Fill(*spool, 30);
  EXPECT_EQ(spool->oldest_retained_seq(), 51u);
  CheckAll(*spool, 51, 150);
  EXPECT_EQ(spool->lost(), 20u) << "those that left before a journal had them";
}

TEST_F(SpoolTest, NumbersThatTheNodeKnowsAreNotGivenAgain) {
  const auto live = Open();
  Fill(*live, 5);
  live->NoteKnown(9);
  EXPECT_EQ(live->next_seq(), 10u);
  live->Append(BeatOf(10), 0);
  CheckAll(*live, 10, 10);
  live->NoteKnown(3);
  CheckAll(*live, 10, 10);
}

TEST_F(SpoolTest, ASourceThatCanGiveThemAgainDoes) {
  Spool::Options options;
  options.skip_known = false;
  const auto spool = Open(options);
  Fill(*spool, 5);
  spool->NoteKnown(9);
  EXPECT_EQ(spool->next_seq(), 6u);
}

TEST_F(SpoolTest, RemoveLeavesNothing) {
  const auto spool = Open();
  Fill(*spool, 5);
  spool->Remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
  Fill(*spool, 1);
  CheckAll(*spool, 1, 6);
}

TEST_F(SpoolTest, AKilledWriterHasLostNothingItSaid) {
  uint64_t said = 0;
  for (int round = 0; round < 15; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(pipe_fds[0]);
      auto spool = Spool::Open(path_, kSession, 1, random_, {});
      if (!spool.ok()) _exit(1);
      int64_t now_us = 0;
      while (true) {
        const uint64_t seq = (*spool)->next_seq();
        (*spool)->Append(BeatOf(seq), seq);
        if (write(pipe_fds[1], &seq, sizeof(seq)) != sizeof(seq)) _exit(1);
        (*spool)->Sync(now_us += 10'000);
      }
    }
    close(pipe_fds[1]);
    const uint64_t wanted = said + 1 + random_.Below(400);
    while (said < wanted) {
      ASSERT_EQ(read(pipe_fds[0], &said, sizeof(said)), static_cast<ssize_t>(sizeof(said)));
    }
    kill(child, SIGKILL);
    uint64_t seq = 0;
    while (read(pipe_fds[0], &seq, sizeof(seq)) == static_cast<ssize_t>(sizeof(seq))) said = seq;
    close(pipe_fds[0]);
    waitpid(child, nullptr, 0);
    const auto spool = Open();
    EXPECT_GE(spool->next_seq(), said + 1);
    EXPECT_LE(spool->next_seq(), said + 2);
    CheckAll(*spool, 1, spool->next_seq() - 1);
    EXPECT_EQ(spool->damaged_records(), 0u);
    said = spool->next_seq() - 1;
  }
}

}  // namespace
}  // namespace attune::edge
