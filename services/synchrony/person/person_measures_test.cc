#include "services/synchrony/person/person_measures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/dsp/spline.h"
#include "services/synchrony/person/rsa.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Intervals that follow `rr_ms` of the time at which each begins, as a strap sends them; the
// stretch from 60 s on.
Stretch Simulated(const std::function<double(double)>& rr_ms, int seconds) {
  std::vector<double> rr;
  for (double t = 0; t < 60 + seconds + 10;) {
    rr.push_back(rr_ms(t));
    t += rr.back() / 1000;
  }
  return BuildStretch(testing::BeatsFromMs(rr), {}, 60 * kSecond, (60 + seconds) * kSecond,
                      Params{});
}

double Sine(double hz, double t) { return std::sin(2 * M_PI * hz * t); }

double Value(Measure measure, const Stretch& stretch, double pacer_hz = 0) {
  const Number number = MeasurePerson(measure, stretch, pacer_hz, Params{});
  EXPECT_EQ(number.absent, Absence::kNone) << static_cast<int>(measure);
  return number.value;
}

Absence Absent(Measure measure, const Stretch& stretch, double pacer_hz = 0) {
  return MeasurePerson(measure, stretch, pacer_hz, Params{}).absent;
}

// Breathing with a pacer at 6/min: RSA leaves the usual band, and the measures follow it.
TEST(PersonMeasuresTest, PacedBreathingIsFollowed) {
  for (const double hz : {0.1, 0.075}) {
    for (const double mean_ms : {700.0, 900.0, 1050.0}) {
      const auto rr = [&](double t) { return mean_ms + 40 * Sine(hz, t) + 15 * Sine(0.021, t); };
      const Stretch minute = Simulated(rr, 60);
      EXPECT_NEAR(Value(Measure::kRsaBandMs, minute, hz), 40, 4);
      EXPECT_LT(Value(Measure::kRsaBandMs, minute), 10);  // the unpaced band does not see it
      EXPECT_NEAR(Value(Measure::kRsaPeakToTroughMs, minute, hz), 80, 8);
      const Stretch window = Simulated(rr, 64);
      EXPECT_NEAR(Value(Measure::kBreathingPerMin, window, hz), 60 * hz, 0.1);
      EXPECT_GT(Value(Measure::kBreathingPeakShare, window, hz), 0.9);
    }
  }
}

// The truth within 10 %, at any heart rate that has at least 3.5 beats in a breath.
TEST(PersonMeasuresTest, FreeBreathing) {
  for (const double mean_ms : {600.0, 850.0, 1050.0}) {
    const auto rr = [mean_ms](double t) {
      return mean_ms + 30 * Sine(0.25, t) + 20 * Sine(0.095, t);
    };
    const Stretch minute = Simulated(rr, 60);
    EXPECT_NEAR(Value(Measure::kRsaBandMs, minute), 30, 3);
    const double swing = Value(Measure::kRsaPeakToTroughMs, minute);
    EXPECT_GT(swing, 45);
    EXPECT_LT(swing, 85);
    EXPECT_NEAR(Value(Measure::kBreathingPerMin, Simulated(rr, 64)), 15, 0.1);
    // Variances 450 and 200 ms^2.
    const Stretch three_minutes = Simulated(rr, 180);
    EXPECT_NEAR(Value(Measure::kWelchHfMs2, three_minutes), 450, 45);
    EXPECT_NEAR(Value(Measure::kWelchLfMs2, three_minutes), 200, 20);
    EXPECT_NEAR(Value(Measure::kWelchLfNu, three_minutes), 200.0 / 650, 0.03);
    EXPECT_NEAR(Value(Measure::kLombHfMs2, three_minutes), 450, 45);
    EXPECT_NEAR(Value(Measure::kLombLfMs2, three_minutes), 200, 20);
  }
}

// Swings of 60 ms on a curve that climbs by 32 ms in a breath.
TEST(PersonMeasuresTest, SwingsAreNotTheClimbBeneathThem) {
  std::vector<double> grid;
  for (int k = 0; k < 240; ++k) grid.push_back(800 + 2 * k + 30 * Sine(0.25, 0.25 * k));
  const auto swing = PeakToTrough(grid, 0);
  ASSERT_TRUE(swing.has_value());
  EXPECT_NEAR(*swing, 60, 3);
}

