#include "edge/source/replay.h"

#include <gtest/gtest.h>

#include <cmath>

#include "services/base/random.h"

namespace attune::edge {
namespace {

std::unique_ptr<Source> Make(std::string_view text, const ReplayOptions& options = {}) {
  auto recording = ParseRecording(text, "test.rr");
  EXPECT_TRUE(recording.ok()) << recording.status();
  auto source = MakeReplay(*std::move(recording), options);
  EXPECT_TRUE(source.ok()) << source.status();
  return *std::move(source);
}

std::vector<SourceBeat> All(Source& source, int64_t start_us, uint64_t after = 0,
                            int64_t until_us = INT64_MAX / 4) {
  std::vector<SourceBeat> beats;
  source.Begin(start_us, after);
  while (source.Poll(until_us, &beats) < until_us) {
  }
  return beats;
}

TEST(Replay, StampsComeFromTheExactSumAndDoNotDrift) {
  // 333.3 ms is 341.2992/1024 s: rounded each time, an hour would drift by more than two seconds.
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "333.3\n";
  const auto source = Make(text);
  const auto beats = All(*source, 5'000'000);
  ASSERT_EQ(beats.size(), 10'000u);
  EXPECT_EQ(beats[0].time_us, 5'000'000);
  for (const SourceBeat& beat : beats) EXPECT_EQ(beat.rr_1024, 341u);
  EXPECT_EQ(beats[9'999].time_us, 5'000'000 + std::llround(9'999 * 333'300.0));
  EXPECT_EQ(beats[9'999].position, 10'000u);
  EXPECT_TRUE(source->finished());
}

TEST(Replay, IsPacedAndGoesOnAfterAPosition) {
  const char* text = "# a comment\n\n1000\r\n 1000 \n1000\n1000\n";
  const auto whole = Make(text);
  std::vector<SourceBeat> beats;
  whole->Begin(10'000'000, 0);
  EXPECT_EQ(whole->Poll(9'999'999, &beats), 9'999'999);
  EXPECT_TRUE(beats.empty());
  EXPECT_EQ(whole->NextDueUs(), 10'000'000);
  whole->Poll(11'500'000, &beats);
  ASSERT_EQ(beats.size(), 2u);
  EXPECT_EQ(beats[1].time_us, 11'000'000);

  const auto again = Make(text);
  const auto rest = All(*again, 10'000'000, 2);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].time_us, 12'000'000);
  EXPECT_EQ(rest[0].position, 3u);
}

TEST(Replay, FromSecondsAndLoop) {
  ReplayOptions options;
  options.from_s = 1.5;
  options.seconds = 5;
  options.loop = true;
  const auto source = Make("500\n700\n800\n900\n1000\n", options);
  const auto beats = All(*source, 0);
  // Starts at the interval that begins 2.0 s in (500 + 700 + 800), then 900, 1000, 900, 1000, ...
  ASSERT_EQ(beats.size(), 6u);
  EXPECT_EQ(beats[0].rr_1024, Rr1024FromMs(900));
  EXPECT_EQ(beats[1].time_us, 1'000'000);
  EXPECT_EQ(beats[2].rr_1024, Rr1024FromMs(900));
  EXPECT_TRUE(beats[2].gap_before) << "where the recording begins again the rhythm is broken";
  EXPECT_EQ(beats[2].time_us, 1'900'000);
  EXPECT_EQ(beats[5].time_us, 4'800'000);
  EXPECT_FALSE(MakeReplay(*ParseRecording("1\n", "x"), {"x", {}, 0, {}, true}).ok());
  EXPECT_FALSE(MakeReplay(*ParseRecording("900\n", "x"), {"x", {}, 60, {}, false}).ok());
}

TEST(Replay, WhatIsNoIntervalIsAGapAndTimeGoesOn) {
  auto recording = ParseRecording("800\n0\n-5\n65000\n800\n", "bad.rr");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording->refused, 3u);
  ASSERT_EQ(recording->warnings.size(), 3u);
  EXPECT_NE(recording->warnings[0].find("line 2"), std::string::npos);
  auto source = *MakeReplay(*std::move(recording), {});
  const auto beats = All(*source, 0);
  ASSERT_EQ(beats.size(), 2u);
  EXPECT_FALSE(beats[0].gap_before);
  EXPECT_TRUE(beats[1].gap_before);
  EXPECT_EQ(beats[1].time_us, 65'800'000);
}

TEST(Replay, CsvGivesArrivals) {
  ReplayOptions options;
  options.at_s = 100;
  const auto source =
      Make("t_arrival_s,rr_ms,hr_bpm\n10.5,800,70\n11.75,810,nan\n11.75,790,\n", options);
  EXPECT_EQ(source->info().stamping, Stamping::kArrivalSession);
  EXPECT_EQ(source->info().start_session_us, 100'000'000);
  const auto beats = All(*source, 100'000'000);
  ASSERT_EQ(beats.size(), 3u);
  EXPECT_EQ(beats[0].time_us, 100'000'000);
  EXPECT_EQ(beats[2].time_us, 101'250'000);
  const auto in_1024 = Make("arrival_s,rr_1024\n1,600\n");
  EXPECT_EQ(All(*in_1024, 0)[0].rr_1024, 600u);
}

TEST(Replay, FormatErrorsNameTheirLine) {
  const struct {
    const char* text;
    const char* expected;
  } cases[] = {
      {"800\nNaN\n", "line 2"},
      {"800\n\n# c\nabc\n", "line 4"},
      {"800\ninf\n", "line 2"},
      {"800\n1e400\n", "line 2"},
      {"800\n99999999999\n", "line 2"},
      {"800 900\n", "line 1"},
      {"a,b\n1,2\n", "line 1"},
      {"arrival_s,rr_ms\n1,800\n2\n", "line 3"},
      {"arrival_s,rr_ms\n1,800\nx,800\n", "line 3"},
      {"arrival_s,rr_ms\n2,800\n1,800\n", "line 3"},
      {"", "no intervals"},
      {"# nothing\n", "no intervals"},
      {"0\n-1\n", "no intervals"},
  };
  for (const auto& c : cases) {
    const auto recording = ParseRecording(c.text, "bad.rr");
    ASSERT_FALSE(recording.ok()) << c.text;
    EXPECT_NE(recording.status().message().find(c.expected), std::string::npos)
        << recording.status();
    EXPECT_NE(recording.status().message().find("bad.rr"), std::string::npos);
  }
  EXPECT_EQ(ReadRecording("/nowhere.rr").status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ReadRecording("/").ok());
}

TEST(Replay, AnyBytesEndInAnErrorOrInBeats) {
  SeededRandom random(3);
  const std::string alphabet = "0123456789.,-+eEnNaiI#\r\n \t{}\"_rsm\0\xff";
  for (int trial = 0; trial < 20'000; ++trial) {
    std::string text = trial % 3 == 0 ? "arrival_s,rr_ms\n" : "";
    const uint64_t length = random.Below(60);
    for (uint64_t i = 0; i < length; ++i) text += alphabet[random.Below(alphabet.size())];
    auto recording = ParseRecording(text, "x");
    if (!recording.ok()) continue;
    auto source = MakeReplay(*std::move(recording), {});
    if (!source.ok()) continue;
    int64_t last_us = 0;
    for (const SourceBeat& beat : All(**source, 0)) {
      EXPECT_GE(beat.rr_1024, kLeastRr1024);
      EXPECT_LE(beat.rr_1024, kMostRr1024);
      EXPECT_GE(beat.time_us, last_us);
      last_us = beat.time_us;
    }
  }
}

TEST(Replay, RealRecordingsKeepTheirSum) {
  for (const char* name : {"nsr001", "nsr016", "nsr054"}) {
    const auto recording = ReadRecording(std::string("tests/data/nsr2db/") + name + ".rr");
    ASSERT_TRUE(recording.ok()) << recording.status();
    double sum_ms = 0;
    for (size_t i = 1; i < recording->intervals.size(); ++i) {
      sum_ms += recording->intervals[i].rr_ms;
    }
    auto source = *MakeReplay(*recording, {});
    const auto beats = All(*source, 0);
    EXPECT_EQ(beats.size() + recording->refused, recording->intervals.size());
    EXPECT_NEAR(static_cast<double>(beats.back().time_us) / 1e3, sum_ms, 0.001);
    EXPECT_GT(sum_ms, 3'000'000);
  }
  EXPECT_TRUE(ReadRecording("tests/data/polar-h10/polar_h10_rr_notifications.csv")->has_arrivals);
}

}  // namespace
}  // namespace attune::edge
