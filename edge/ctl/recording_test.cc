#include "edge/ctl/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace attune::edge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string RrError(std::string_view text) { return std::string(ParseRr(text).status().message()); }
std::string CsvError(std::string_view text) {
  return std::string(ParseBeatsCsv(text).status().message());
}

TEST(RrTest, TimesAreTheSumOfIntervals) {
  const auto recording = ParseRr("# a comment\r\n1000\r\n\n 500.5 \n750");
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->beats.size(), 3u);
  EXPECT_EQ(recording->beats[0], (synchrony::Beat{1'000'000, 1024, false}));
  EXPECT_EQ(recording->beats[1], (synchrony::Beat{1'500'500, 513, false}));
  EXPECT_EQ(recording->beats[2], (synchrony::Beat{2'250'500, 768, false}));
  EXPECT_EQ(recording->length_us, 2'250'500);
}

TEST(RrTest, AnIntervalTooLongToBeOneIsAGap) {
  const auto recording = ParseRr("1000\n70000\n1000\n");
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->beats.size(), 2u);
  EXPECT_EQ(recording->beats[1], (synchrony::Beat{72'000'000, 1024, true}));
}

TEST(RrTest, HostileInputGivesTheLine) {
  for (const char* value : {"0", "-5", "nan", "inf", "1e9", "8x", "0x10", "\x1b[2J"}) {
    EXPECT_THAT(RrError(std::string("800\n\n") + value + "\n"), HasSubstr("line 3: ")) << value;
  }
  EXPECT_THAT(RrError("800\n\x1b[2J"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(RrError(std::string(5000, '8')), HasSubstr("line 1: longer than"));
  EXPECT_THAT(RrError(std::string(3, '\0')), HasSubstr("line 1: "));
  EXPECT_THAT(RrError(""), HasSubstr("holds no beats"));
  EXPECT_THAT(RrError("0.8\n0.9\n0.85\n"), HasSubstr("looks like seconds"));
}

TEST(CsvTest, ReadsTheDocumentedColumnsInAnyOrder) {
  const auto recording = ParseBeatsCsv(
      "t_utc,gap_before,t_session_s,\"rr_ms\",rr_1024\n"
      "x,0,100.8,800,819\n"
      "x,,101.6,800,820\n"
      "x,1,130,800,819\n");
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->beats.size(), 3u);
  EXPECT_EQ(recording->beats[0].time_us, 799'805);  // 819/1024 s after its start, at 0
  EXPECT_EQ(recording->beats[1].rr_1024, 820);      // the strap's own unit wins
  EXPECT_EQ(recording->beats[1].time_us - recording->beats[0].time_us, 800'000);
  EXPECT_FALSE(recording->beats[1].gap_before);
  EXPECT_TRUE(recording->beats[2].gap_before);
}

TEST(CsvTest, WithoutTimesIntervalsFollowEachOther) {
  const auto recording = ParseBeatsCsv("rr_ms\n800\n900\n");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording->beats[1].time_us, 1'700'000);
}

TEST(CsvTest, ArrivalTellsOfLostBeats) {
  const auto recording =
      ParseBeatsCsv("arrival_s,rr_ms\n11,1000\n12.5,1000\n12.5,1000\n34,1000\n35,1000\n");
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->beats.size(), 5u);
  EXPECT_EQ(recording->beats[2].time_us, 3'000'000);  // a burst is no loss
  EXPECT_FALSE(recording->beats[2].gap_before);
  // 34 s is 24.5 s after the earliest that the first three tell of, 9.5 s after their start.
  EXPECT_EQ(recording->beats[3].time_us, 24'500'000);
  EXPECT_TRUE(recording->beats[3].gap_before);
  EXPECT_EQ(recording->beats[4].time_us, 25'500'000);
  EXPECT_FALSE(recording->beats[4].gap_before);
}

TEST(CsvTest, HostileInputGivesTheLine) {
  EXPECT_THAT(CsvError("a,b\n1,2\n"), HasSubstr("line 1: the header names neither"));
  EXPECT_THAT(CsvError("rr_ms,t_s\n800,1\n800,0.5\n"), HasSubstr("line 3: the time goes back"));
  EXPECT_THAT(CsvError("rr_ms,t_s\n800,nan\n"), HasSubstr("line 2: 'nan' is not a time"));
  EXPECT_THAT(CsvError("rr_ms,t_s\n800,1e300\n"), HasSubstr("line 2: "));
  EXPECT_THAT(CsvError("t_s,rr_ms\n1\n"), HasSubstr("line 2: '' is not an interval"));
  EXPECT_THAT(CsvError("rr_1024\n70000\n"), HasSubstr("line 2: '70000'"));
  EXPECT_THAT(CsvError("rr_ms,gap_before\n800,yes\n"), HasSubstr("line 2: 'yes'"));
  EXPECT_THAT(CsvError(""), HasSubstr("holds no beats"));
}

TEST(ReadTest, ErrorsNameTheFile) {
  EXPECT_THAT(std::string(ReadRecording("/nowhere/x.rr").status().message()),
              HasSubstr("/nowhere/x.rr: there is no such file"));
  const std::string path = ::testing::TempDir() + "/bad.rr";
  std::ofstream(path) << "800\noops\n";
  EXPECT_THAT(std::string(ReadRecording(path).status().message()),
              HasSubstr("bad.rr: line 2: 'oops'"));
  std::ofstream(path) << "800\n810\n";
  EXPECT_EQ(ReadRecording(path)->name, "bad");
}

}  // namespace
}  // namespace attune::edge
