// Cluster phase, symbolic entropy, coherence and driver scores against multiSyncPy and SciPy.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "services/synchrony/dsp/analytic.h"
#include "services/synchrony/dsp/butterworth.h"
#include "services/synchrony/group/cluster_phase.h"
#include "services/synchrony/group/group_coherence.h"
#include "services/synchrony/group/symbolic.h"
#include "services/synchrony/group/sync_index.h"
#include "services/synchrony/group/table.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

const std::string kFolder = "tests/data/reference-values/group/";
const std::vector<std::string> kPeople = {"nsr003", "nsr008", "nsr010",
                                          "nsr013", "nsr021", "nsr023"};
using Phases = std::vector<std::vector<UnitVector>>;

Table ReadTable(const std::string& file, const std::vector<std::string>& names) {
  auto csv = testing::ReadCsv(kFolder + file);
  Table people;
  for (const std::string& name : names) people.push_back(testing::ToDoubles(csv[name]));
  return people;
}

Phases FromAngles(const Table& angles) {
  Phases people;
  for (const auto& x : angles) {
    auto& person = people.emplace_back();
    for (double angle : x) person.push_back({std::cos(angle), std::sin(angle)});
  }
  return people;
}

Phases BandPhases(const Table& people, int order, double low_hz, double high_hz, double rate_hz) {
  const auto sections = dsp::ButterworthBandPass(order, low_hz, high_hz, rate_hz);
  Phases phases;
  for (std::vector<double> x : people) {
    double mean = 0;
    for (double v : x) mean += v / static_cast<double>(x.size());
    for (double& v : x) v -= mean;
    auto& person = phases.emplace_back();
    for (const dsp::Complex z :
         dsp::AnalyticSignal(dsp::SosFiltFilt(sections, x, dsp::DefaultPad(sections)))) {
      const double size = dsp::Abs(z);
      person.push_back({z.re / size, z.im / size});
    }
  }
  return phases;
}

double MeanOf(const std::vector<double>& x) {
  double sum = 0;
  for (double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}

TEST(ClusterPhaseTest, AgreesWithMultiSyncPyOnGivenPhases) {
  const std::string json = testing::ReadFile(kFolder + "expected_phase.json");
  const Phases people = FromAngles(ReadTable("input_phase_lf_1hz.csv", kPeople));
  const auto result = MeasureClusterPhase(people);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->moments, 600);
  EXPECT_NEAR(result->rho, testing::JsonNumber(json, "rho_group"), 1e-9);
  const auto near = [&](const std::vector<double>& ours, const char* key) {
    const std::vector<double> theirs = testing::JsonNumbers(json, key);
    ASSERT_EQ(ours.size(), theirs.size());
    for (size_t k = 0; k < ours.size(); ++k) ASSERT_NEAR(ours[k], theirs[k], 1e-9) << key << k;
  };
  near(result->rho_own, "rho_person");
  near(result->rho_moment, "rho_group_t");
  near(result->order, "kuramoto_R_t");
}

TEST(ClusterPhaseTest, WeakNullHasTheSamplesStandardDeviation) {
  const std::string json = testing::ReadFile(kFolder + "expected_phase.json");
  const std::string peer(testing::JsonAt(json, "weak_null_multiSyncPy_5x120s"));
  const std::string correct(testing::JsonAt(json, "weak_null_ddof1"));
  const auto order =
      MeasureClusterPhase(FromAngles(ReadTable("input_phase_lf_1hz.csv", kPeople)))->order;
  std::vector<double> y(5, 0.0);
  for (size_t t = 0; t < 600; ++t) y[t / 120] += order[t] * order[t] / 120;
  const std::vector<double> expected = testing::JsonNumbers(correct, "Ybar");
  for (size_t k = 0; k < 5; ++k) EXPECT_NEAR(y[k], expected[k], 1e-9);
  const auto result = TestAgainstWeakNull(y, 6);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->t, testing::JsonNumber(correct, "t"), 1e-9);
  EXPECT_EQ(result->degrees_of_freedom, testing::JsonNumber(peer, "df"));
  // The peer's SD divides by n: its t is larger by sqrt(5 / 4).
  EXPECT_NEAR(result->t * std::sqrt(5.0 / 4), testing::JsonNumber(peer, "t"), 1e-9);
  EXPECT_FALSE(TestAgainstWeakNull(std::vector<double>{0.2}, 6));
  EXPECT_FALSE(TestAgainstWeakNull(std::vector<double>{0.2, 0.2}, 6));
}

