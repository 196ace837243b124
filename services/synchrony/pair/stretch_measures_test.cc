#include "services/synchrony/pair/stretch_measures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/chance/null.h"
#include "services/synchrony/pair/windowed_r.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kSecond = 1'000'000;
constexpr double kPacerHz = 0.1;

std::vector<Measure> AllOfPairs() {
  std::vector<Measure> measures;
  for (const MeasureInfo& info : Catalogue()) {
    if (info.subject == Subject::kPair) measures.push_back(info.measure);
  }
  return measures;
}

Stretch StretchOf(std::vector<double> grid_ms) {
  Stretch stretch;
  stretch.to_us = static_cast<int64_t>(grid_ms.size()) * kSampleUs;
  stretch.grid_ms = std::move(grid_ms);
  stretch.beats = static_cast<int>(stretch.to_us / kSecond);
  return stretch;
}

Stretch Reference(const std::string& column, size_t samples) {
  std::vector<double> grid = testing::ToDoubles(
      testing::ReadCsv("tests/data/reference-values/pair/input_pair.csv")[column]);
  grid.resize(samples);
  return StretchOf(std::move(grid));
}

double ValueOf(Measure measure, const Stretch& a, const Stretch& b) {
  const Number number = MeasurePair(measure, a, b, kPacerHz, false, Params{});
  EXPECT_EQ(number.absent, Absence::kNone) << FindMeasure(measure)->name;
  return number.value;
}

// Each measure is the analysis that its header says, with the shape that stretch_measures.h says:
// the values that peers give for the reference pair.
TEST(StretchMeasuresTest, ValuesOfTheReferencePair) {
  const std::string folder = "tests/data/reference-values/pair/";
  const Stretch a = Reference("A_nsr003", 2400), l = Reference("L", 2400);
  const std::string susy = testing::ReadFile(folder + "expected_susy.json");
  const std::string_view al = testing::JsonAt(susy, "AL_maxlag3s");
  EXPECT_NEAR(ValueOf(Measure::kSusyEs, a, l), testing::JsonNumber(al, "ES"), 1e-7);
  EXPECT_NEAR(ValueOf(Measure::kSusyEsSigned, a, l), testing::JsonNumber(al, "ES(noAbs)"), 1e-6);
  EXPECT_NEAR(ValueOf(Measure::kSusyLeadA, a, l), testing::JsonNumber(al, "Z(lead1)"), 1e-9);
  EXPECT_NEAR(ValueOf(Measure::kSusyLeadB, a, l), testing::JsonNumber(al, "Z(lead2)"), 1e-9);
  const std::string concordance = testing::ReadFile(folder + "expected_concordance.json");
  EXPECT_NEAR(ValueOf(Measure::kConcordanceIndex, a, l),
              testing::JsonNumber(concordance, "SSI_AL_least_squares"), 1e-9);
  const std::string windowed = testing::ReadFile(folder + "expected_windowed_r.json");
  double mean = 0;
  const std::vector<double> r = testing::JsonNumbers(windowed, "r_detrended_AB");
  for (double v : r) mean += v / static_cast<double>(r.size());
  EXPECT_NEAR(ValueOf(Measure::kRMeanWindowed, a, Reference("B_nsr008", 2400)), mean, 1e-9);

  const Stretch first_a = Reference("A_nsr003", 1200), first_l = Reference("L", 1200);
  const std::string crqa = testing::ReadFile(folder + "expected_crqa.json");
  const std::string_view plot = testing::JsonAt(crqa, "AL_m3_tau4_r0.5");
  EXPECT_NEAR(ValueOf(Measure::kCrqaRecPct, first_a, first_l), testing::JsonNumber(plot, "REC_pct"),
              1e-9);
  EXPECT_NEAR(ValueOf(Measure::kCrqaDetPct, first_a, first_l), testing::JsonNumber(plot, "DET_pct"),
              1e-8);
  EXPECT_NEAR(ValueOf(Measure::kCrqaLineMean, first_a, first_l),
              testing::JsonNumber(plot, "L_mean"), 1e-9);
  EXPECT_EQ(ValueOf(Measure::kCrqaLineMax, first_a, first_l), testing::JsonNumber(plot, "L_max"));
  EXPECT_NEAR(ValueOf(Measure::kCrqaEntropy, first_a, first_l),
              testing::JsonNumber(plot, "ENTR_nats"), 1e-9);

  // L follows A by 1.5 s, so every lag and lead says so.
  EXPECT_EQ(ValueOf(Measure::kCrqaLagMs, first_a, first_l), 1500);
  EXPECT_NEAR(ValueOf(Measure::kLagMs, a, l), 1500, 100);
  EXPECT_NEAR(ValueOf(Measure::kWccPeakLagMs, a, l), 1500, 250);
  // Less half of what the intervals differ by, which here are no intervals of two hearts.
  double longer_ms = 0;
  for (size_t i = 0; i < 2400; ++i) longer_ms += (a.grid_ms[i] - l.grid_ms[i]) / 2400;
  const std::string whitened = testing::ReadFile(folder + "expected_whitened_lag.json");
  EXPECT_NEAR(
      ValueOf(Measure::kLagSpanMs, a, l),
      1000 * testing::JsonNumber(testing::JsonAt(whitened, "AL_2400"), "lag_s") + longer_ms / 2,
      1e-4);
  EXPECT_GT(ValueOf(Measure::kWccPeakR, a, l), 0.8);
  EXPECT_GT(ValueOf(Measure::kRPeak, a, l), 0.8);
  EXPECT_NEAR(ValueOf(Measure::kPhaseDifferenceLfDeg, a, l), 360 * 0.095 * 1.5, 25);
  EXPECT_GT(ValueOf(Measure::kGrangerAToB, a, l), 10 * ValueOf(Measure::kGrangerBToA, a, l));
  EXPECT_GT(ValueOf(Measure::kTransferEntropyAToB, a, l),
            3 * ValueOf(Measure::kTransferEntropyBToA, a, l));
}