// One wave and nothing else is coherent; two equal ones are not.
TEST(PersonMeasuresTest, CoherenceRatioTellsOneWaveFromTwo) {
  const auto one = [](double t) { return 800 + 40 * Sine(0.1, t); };
  const auto two = [](double t) { return 800 + 30 * Sine(0.1, t) + 30 * Sine(0.25, t); };
  const double steady = Value(Measure::kCoherenceRatio, Simulated(one, 64));
  const double mixed = Value(Measure::kCoherenceRatio, Simulated(two, 64));
  // The peak's +- 0.015 Hz hold 0.7 to 0.75 of a Hann window's lobe over 64 s.
  EXPECT_GT(steady, 2);
  EXPECT_GT(mixed, 0.5);
  EXPECT_LT(mixed, 1);
}

TEST(PersonMeasuresTest, BreathingIsRefusedWithoutAPeak) {
  std::mt19937_64 random(7);
  int passed = 0;
  for (int i = 0; i < 60; ++i) {
    const Stretch noise = Simulated(
        [&random](double) { return 800 + 0.1 * static_cast<double>(random() % 1000); }, 64);
    const Absence absent = Absent(Measure::kBreathingPerMin, noise);
    EXPECT_TRUE(absent == Absence::kNone || absent == Absence::kNotEnoughData);
    passed += absent == Absence::kNone ? 1 : 0;
    EXPECT_EQ(Absent(Measure::kBreathingPeakShare, noise), Absence::kNone);
  }
  EXPECT_LE(passed, 6);
  // A strong wave just below the band: its flank at the edge is higher than any peak inside.
  const auto flank = [](double t) { return 800 + 60 * Sine(0.135, t) + 2 * Sine(0.3, t); };
  EXPECT_EQ(Absent(Measure::kBreathingPerMin, Simulated(flank, 64)), Absence::kNotEnoughData);
}

// Rules over raw beats: as many as the peers remove or flag, of 600.
TEST(PersonMeasuresTest, SharesOfTheRules) {
  const std::string folder = "tests/data/reference-values/artefacts/";
  auto csv = testing::ReadCsv(folder + "input_real.csv");
  const std::vector<double> rr = testing::ToDoubles(csv["rr_ms"]);
  const std::string filters = testing::ReadFile(folder + "expected_filters_real.json");
  const std::string lipponen = testing::ReadFile(folder + "expected_lipponen_real.json");
  for (const char* name : {"nsr016", "nsr005", "nsr003"}) {
    Stretch stretch;
    for (size_t i = 0; i < rr.size(); ++i) {
      if (csv["case"][i] == name) stretch.raw_rr_ms.push_back(rr[i]);
    }
    stretch.beats = 600;
    stretch.artefacts = 300;  // does not keep them from being told
    ASSERT_EQ(stretch.raw_rr_ms.size(), 600u);
    const std::string_view lists = testing::JsonAt(filters, name);
    const struct {
      Measure measure;
      const char* list;
    } kRules[] = {{Measure::kMalikShare, "malik"},
                  {Measure::kKamathShare, "kamath"},
                  {Measure::kKarlssonShare, "karlsson"},
                  {Measure::kAcarShare, "acar"}};
    for (const auto& [measure, list] : kRules) {
      const double removed = static_cast<double>(testing::JsonNumbers(lists, list).size());
      EXPECT_DOUBLE_EQ(Value(measure, stretch), removed / 600) << name << " " << list;
    }
    const std::vector<double> passes =
        testing::JsonNumbers(testing::JsonAt(lipponen, name), "count_per_pass");
    EXPECT_DOUBLE_EQ(Value(Measure::kLipponenShare, stretch), passes.front() / 600) << name;
  }
}

// 300 s of real hearts: the stretch's own grid and times, rounded to 1 us, against SciPy's.
TEST(PersonMeasuresTest, BandPowersOfAStretchAgreeWithReference) {
  const std::string folder = "tests/data/reference-values/hrv/";
  auto csv = testing::ReadCsv(folder + "input_nn.csv");
  const std::vector<double> all = testing::ToDoubles(csv["nn_ms"]);
  const std::string json = testing::ReadFile(folder + "expected_frequency_domain.json");
  for (const char* name : {"nsr003", "nsr008", "nsr021", "synthetic_sine"}) {
    Stretch stretch;
    std::vector<Knot> knots;
    double t = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (csv["case"][i] != name) continue;
      t += all[i] / 1000;
      knots.push_back({t, all[i]});
      stretch.nn.push_back({std::llround(t * 1e6), all[i], false, !stretch.nn.empty()});
    }
    stretch.beats = static_cast<int>(knots.size());
    const size_t before = static_cast<size_t>(std::ceil(4 * knots.front().t)) - 1;
    stretch.grid_ms.assign(before, kNan);
    const size_t samples = static_cast<size_t>(4 * knots.back().t);
    for (double v :
         dsp::PchipOnGrid(knots, 0.25 * static_cast<double>(before + 1), 0.25, samples - before)) {
      stretch.grid_ms.push_back(v);
    }
    stretch.grid_ms.push_back(kNan);  // the last beat lies within this sample
    stretch.to_us = static_cast<int64_t>(samples + 1) * kSampleUs;
    const std::string_view e = testing::JsonAt(json, name);
    const std::string_view welch = testing::JsonAt(e, "welch_nperseg256");
    const std::string_view lomb = testing::JsonAt(e, "lomb");
    const struct {
      Measure measure;
      double expected;
    } kExpected[] = {{Measure::kWelchLfMs2, testing::JsonNumber(welch, "lf")},
                     {Measure::kWelchHfMs2, testing::JsonNumber(welch, "hf")},
                     {Measure::kWelchLfNu, testing::JsonNumber(welch, "lf_nu")},
                     {Measure::kLombLfMs2, testing::JsonNumber(lomb, "lf")},
                     {Measure::kLombHfMs2, testing::JsonNumber(lomb, "hf")}};
    for (const auto& [measure, expected] : kExpected) {
      EXPECT_NEAR(Value(measure, stretch), expected, 1e-5 * expected) << name;
    }
  }
}