TEST(ClusterPhaseTest, AgreesFromTheSignalsOn) {
  const std::string json = testing::ReadFile(kFolder + "expected_phase.json");
  const Table people = ReadTable("input_group_4hz.csv", kPeople);
  const auto every_fourth = [](const Phases& all) {
    Phases some;
    for (const auto& person : all) {
      auto& to = some.emplace_back();
      for (size_t t = 0; t < person.size(); t += 4) to.push_back(person[t]);
    }
    return some;
  };
  const auto low = MeasureClusterPhase(every_fourth(BandPhases(people, 4, 0.04, 0.15, 4)));
  EXPECT_NEAR(low->rho, testing::JsonNumber(json, "rho_group"), 1e-7);
  EXPECT_NEAR(MeanOf(low->order), testing::JsonNumber(json, "kuramoto_mean_R"), 1e-7);
  const std::string hf(testing::JsonAt(json, "hf_band_0.12_0.40"));
  const auto high = MeasureClusterPhase(every_fourth(BandPhases(people, 4, 0.12, 0.40, 4)));
  EXPECT_NEAR(high->rho, testing::JsonNumber(hf, "rho_group"), 1e-7);
  EXPECT_NEAR(MeanOf(high->order), testing::JsonNumber(hf, "kuramoto_mean_R"), 1e-7);
}

// An audience that breathes: measured belts instead of hearts. A negative control.
TEST(ClusterPhaseTest, AgreesOnTheBreathOfAnAudience) {
  const std::string json = testing::ReadFile(kFolder + "expected_respiration_phase.json");
  std::vector<std::string> names;
  for (const char* n :
       {"07", "05", "02", "06", "12", "03", "08", "13", "14", "11", "04", "10", "09", "01", "15"}) {
    names.push_back(std::string("AU8") + n);
  }
  const Phases phases = BandPhases(ReadTable("input_respiration_5hz.csv", names), 2, 0.1, 0.5, 5);
  const auto result = MeasureClusterPhase(phases);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->rho, testing::JsonNumber(json, "rho_group"), 1e-4);
  const std::vector<double> own = testing::JsonNumbers(json, "rho_person");
  for (size_t i = 0; i < 15; ++i) EXPECT_NEAR(result->rho_own[i], own[i], 1e-4);
  const double observed = MeanOf(result->order);
  EXPECT_NEAR(observed, testing::JsonNumber(json, "kuramoto_mean_R_all"), 1e-4);
  const std::vector<double> fifth = testing::JsonNumbers(json, "kuramoto_R_t_every_5th");
  for (size_t k = 0; k < fifth.size(); ++k) ASSERT_NEAR(result->order[5 * k], fifth[k], 1e-4);
  EXPECT_NEAR(ChanceOrder(15), testing::JsonNumber(json, "chance_sqrt_pi_over_4N"), 1e-12);
  double plv = 0;
  for (size_t i = 0; i < 15; ++i) {
    for (size_t j = i + 1; j < 15; ++j) {
      double re = 0, im = 0;
      for (size_t t = 0; t < 1000; ++t) {
        const UnitVector a = phases[i][t], b = phases[j][t];
        re += a.re * b.re + a.im * b.im;
        im += a.im * b.re - a.re * b.im;
      }
      plv += std::sqrt(re * re + im * im) / 1000 / 105;
    }
  }
  EXPECT_NEAR(plv, testing::JsonNumber(json, "mean_pairwise_plv"), 1e-4);
  // The same fixed shifts.
  const std::vector<double> shifts = testing::JsonNumbers(json, "null_shifts_samples");
  ASSERT_EQ(shifts.size(), 199u * 15);
  int at_least = 0;
  double mean = 0;
  for (size_t draw = 0; draw < 199; ++draw) {
    double null_value = 0;
    for (size_t t = 0; t < 1000; ++t) {
      double re = 0, im = 0;
      for (size_t i = 0; i < 15; ++i) {
        const auto shift = static_cast<size_t>(shifts[15 * draw + i]);
        const UnitVector v = phases[i][(t + 1000 - shift) % 1000];
        re += v.re;
        im += v.im;
      }
      null_value += std::sqrt(re * re + im * im) / 15 / 1000;
    }
    mean += null_value / 199;
    at_least += null_value >= observed ? 1 : 0;
  }
  EXPECT_NEAR(mean, testing::JsonNumber(json, "null_mean"), 1e-3);
  EXPECT_NEAR((1 + at_least) / 200.0, testing::JsonNumber(json, "p"), 1e-3);
}