// The live statistic over the 20 reference pairs of strangers, and its p: the same windows, shifted
// by whole seconds instead of samples.
TEST(StretchMeasuresTest, MeanWindowedROfTheReferenceStrangers) {
  const std::string folder = "tests/data/reference-values/nulls/";
  auto csv = testing::ReadCsv(folder + "input_grid.csv");
  const std::string json = testing::ReadFile(folder + "expected_20_pairs.json");
  int compared = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string_view pair = testing::JsonAt(json, "a", i);
    const auto column = [&](std::string_view text) {
      return StretchOf(testing::ToDoubles(csv[std::string(text.substr(1, text.find('"', 1) - 1))]));
    };
    const Stretch a = column(pair), b = column(testing::JsonAt(pair, "b"));
    // Two hearts stand still for a quarter of a minute: no r there for us.
    if (WindowRows(a.grid_ms, 60, 4, 0.8).count() != 286) continue;
    const std::string_view expected = testing::JsonAt(pair, "window_detrended");
    const Number number = PairAnalysis(a, b, 0, false, Params{}, 1000).Of(Measure::kRMeanWindowed);
    ASSERT_TRUE(number.has_chance);
    if (std::fabs(number.value - testing::JsonNumber(expected, "observed")) > 1e-9) continue;
    ++compared;
    EXPECT_EQ(number.chance.shifts, 227);  // 30..256 windows
    EXPECT_NEAR(number.chance.mean, testing::JsonNumber(expected, "null_mean"), 0.01);
    EXPECT_NEAR(number.chance.p, testing::JsonNumber(expected, "p"), 0.08);
  }
  EXPECT_GE(compared, 18);
}

TEST(StretchMeasuresTest, EveryPairMeasureHasAValueAtItsWindow) {
  for (const MeasureInfo& info : Catalogue()) {
    const size_t seconds = info.window_seconds > 0 ? static_cast<size_t>(info.window_seconds) : 600;
    const Stretch a = Reference("A_nsr003", 4 * seconds), l = Reference("L", 4 * seconds);
    const Number number = MeasurePair(info.measure, a, l, kPacerHz, false, Params{});
    if (info.subject != Subject::kPair) {
      EXPECT_EQ(number.absent, Absence::kNotEnoughData) << info.name;
      continue;
    }
    EXPECT_EQ(number.absent, Absence::kNone) << info.name;
    EXPECT_EQ(number.window_us, static_cast<int64_t>(seconds) * kSecond);
    EXPECT_EQ(number.coverage, 1);
  }
}