// Of two hours as of three minutes: the mean power, however long the recording.
TEST(PersonMeasuresTest, WholeRecordings) {
  const auto rr = [](double t) { return 850 + 30 * Sine(0.25, t) + 20 * Sine(0.1, t); };
  const Stretch hours = Simulated(rr, 7200);
  EXPECT_NEAR(Value(Measure::kLombHfMs2, hours), 450, 45);
  EXPECT_NEAR(Value(Measure::kLombLfMs2, hours), 200, 20);
  EXPECT_NEAR(Value(Measure::kWelchHfMs2, hours), 450, 45);
  EXPECT_NEAR(Value(Measure::kBreathingPerMin, hours), 15, 0.05);
  EXPECT_NEAR(Value(Measure::kRsaBandMs, hours), 30, 2);
  EXPECT_NEAR(Value(Measure::kRsaPorgesBohrer, hours),
              Value(Measure::kRsaPorgesBohrer, Simulated(rr, 60)), 0.1);
  EXPECT_NEAR(Value(Measure::kCoherenceRatio, hours),
              Value(Measure::kCoherenceRatio, Simulated(rr, 64)), 0.3);
}

TEST(PersonMeasuresTest, NothingReachesOverAGap) {
  const auto rr = [](double t) { return 850 + 30 * Sine(0.25, t); };
  Stretch stretch = Simulated(rr, 180);
  const double whole = Value(Measure::kWelchHfMs2, stretch);
  // Ten seconds missing in the middle: runs of 85 s, in which one segment of 64 s fits twice.
  for (size_t k = 340; k < 380; ++k) stretch.grid_ms[k] = kNan;
  std::erase_if(stretch.nn, [](const NnInterval& nn) {
    return nn.end_us > 145 * kSecond && nn.end_us <= 155 * kSecond;
  });
  // What comes later is 400 ms higher: a segment over the gap would see that step.
  for (size_t k = 380; k < 720; ++k) stretch.grid_ms[k] += 400;
  for (NnInterval& nn : stretch.nn) nn.nn_ms += nn.end_us > 150 * kSecond ? 400 : 0;
  EXPECT_NEAR(Value(Measure::kWelchHfMs2, stretch), whole, 0.02 * whole);
  EXPECT_EQ(Absent(Measure::kRsaBandMs, stretch), Absence::kNotEnoughData);
  EXPECT_EQ(Absent(Measure::kRsaPorgesBohrer, stretch), Absence::kNotEnoughData);
  EXPECT_EQ(Absent(Measure::kRsaPeakToTroughMs, stretch), Absence::kNotEnoughData);
  const Number number = MeasurePerson(Measure::kSdnnMs, stretch, 0, Params{});
  EXPECT_EQ(number.absent, Absence::kNone);
  EXPECT_NEAR(number.coverage, 680.0 / 720, 1e-12);
  EXPECT_EQ(number.window_us, 180 * kSecond);
}

TEST(PersonMeasuresTest, CorrectedIntervalsDoNotCount) {
  Stretch stretch = Simulated([](double t) { return 850 + 30 * Sine(0.25, t); }, 60);
  const double mean = Value(Measure::kMeanNnMs, stretch);
  const double sdsd = Value(Measure::kSdsdMs, stretch);
  EXPECT_EQ(Value(Measure::kCorrectedShare, stretch), 0);
  for (size_t k : {20u, 21u}) {
    stretch.nn[k].corrected = true;
    stretch.nn[k].nn_ms = 5000;
    stretch.nn[k].adjacent = stretch.nn[k + 1].adjacent = false;
  }
  EXPECT_NEAR(Value(Measure::kMeanNnMs, stretch), mean, 2);
  EXPECT_NEAR(Value(Measure::kSdsdMs, stretch), sdsd, 2);
  EXPECT_DOUBLE_EQ(Value(Measure::kCorrectedShare, stretch),
                   2.0 / static_cast<double>(stretch.nn.size()));
}