TEST(ClusterPhaseTest, SteadyOffsetsAreACluster) {
  // Three people a third of a turn apart: no order (R = 0.33 at best), a perfect cluster.
  Phases people(3);
  for (int t = 0; t < 100; ++t) {
    const double angle = 0.3 * t;
    people[0].push_back({std::cos(angle), std::sin(angle)});
    people[1].push_back({std::cos(angle + 1), std::sin(angle + 1)});
    people[2].push_back({std::cos(angle + 2.5), std::sin(angle + 2.5)});
  }
  auto result = MeasureClusterPhase(people);
  EXPECT_NEAR(result->rho, 1, 1e-12);
  EXPECT_LT(result->order[50], 0.6);
  for (double own : result->rho_own) EXPECT_NEAR(own, 1, 1e-12);
  // Moments without a phase of somebody do not count.
  people[1][7] = {};
  result = MeasureClusterPhase(people);
  EXPECT_EQ(result->moments, 99);
  EXPECT_TRUE(std::isnan(result->rho_moment[7]));
  // Two of three may do, when that is asked for; the cluster of the others is as perfect.
  result = MeasureClusterPhase(people, 0.6);
  EXPECT_EQ(result->moments, 100);
  EXPECT_NEAR(result->rho_own[0], 1, 1e-3);  // the cluster lies elsewhere in that moment
  EXPECT_NEAR(result->order[7], std::fabs(std::cos(2.5 / 2)), 1e-12);
  EXPECT_GT(result->rho_moment[7], 0.9);
  for (auto& v : people[1]) v = {};
  EXPECT_FALSE(MeasureClusterPhase(people));
  EXPECT_FALSE(MeasureClusterPhase({people[0]}));
}

TEST(SymbolicTest, AgreesWithMultiSyncPy) {
  const std::string json = testing::ReadFile(kFolder + "expected_multisyncpy.json");
  Table people = Decimated(ReadTable("input_group_4hz.csv", kPeople), 4);
  EXPECT_NEAR(*SymbolicEntropy(people), testing::JsonNumber(json, "symbolic_entropy_nats"), 1e-9);
  for (auto& x : people) x.resize(120);
  EXPECT_NEAR(*SymbolicEntropy(people), testing::JsonNumber(json, "symbolic_entropy_first120s"),
              1e-9);
  EXPECT_NEAR(6 * std::log(3.0), testing::JsonNumber(json, "symbolic_entropy_max_nats"), 1e-9);
  // One person, 3 equal thirds; a copy adds nothing; too many people are refused.
  EXPECT_NEAR(*SymbolicEntropy({{1, 2, 3, 4, 5, 6}}), std::log(3.0), 1e-15);
  EXPECT_NEAR(*SymbolicEntropy({{1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}}), std::log(3.0), 1e-15);
  EXPECT_TRUE(SymbolicEntropy(Table(kSymbolicMaxPeople, {1, 2, 3})));
  EXPECT_FALSE(SymbolicEntropy(Table(kSymbolicMaxPeople + 1, {1, 2, 3})));
}