TEST(StretchMeasuresTest, SeveralAtOnceAreTheSame) {
  const Stretch a = Reference("A_nsr003", 1200), b = Reference("L", 1200);
  const std::vector<Measure> measures = AllOfPairs();
  const std::vector<Number> numbers = MeasurePairs(measures, a, b, kPacerHz, false, Params{});
  ASSERT_EQ(numbers.size(), measures.size());
  for (size_t i = 0; i < measures.size(); ++i) {
    const Number alone = MeasurePair(measures[i], a, b, kPacerHz, false, Params{});
    EXPECT_EQ(numbers[i].absent, alone.absent);
    EXPECT_EQ(numbers[i].value, alone.value) << FindMeasure(measures[i])->name;
  }
}

// The other way round: signs turn, leads change places, all else stays.
TEST(StretchMeasuresTest, TurnedRound) {
  const Stretch a = Reference("A_nsr003", 1200), b = Reference("L", 1200);
  for (Measure measure : AllOfPairs()) {
    const double forth = ValueOf(measure, a, b);
    double back = ValueOf(measure, b, a);
    switch (measure) {
      case Measure::kLagMs:
      case Measure::kWccPeakLagMs:
      case Measure::kLagSpanMs:
      case Measure::kCrqaLagMs:
      case Measure::kPhaseDifferenceLfDeg:
      case Measure::kPhaseDifferenceRsaDeg:
        back = -back;
        break;
      case Measure::kSusyLeadA:
        back = ValueOf(Measure::kSusyLeadB, b, a);
        break;
      case Measure::kSusyLeadB:
        back = ValueOf(Measure::kSusyLeadA, b, a);
        break;
      case Measure::kGrangerAToB:
        back = ValueOf(Measure::kGrangerBToA, b, a);
        break;
      case Measure::kGrangerBToA:
        back = ValueOf(Measure::kGrangerAToB, b, a);
        break;
      case Measure::kTransferEntropyAToB:
        back = ValueOf(Measure::kTransferEntropyBToA, b, a);
        break;
      case Measure::kTransferEntropyBToA:
        back = ValueOf(Measure::kTransferEntropyAToB, b, a);
        break;
      default:
        break;
    }
    EXPECT_NEAR(forth, back, 1e-7 * std::max(1.0, std::fabs(forth))) << FindMeasure(measure)->name;
  }
}

TEST(StretchMeasuresTest, AbsenceSaysWhy) {
  const Params params;
  const Stretch a = Reference("A_nsr003", 2400), b = Reference("L", 2400);
  const auto why = [&](Measure measure, const Stretch& x, const Stretch& y) {
    return MeasurePair(measure, x, y, kPacerHz, false, params).absent;
  };
  for (Measure measure : AllOfPairs()) {
    const auto name = FindMeasure(measure)->name;
    Stretch bad = b;
    bad.artefacts = bad.beats / 4;
    EXPECT_EQ(why(measure, a, bad), Absence::kArtefacts) << name;
    bad.artefacts = bad.beats / 10;
    const Number doubtful = MeasurePair(measure, bad, a, kPacerHz, false, params);
    EXPECT_EQ(doubtful.absent, Absence::kNone) << name;
    EXPECT_TRUE(doubtful.doubtful) << name;
    bad = b;
    bad.beats = 9;
    EXPECT_EQ(why(measure, bad, a), Absence::kNotEnoughData) << name;
    bad = b;
    bad.timing.jitter_us = 400'001;
    EXPECT_EQ(why(measure, a, bad), Absence::kTimingTooUncertain) << name;
    bad = b;
    for (double& v : bad.grid_ms) v = kNaN;
    const Number empty = MeasurePair(measure, a, bad, kPacerHz, false, params);
    EXPECT_EQ(empty.absent, Absence::kNotEnoughData) << name;
    EXPECT_EQ(empty.coverage, 0) << name;
    EXPECT_EQ(empty.window_us, 600 * kSecond) << name;
    bad.grid_ms.assign(2400, 800.0);
    EXPECT_EQ(why(measure, a, bad), Absence::kNotEnoughData) << name << " of a flat line";
  }
  EXPECT_EQ(MeasurePair(Measure::kPlvPacer, a, b, 0, false, params).absent,
            Absence::kNotEnoughData);
}

