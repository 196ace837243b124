#include "edge/ctl/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace attune::edge {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kSecondUs = 1'000'000;

Recording Load(const std::string& name) {
  auto recording = ReadRecording("tests/data/nsr2db/" + name + ".rr");
  EXPECT_TRUE(recording.ok()) << recording.status();
  return std::move(recording).value();
}

// The same heart `by_us` later.
Recording Shifted(Recording recording, int64_t by_us) {
  for (synchrony::Beat& beat : recording.beats) beat.time_us += by_us;
  recording.length_us += by_us;
  recording.name += "-shifted";
  return recording;
}

v1::Analysis AnalysisOf(const std::vector<Recording>& recordings, int64_t length_us) {
  auto analysis = AnalyzeRecordings(recordings, {.length_us = length_us}, {});
  EXPECT_TRUE(analysis.ok()) << analysis.status();
  return std::move(analysis).value();
}

TEST(AnalysisTest, APersonWithHimselfLaterIsAboveChanceWithThatLag) {
  const Recording heart = Load("nsr001");
  const v1::Analysis analysis = AnalysisOf({heart, Shifted(heart, 1'500'000)}, 600 * kSecondUs);
  const v1::PairPhase& pair = analysis.report().pairs(0).phases(0);
  EXPECT_GT(pair.share_above(), 0.5);
  ASSERT_EQ(analysis.lags_size(), 1);
  // Lags are found on a 4 Hz grid.
  EXPECT_NEAR(analysis.lags(0).lag_ms().value(), 1500, 250);
  EXPECT_GT(analysis.lags(0).ticks(), 100u);
}

TEST(AnalysisTest, TwoPeopleRecordedAloneAreRarelyAboveChance) {
  const v1::Analysis analysis = AnalysisOf({Load("nsr001"), Load("nsr005")}, 1200 * kSecondUs);
  const v1::PairPhase& pair = analysis.report().pairs(0).phases(0);
  EXPECT_GT(pair.ticks(), 600u);
  EXPECT_LT(pair.share_above(), 0.2);
  EXPECT_LT(std::abs(pair.r_mean_windowed().value()), 0.3);
}

TEST(AnalysisTest, PeopleComeOutAsTheirIntervalsSay) {
  const Recording heart = Load("nsr001");
  const v1::Analysis analysis = AnalysisOf({heart}, 600 * kSecondUs);
  const v1::PersonReport& person = analysis.report().people(0);
  double rr_ms = 0;
  size_t beats = 0;
  for (const synchrony::Beat& beat : heart.beats) {
    if (beat.time_us > 600 * kSecondUs) break;
    rr_ms += beat.rr_1024 / 1.024;
    ++beats;
  }
  EXPECT_EQ(person.alias(), "nsr001");
  EXPECT_EQ(person.quality().beats(), beats);
  EXPECT_NEAR(person.phases(0).hr_bpm().value(), 60'000 / (rr_ms / static_cast<double>(beats)), 3);
  EXPECT_GT(person.quality().coverage(), 0.8);
  EXPECT_EQ(analysis.report().pairs_size(), 0);
  EXPECT_EQ(analysis.last_frame().group().r_mean_pairwise().absent(), v1::ABSENCE_TOO_FEW_PEOPLE);
}

TEST(AnalysisTest, FramesAreTickByTick) {
  uint64_t frames = 0;
  double progress = 0;
  AnalysisHooks hooks;
  hooks.frame = [&](const v1::Frame& frame) { EXPECT_EQ(frame.tick(), ++frames); };
  hooks.progress = [&](double share) { progress = share; };
  const auto analysis = AnalyzeRecordings(
      {Load("nsr001"), Load("nsr002")},
      {.from_us = 60 * kSecondUs, .length_us = 90 * kSecondUs, .pairs = false}, hooks);
  ASSERT_TRUE(analysis.ok());
  EXPECT_GE(frames, 88u);
  EXPECT_LE(frames, 90u);
  EXPECT_EQ(progress, 1);
  EXPECT_EQ(analysis->report().pairs_size(), 0);
  EXPECT_EQ(analysis->last_frame().pairs_size(), 0);
}

TEST(AnalysisTest, RefusesWhatItCannotDo) {
  EXPECT_FALSE(AnalyzeRecordings({}, {}, {}).ok());
  const auto late = AnalyzeRecordings({Load("nsr001")}, {.from_us = 100'000 * kSecondUs}, {});
  EXPECT_THAT(std::string(late.status().message()), HasSubstr("--from"));
  EXPECT_FALSE(AnalyzeRecordings(std::vector<Recording>(101, Load("nsr001")), {}, {}).ok());
}

}  // namespace
}  // namespace attune::edge