TEST(GroupCoherenceTest, AgreesWithSciPyByMultiSyncPy) {
  const std::string json = testing::ReadFile(kFolder + "expected_multisyncpy.json");
  const Table people = Decimated(ReadTable("input_group_4hz.csv", kPeople), 4);
  const auto at150 = MeasureGroupCoherence(people, 1, 150, 1, 0, 0.5);
  ASSERT_TRUE(at150);
  EXPECT_EQ(at150->segments, 7);
  EXPECT_NEAR(at150->mean_coherence, testing::JsonNumber(json, "coherence_team_default_nperseg150"),
              1e-9);
  EXPECT_NEAR(at150->sum_normalised_csd, testing::JsonNumber(json, "sum_normalized_csd_nperseg150"),
              1e-9);
  const auto at128 = MeasureGroupCoherence(people, 1, 128, 1, 0, 0.5);
  EXPECT_NEAR(at128->mean_coherence, testing::JsonNumber(json, "coherence_team_nperseg128"), 1e-9);
}

TEST(GroupCoherenceTest, SegmentsDoNotReachOverAGap) {
  Table people = Decimated(ReadTable("input_group_4hz.csv", kPeople), 4);
  const double nan = std::nan("");
  // A pair with and without a gap in one of the two, as if the segments over it had never been.
  const Table pair = {people[0], people[1]};
  const auto whole = MeasureGroupCoherence(pair, 1, 100, 1, 0, 0.5);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->segments, 11);
  people[3][300] = nan;
  const auto gap = MeasureGroupCoherence({people[0], people[3]}, 1, 100, 1, 0, 0.5);
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->segments, 9);  // those from 250 and from 300 on hold it
  EXPECT_FALSE(MeasureGroupCoherence({people[0], people[3]}, 1, 100, 10, 0, 0.5));
  // Of five pairs in fifteen that person is one: a third of the pairs without enough is too many.
  EXPECT_NEAR(MeasureGroupCoherence(people, 1, 100, 1, 0, 0.5)->segments, (10 * 11 + 5 * 9) / 15.0,
              1e-12);
  EXPECT_FALSE(MeasureGroupCoherence(people, 1, 100, 10, 0, 0.5));
  // Who has nothing but gaps is one of eleven; the others' mean stays.
  Table many(10, people[0]);
  many.push_back(std::vector<double>(600, nan));
  const auto most = MeasureGroupCoherence(many, 1, 100, 1, 0, 0.5);
  ASSERT_TRUE(most);
  EXPECT_EQ(most->pairs, 45);
  EXPECT_NEAR(most->mean_coherence, 1, 1e-12);
  // Less than half of the segments.
  for (size_t t = 0; t < 600; t += 100) people[3][t] = nan;
  EXPECT_FALSE(MeasureGroupCoherence({people[0], people[3]}, 1, 100, 1, 0, 0.5));
  EXPECT_FALSE(MeasureGroupCoherence({people[0]}, 1, 100, 1, 0, 0.5));
  EXPECT_FALSE(MeasureGroupCoherence({people[0], people[1]}, 1, 100, 1, 0.4001, 0.4002));
  const auto same = MeasureGroupCoherence({people[0], people[0]}, 1, 100, 1, 0, 0.5);
  EXPECT_NEAR(same->mean_coherence, 1, 1e-12);
  EXPECT_NEAR(same->sum_normalised_csd, 1, 1e-12);
}