// Jitters and offset bounds are half widths of even distributions, and part of a lag's error.
TEST(StretchMeasuresTest, TheErrorOfALagHasTheTimingInIt) {
  Stretch a = Reference("A_nsr003", 720), b = Reference("B_nsr008", 720);
  const double exact = MeasurePair(Measure::kLagSpanMs, a, b, 0, false, Params{}).uncertainty;
  a.timing = {.jitter_us = 30'000, .offset_bound_us = 400'000};
  b.timing = {.jitter_us = 40'000, .offset_bound_us = 300'000};
  const Number number = MeasurePair(Measure::kLagSpanMs, a, b, 0, false, Params{});
  ASSERT_EQ(number.absent, Absence::kNone);
  EXPECT_NEAR(number.uncertainty, std::sqrt(exact * exact + (900.0 + 1600 + 160'000 + 90'000) / 3),
              1e-9);
}

// A constant delay that nobody knows makes it impossible to say who is first, and nothing else.
TEST(StretchMeasuresTest, WhoIsFirstNeedsTheOffsets) {
  const Stretch a = Reference("A_nsr003", 1200);
  Stretch b = Reference("L", 1200);
  const auto known = [&](Measure measure, int32_t offset_us) {
    b.timing = {.jitter_us = 20'000, .offset_bound_us = offset_us};
    const Absence absent = MeasurePair(measure, a, b, kPacerHz, false, Params{}).absent;
    EXPECT_TRUE(absent == Absence::kNone || absent == Absence::kTimingTooUncertain);
    return absent == Absence::kNone;
  };
  for (Measure measure :
       {Measure::kLagMs, Measure::kWccPeakLagMs, Measure::kLagSpanMs, Measure::kSusyLeadA,
        Measure::kSusyLeadB, Measure::kCrqaLagMs, Measure::kGrangerAToB, Measure::kGrangerBToA,
        Measure::kTransferEntropyAToB, Measure::kTransferEntropyBToA,
        Measure::kPhaseDifferenceLfDeg, Measure::kInPhaseShareLf, Measure::kAntiPhaseShareLf}) {
    EXPECT_TRUE(known(measure, 980'000)) << FindMeasure(measure)->name;
    EXPECT_FALSE(known(measure, 1'040'000)) << FindMeasure(measure)->name;
  }
  // A tenth of a breath of 0.27 Hz: 0.37 s.
  for (Measure measure :
       {Measure::kPhaseDifferenceRsaDeg, Measure::kInPhaseShareRsa, Measure::kAntiPhaseShareRsa}) {
    EXPECT_TRUE(known(measure, 350'000)) << FindMeasure(measure)->name;
    EXPECT_FALSE(known(measure, 351'000)) << FindMeasure(measure)->name;
  }
  for (Measure measure :
       {Measure::kRMeanWindowed, Measure::kWccPeakR, Measure::kPlvLf, Measure::kPlvRsa,
        Measure::kPlvPacer, Measure::kCoherenceRsa, Measure::kWaveletCoherenceLf, Measure::kSusyEs,
        Measure::kCrqaRecPct, Measure::kConcordanceIndex}) {
    EXPECT_TRUE(known(measure, 5'000'000)) << FindMeasure(measure)->name;
  }
}

// A hole of 6 s in 180 s, and one of 60 s: what can do without the samples goes on, what cannot
// says so; nothing is filled in.
TEST(StretchMeasuresTest, Holes) {
  const Stretch a = Reference("A_nsr003", 720);
  Stretch b = Reference("L", 720);
  for (size_t i = 300; i < 324; ++i) b.grid_ms[i] = kNaN;
  for (Measure measure : AllOfPairs()) {
    const Number number = MeasurePair(measure, a, b, kPacerHz, false, Params{});
    // 8 segments are left of 10 only if the hole lies well.
    if (measure == Measure::kCoherenceLf || measure == Measure::kCoherenceRsa) continue;
    EXPECT_EQ(number.absent, Absence::kNone) << FindMeasure(measure)->name;
    EXPECT_NEAR(number.coverage, 696.0 / 720, 1e-12);
  }
  for (size_t i = 300; i < 540; ++i) b.grid_ms[i] = kNaN;
  for (Measure measure : {Measure::kRMeanWindowed, Measure::kCoherenceLf, Measure::kSusyEs,
                          Measure::kCrqaRecPct, Measure::kWaveletCoherenceLf}) {
    EXPECT_EQ(MeasurePair(measure, a, b, kPacerHz, false, Params{}).absent, Absence::kNotEnoughData)
        << FindMeasure(measure)->name;
  }
}

TEST(StretchMeasuresTest, ChanceWhereItIsHeldAndAskedFor) {
  const Stretch a = Reference("A_nsr003", 2400), l = Reference("L", 2400);
  for (Measure measure : AllOfPairs()) {
    const auto name = FindMeasure(measure)->name;
    const bool always = measure == Measure::kSusyEs || measure == Measure::kSusyEsSigned;
    EXPECT_EQ(MeasurePair(measure, a, l, kPacerHz, false, Params{}).has_chance, always) << name;
    const Number number =
        PairAnalysis(a, l, kPacerHz, false, Params{}, kPairChanceShifts).Of(measure);
    EXPECT_EQ(number.has_chance, PairHasChance(measure)) << name;
    if (number.has_chance) {
      EXPECT_GE(number.chance.shifts, 100) << name;
      EXPECT_LE(number.chance.low, number.chance.mean);
      EXPECT_GE(number.chance.high, number.chance.mean);
      // L is made from A, and nothing flows back. 1.5 s late, it breathes against A, so r at lag 0
      // is below chance.
      if (measure == Measure::kRMeanWindowed) {
        EXPECT_EQ(number.chance.p, 1);
      } else if (measure != Measure::kGrangerBToA && measure != Measure::kTransferEntropyBToA) {
        EXPECT_LE(number.chance.p, 0.02) << name;
      }
    } else {
      EXPECT_EQ(number.chance_absent, Absence::kNone) << name;
    }
    const Number shared =
        PairAnalysis(a, l, kPacerHz, true, Params{}, kPairChanceShifts).Of(measure);
    EXPECT_EQ(shared.absent, Absence::kNone);
    EXPECT_EQ(shared.value, number.value);
    EXPECT_FALSE(shared.has_chance);
    EXPECT_EQ(shared.chance_absent, PairHasChance(measure) ? Absence::kCommonCause : Absence::kNone)
        << name;
  }
  // No room for shifts, too few segments for coherence: the value stays, its chance says why not.
  const Number brief = PairAnalysis(Reference("A_nsr003", 300), Reference("L", 300), 0, false,
                                    Params{}, kPairChanceShifts)
                           .Of(Measure::kPlvRsa);
  EXPECT_EQ(brief.absent, Absence::kNone);
  EXPECT_FALSE(brief.has_chance);
  EXPECT_EQ(brief.chance_absent, Absence::kNotEnoughData);
  EXPECT_EQ(PairAnalysis(Reference("A_nsr003", 1200), Reference("L", 1200), 0, false, Params{},
                         kPairChanceShifts)
                .Of(Measure::kCoherenceLf)
                .chance_absent,
            Absence::kNotEnoughData);
}

// From beats to lag: two hearts, the second modulated as the first was `lag_s` before, and by waves
// of its own.
TEST(StretchMeasuresTest, LagFromBeatsWithinAQuarterOfASecond) {
  for (int lag_s = -4; lag_s <= 4; ++lag_s) {
    std::mt19937_64 random(static_cast<uint64_t>(17 + lag_s));
    std::normal_distribution<double> normal;
    constexpr double kRate = 20;
    const auto waves = [&] {
      std::vector<double> x(static_cast<size_t>(260 * kRate));
      for (const double hz : {0.1, 0.25}) {
        double phase = 6.28 * normal(random);
        for (double& v : x) {
          phase += 6.283185307179586 * hz / kRate + 0.06 * normal(random);
          v += 25 * std::sin(phase);
        }
      }
      return x;
    };
    const std::vector<double> shared = waves(), own = waves();
    const auto stretch = [&](double mean_ms, double later_s, double own_share) {
      std::vector<double> rr;
      for (double t = 0; t < 230;) {
        const auto at = [&](double s) { return static_cast<size_t>((s + 15) * kRate); };
        const double value = mean_ms + shared[at(t - later_s)] + own_share * own[at(t)];
        rr.push_back(value);
        t += value / 1000;
      }
      return BuildStretch(testing::BeatsFromMs(rr), {}, 20 * kSecond, 205 * kSecond, Params{});
    };
    const Number number = MeasurePair(Measure::kLagMs, stretch(850, 0, 0), stretch(870, lag_s, 0.5),
                                      0, false, Params{});
    ASSERT_EQ(number.absent, Absence::kNone) << lag_s;
    EXPECT_NEAR(number.value, 1000.0 * lag_s, 250);
    EXPECT_GT(number.uncertainty, 0);
    EXPECT_LT(number.uncertainty, 250);
  }
}

}  // namespace
}  // namespace attune::synchrony