bool JudgesBeats(Measure measure) {
  return measure == Measure::kCorrectedShare ||
         (measure >= Measure::kMalikShare && measure <= Measure::kLipponenShare);
}

bool NeedsTimes(Measure measure) {
  return measure >= Measure::kRsaBandMs && measure <= Measure::kLombHfMs2;
}

TEST(PersonMeasuresTest, RefusalsAreStated) {
  Stretch stretch = Simulated([](double t) { return 850 + 30 * Sine(0.25, t); }, 180);
  Stretch late = stretch, noisy = stretch, bad = stretch, few;
  late.timing.jitter_us = 400'001;
  noisy.artefacts = stretch.beats / 10;
  bad.artefacts = stretch.beats / 4;
  few.to_us = 180 * kSecond;
  int measures = 0;
  for (const MeasureInfo& info : Catalogue()) {
    if (!IsPersonMeasure(info.measure)) continue;
    ++measures;
    EXPECT_EQ(info.subject, Subject::kPerson);
    const Number number = MeasurePerson(info.measure, stretch, 0, Params{});
    EXPECT_EQ(number.absent, Absence::kNone) << info.name;
    EXPECT_FALSE(number.doubtful);
    EXPECT_EQ(number.coverage, 1);
    EXPECT_EQ(Absent(info.measure, late),
              NeedsTimes(info.measure) ? Absence::kTimingTooUncertain : Absence::kNone)
        << info.name;
    EXPECT_TRUE(MeasurePerson(info.measure, noisy, 0, Params{}).doubtful);
    EXPECT_EQ(Absent(info.measure, noisy), Absence::kNone);
    EXPECT_EQ(Absent(info.measure, bad),
              JudgesBeats(info.measure) ? Absence::kNone : Absence::kArtefacts)
        << info.name;
    EXPECT_EQ(Absent(info.measure, few), Absence::kNotEnoughData);
  }
  EXPECT_EQ(measures, 25);
  for (Measure other : {Measure::kHrBpm, Measure::kLeaveOneOutR, Measure::kDriverScore,
                        Measure::kRZeroLag, Measure::kOmega}) {
    EXPECT_FALSE(IsPersonMeasure(other));
    EXPECT_EQ(Absent(other, stretch), Absence::kNotEnoughData);
  }
}

// Ten seconds hold too little for anything but shares of beats; the bands of slow
// waves want two minutes, those of breathing one.
TEST(PersonMeasuresTest, ShortStretches) {
  const auto rr = [](double t) { return 850 + 30 * Sine(0.25, t); };
  const Stretch ten = Simulated(rr, 10), seventy = Simulated(rr, 70), ninety = Simulated(rr, 90);
  for (const MeasureInfo& info : Catalogue()) {
    if (!IsPersonMeasure(info.measure)) continue;
    EXPECT_EQ(Absent(info.measure, ten),
              JudgesBeats(info.measure) ? Absence::kNone : Absence::kNotEnoughData)
        << info.name;
  }
  for (Measure hf : {Measure::kWelchHfMs2, Measure::kLombHfMs2}) {
    EXPECT_EQ(Absent(hf, seventy), Absence::kNone);
  }
  for (Measure lf : {Measure::kWelchLfMs2, Measure::kLombLfMs2, Measure::kWelchLfNu}) {
    EXPECT_EQ(Absent(lf, ninety), Absence::kNotEnoughData);
    EXPECT_EQ(Absent(lf, Simulated(rr, 130)), Absence::kNone);
  }
}

// A strap that sends one value for ever: no logarithm, no peak, no ratio; zeros where they are
// true.
TEST(PersonMeasuresTest, AConstantHeart) {
  const Stretch stretch = Simulated([](double) { return 800; }, 180);
  EXPECT_EQ(Value(Measure::kSdnnMs, stretch), 0);
  EXPECT_EQ(Value(Measure::kSd2Ms, stretch), 0);
  EXPECT_EQ(Value(Measure::kPnn20Pct, stretch), 0);
  for (Measure none : {Measure::kLnRmssd, Measure::kRsaPorgesBohrer, Measure::kBreathingPerMin,
                       Measure::kCoherenceRatio}) {
    EXPECT_EQ(Absent(none, stretch), Absence::kNotEnoughData) << static_cast<int>(none);
  }
}

}  // namespace
}  // namespace attune::synchrony