TEST(SyncIndexTest, AgreesWithMultiSyncPy) {
  const std::string json = testing::ReadFile(kFolder + "expected_multisyncpy.json");
  const Table people = Decimated(ReadTable("input_group_4hz.csv", kPeople), 4);
  for (int lag : {1, 5, 10}) {
    SCOPED_TRACE(lag);
    const std::string expected(testing::JsonAt(json, "sync_index_lag" + std::to_string(lag)));
    const std::vector<double> matrix = testing::JsonNumbers(expected, "matrix_row_drives_column");
    const std::vector<double> driver = testing::JsonNumbers(expected, "driver");
    const std::vector<double> empath = testing::JsonNumbers(expected, "empath");
    const auto ours = MeasureDrivers(people, static_cast<size_t>(lag), DriverUnits::kAsGiven);
    ASSERT_TRUE(ours);
    EXPECT_EQ(ours->moments, static_cast<size_t>(600 - lag));
    int sane = 0;
    for (size_t i = 0; i < 6; ++i) {
      for (size_t j = 0; j < 6; ++j) {
        const double theirs = matrix[6 * i + j];
        // The peer regresses on two equal columns for the diagonal: sometimes it gets 1e13.
        if (i == j && std::fabs(theirs) > 1) continue;
        sane += i == j ? 1 : 0;
        EXPECT_NEAR(ours->weights.at(i, j), theirs, 1e-6 * std::fabs(theirs)) << i << " " << j;
      }
      // Their scores hold the diagonal's square; ours do not, on purpose (see sync_index.h).
      const double own = matrix[7 * i] * matrix[7 * i];
      if (own > 1) continue;
      EXPECT_NEAR(ours->driver[i] + own, driver[i], 1e-6 * driver[i]);
      EXPECT_NEAR(ours->empath[i] + own, empath[i], 1e-6 * empath[i]);
    }
    EXPECT_GE(sane, 3);
    // S_E of the peer's own matrix, unrounded.
    dsp::Matrix theirs(6, 6);
    theirs.values = matrix;
    const double s_e = testing::JsonNumber(expected, "S_E_unrounded");
    EXPECT_NEAR(*SyncCoefficient(theirs), s_e, 1e-6 * s_e);
    if (sane == 6) {
      EXPECT_NEAR(*SyncCoefficient(ours->weights), s_e, 1e-6 * s_e);
    }
  }
}

// b repeats what a did one sample before; c is on its own.
TEST(SyncIndexTest, TheDriverDrives) {
  Table people(3);
  uint64_t state = 5;
  for (int t = 0; t < 400; ++t) {
    const auto next = [&] {
      state = state * 6364136223846793005u + 1442695040888963407u;
      return static_cast<double>(state >> 40);
    };
    people[0].push_back(next());
    people[1].push_back(t == 0 ? 0 : people[0][static_cast<size_t>(t - 1)]);
    people[2].push_back(next());
  }
  auto scores = MeasureDrivers(people, 1);
  ASSERT_TRUE(scores);
  EXPECT_NEAR(scores->driver[0], 1, 0.05);
  EXPECT_NEAR(scores->empath[1], 1, 0.05);
  EXPECT_LT(scores->driver[1] + scores->driver[2], 0.1);
  EXPECT_LT(scores->empath[0] + scores->empath[2], 0.1);
  // Standardised: the unit of a person's signal does not matter. As given, it does.
  Table larger = people;
  for (double& v : larger[0]) v = 100 * v + 3;
  const auto same = MeasureDrivers(larger, 1);
  EXPECT_NEAR(same->driver[0], scores->driver[0], 1e-12);
  EXPECT_NEAR(MeasureDrivers(larger, 1, DriverUnits::kAsGiven)->driver[0],
              scores->driver[0] / 10000, 1e-3);
  people[2][50] = std::nan("");
  scores = MeasureDrivers(people, 1);
  EXPECT_EQ(scores->moments, 397u);
  EXPECT_NEAR(scores->driver[0], 1, 0.05);
  people[2] = people[0];
  EXPECT_FALSE(MeasureDrivers(people, 1));  // two equal people: no telling who drives
  EXPECT_FALSE(MeasureDrivers({people[0]}, 1));
}

}  // namespace
}  // namespace attune::synchrony
