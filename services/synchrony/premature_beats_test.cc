// A real person with premature beats in most of the breaths (tests/data/polar-h10: 88 % of the
// successive intervals break the 20 % rule). Correction would make up a rhythm that was not there:
// every measure of heart-rate variability is refused, live and over the recording, and none is
// repaired.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/synchrony/engine.h"
#include "services/synchrony/measure.h"
#include "services/synchrony/person/person_measures.h"
#include "services/synchrony/signal/stretch.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;

std::vector<Beat> Recording() {
  auto csv = testing::ReadCsv("tests/data/polar-h10/polar_h10_rr_notifications.csv");
  return testing::BeatsFromMs(testing::ToDoubles(csv["rr_ms"]));
}

TEST(PrematureBeatsTest, LiveValuesAreRefusedNotRepaired) {
  const std::vector<Beat> beats = Recording();
  ASSERT_EQ(beats.size(), 798u);
  Engine engine{Params{}};
  engine.AddPerson(0);
  for (const Beat& beat : beats) ASSERT_TRUE(engine.AddBeat(0, beat));
  const Selection selection = testing::Everybody(1);
  int refused = 0;
  for (int t = 1; t <= 590; ++t) {
    const PersonNumbers numbers = engine.Evaluate(t * kSecond, selection).people[0];
    EXPECT_NE(numbers.rmssd_ms.absent, Absence::kNone) << "at " << t << " s";
    if (t < 60) continue;
    EXPECT_EQ(numbers.rmssd_ms.absent, Absence::kArtefacts) << "at " << t << " s";
    EXPECT_EQ(numbers.artefact_share.absent, Absence::kNone);
    EXPECT_GT(numbers.artefact_share.value, Params{}.artefact_refuse_share);
    ++refused;
  }
  EXPECT_EQ(refused, 531);
}

TEST(PrematureBeatsTest, EveryMeasureOverTheRecordingIsRefused) {
  const std::vector<Beat> beats = Recording();
  int refused = 0, shares = 0;
  for (const auto& [from_s, to_s] :
       std::vector<std::pair<int, int>>{{0, 600}, {0, 300}, {60, 120}, {240, 420}, {400, 590}}) {
    const Stretch stretch =
        BuildStretch(beats, Timing{}, from_s * kSecond, to_s * kSecond, Params{});
    for (const MeasureInfo& info : Catalogue()) {
      if (!IsPersonMeasure(info.measure)) continue;
      const Number number = MeasurePerson(info.measure, stretch, 0, Params{});
      // How many beats a rule rejects is told: that is the reason.
      if (info.name.find("_share") != std::string_view::npos &&
          info.measure != Measure::kBreathingPeakShare) {
        EXPECT_EQ(number.absent, Absence::kNone) << info.name;
        ++shares;
        continue;
      }
      EXPECT_EQ(number.absent, Absence::kArtefacts) << info.name << " " << from_s << ".." << to_s;
      ++refused;
    }
  }
  EXPECT_GE(refused, 5 * 18);
  EXPECT_EQ(shares, 5 * 6);
}

}  // namespace
}  // namespace attune::synchrony
