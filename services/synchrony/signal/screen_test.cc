#include "services/synchrony/signal/screen.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using testing::BeatsFromMs;

std::set<size_t> Rejected(const std::vector<Beat>& beats) {
  std::set<size_t> rejected;
  for (size_t k = 0; k < beats.size(); ++k) {
    if (!IsClean(beats, k, beats.size(), Params{})) rejected.insert(k);
  }
  return rejected;
}

TEST(ScreenTest, RejectsWhatIsOutOfRangeAndWhatStandsOut) {
  const std::vector<double> base(20, 800);
  EXPECT_TRUE(Rejected(BeatsFromMs(base)).empty());
  const auto with = [&](std::vector<double> odd) {
    std::vector<double> rr = base;
    std::copy(odd.begin(), odd.end(), rr.begin() + 10);
    return Rejected(BeatsFromMs(rr));
  };
  EXPECT_EQ(with({250}), std::set<size_t>{10});
  EXPECT_EQ(with({2100}), std::set<size_t>{10});
  EXPECT_EQ(with({1600}), std::set<size_t>{10});            // missed beat
  EXPECT_EQ(with({370, 430}), (std::set<size_t>{10, 11}));  // extra beat
  EXPECT_EQ(with({620, 980}), (std::set<size_t>{10, 11}));  // ectopic: short-long
  EXPECT_TRUE(with({700, 690, 710}).empty());               // a real acceleration
  EXPECT_TRUE(with({850, 760, 850, 760}).empty());          // strong breathing at the floor
}

// A verdict looks at most screen_after beats ahead, and only at those that are known.
TEST(ScreenTest, KnowsNothingBeyondTheKnown) {
  const std::vector<Beat> beats = BeatsFromMs({800, 800, 800, 800, 800, 680, 920, 800});
  EXPECT_TRUE(IsClean(beats, 5, 6, Params{}));
  EXPECT_FALSE(IsClean(beats, 5, 7, Params{}));
}

TEST(ScreenTest, AdjacencyNeedsTheDistanceToFitTheInterval) {
  std::vector<Beat> beats = BeatsFromMs({800, 800, 800});
  EXPECT_FALSE(IsAdjacent(beats, 0, Params{}));
  EXPECT_TRUE(IsAdjacent(beats, 1, Params{}));
  beats[1].gap_before = true;
  EXPECT_FALSE(IsAdjacent(beats, 1, Params{}));
  beats[2].time_us += 300'000;  // something is missing between them
  EXPECT_FALSE(IsAdjacent(beats, 2, Params{}));
}

// Injected events (tests/data/reference-values/artefacts): the truth is where beats were removed,
// added or moved. Peak index p is the interval in row p - 1.
TEST(ScreenTest, FindsInjectedEventsAndLeavesTheRestAlone) {
  const std::string folder = "tests/data/reference-values/artefacts/";
  const std::string json = testing::ReadFile(folder + "expected_synthetic.json");
  auto csv = testing::ReadCsv(folder + "input_synthetic.csv");
  const std::vector<double> all = testing::ToDoubles(csv["rr_ms"]);
  int events = 0, found = 0, false_alarms = 0, intervals = 0;
  for (const char* name : {"syn_nsr004", "syn_nsr010", "syn_nsr027", "syn_nsr028"}) {
    std::vector<double> rr;
    for (size_t i = 0; i < all.size(); ++i) {
      if (csv["case"][i] == name) rr.push_back(all[i]);
    }
    const std::set<size_t> rejected = Rejected(BeatsFromMs(rr));
    const std::string_view person = testing::JsonAt(json, name);
    const std::string_view truth = person.substr(0, person.find("\"base\""));
    std::set<size_t> near_truth;
    for (int i = 0; i < 13; ++i, ++events) {
      const size_t row =
          std::stoul(std::string(testing::JsonAt(truth, "peak_index", i).substr(0, 6))) - 1;
      found += rejected.count(row) != 0 || rejected.count(row + 1) != 0 ? 1 : 0;
      near_truth.insert({row - 1, row, row + 1});
    }
    for (size_t k : rejected) false_alarms += near_truth.count(k) == 0 ? 1 : 0;
    intervals += static_cast<int>(rr.size());

    // The untouched series: quiet hearts in steps of 1/128 s.
    EXPECT_LE(Rejected(BeatsFromMs(testing::JsonNumbers(testing::JsonAt(person, "base"), "rr_ms")))
                  .size(),
              1u)
        << name;
  }
  EXPECT_EQ(events, 52);
  EXPECT_GE(found, 51);
  EXPECT_LE(false_alarms, 2);
  EXPECT_GT(intervals, 2300);
}

}  // namespace
}  // namespace attune::synchrony
