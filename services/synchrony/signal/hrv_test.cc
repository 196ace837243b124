#include "services/synchrony/signal/hrv.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

BeatSums SumsOf(const std::vector<Beat>& beats) {
  const Params params;
  BeatTrack track(params, beats);
  return SumBeats(&track, -1, beats.back().time_us, params);
}

// The reference is computed from unrounded intervals, ours from the strap's 1/1024 s: rounding adds
// up to 1/12 (1/1024 s)^2 * 2 to a squared difference, a few hundredths of a millisecond here.
TEST(HrvTest, TimeDomainAgreesWithReference) {
  const std::string folder = "tests/data/reference-values/hrv/";
  auto csv = testing::ReadCsv(folder + "input_nn.csv");
  const std::vector<double> all = testing::ToDoubles(csv["nn_ms"]);
  const std::string json = testing::ReadFile(folder + "expected_time_domain.json");
  for (const char* name :
       {"nsr003", "nsr008", "nsr013", "nsr021", "nsr023", "nsr027", "synthetic_sine"}) {
    std::vector<double> nn;
    for (size_t i = 0; i < all.size(); ++i) {
      if (csv["case"][i] == name) nn.push_back(all[i]);
    }
    const std::string_view expected = testing::JsonAt(json, name);
    const std::vector<Beat> beats = testing::BeatsFromMs(nn);
    const BeatSums sums = SumsOf(beats);
    EXPECT_EQ(sums.beats, static_cast<int>(testing::JsonNumber(expected, "n"))) << name;
    EXPECT_EQ(sums.artefacts, 0) << name;
    EXPECT_EQ(sums.intervals, sums.beats) << name;
    EXPECT_EQ(sums.differences, sums.beats - 1) << name;
    EXPECT_NEAR(RmssdMs(sums), testing::JsonNumber(expected, "rmssd"), 0.05) << name;
    const double hr = testing::JsonNumber(expected, "hr_of_mean_nn");
    EXPECT_NEAR(HeartRateBpm(sums), hr, hr * 1e-4) << name;
  }
}

TEST(HrvTest, DifferencesOnlyBetweenCleanNeighbours) {
  std::vector<double> rr(30, 800);
  for (size_t i = 1; i < rr.size(); i += 2) rr[i] = 810;
  std::vector<Beat> beats = testing::BeatsFromMs(rr);
  BeatSums sums = SumsOf(beats);
  EXPECT_EQ(sums.differences, 29);
  EXPECT_NEAR(RmssdMs(sums), 10, 0.5);
  beats[10].gap_before = true;  // one difference less
  beats[20].rr_1024 = 3000;     // out of range, and no longer adjacent: two less
  sums = SumsOf(beats);
  EXPECT_EQ(sums.artefacts, 1);
  EXPECT_EQ(sums.intervals, 29);
  EXPECT_EQ(sums.differences, 26);
  EXPECT_NEAR(RmssdMs(sums), 10, 0.5);
}

// A correction keeps the time that passed, and takes no part in differences.
TEST(HrvTest, CorrectedIntervalsCountForTheRateOnly) {
  for (const std::vector<double>& odd :
       {std::vector<double>{1600}, {2400}, {380, 420}, {560, 1040}}) {
    std::vector<double> rr(20, 800);
    rr.insert(rr.end(), odd.begin(), odd.end());
    rr.insert(rr.end(), 20, 800);
    const BeatSums sums = SumsOf(testing::BeatsFromMs(rr));
    EXPECT_EQ(sums.beats, static_cast<int>(rr.size()));
    EXPECT_EQ(sums.artefacts, 1) << odd[0];
    EXPECT_NEAR(HeartRateBpm(sums), 75, 0.1) << odd[0];
    EXPECT_EQ(sums.differences, 38) << odd[0];
    EXPECT_EQ(sums.squared_differences, 0) << odd[0];
  }
}

}  // namespace
}  // namespace attune::synchrony
