// Artefacts against tests/data/reference-values/artefacts: other people's programs, and the truth
// where beats were put in, taken away or moved.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/synchrony/signal/beat_track.h"
#include "services/synchrony/signal/lipponen.h"
#include "services/synchrony/signal/percent_rules.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

using testing::JsonAt;
using testing::JsonNumbers;

const char kFolder[] = "tests/data/reference-values/artefacts/";
const char* const kReal[] = {"nsr016", "nsr024", "nsr030", "nsr031",
                             "nsr032", "nsr005", "nsr003", "nsr004"};
const char* const kSynthetic[] = {"syn_nsr004", "syn_nsr010", "syn_nsr027", "syn_nsr028"};

std::string Read(const std::string& name) { return testing::ReadFile(kFolder + name); }

std::map<std::string, std::vector<double>> Cases(const std::string& file) {
  auto csv = testing::ReadCsv(kFolder + file);
  const std::vector<double> rr = testing::ToDoubles(csv["rr_ms"]);
  std::map<std::string, std::vector<double>> cases;
  for (size_t i = 0; i < rr.size(); ++i) cases[csv["case"][i]].push_back(rr[i]);
  return cases;
}

std::vector<size_t> Indices(std::string_view json, const char* key) {
  std::vector<size_t> indices;
  for (const double value : JsonNumbers(json, key)) indices.push_back(static_cast<size_t>(value));
  return indices;
}

void ExpectPublishedForm(const std::vector<double>& rr_ms, std::string_view expected,
                         bool iterative) {
  const LipponenResult result = Lipponen(BeatsUsOf(rr_ms), iterative);
  EXPECT_EQ(result.classes.ectopic, Indices(expected, "ectopic"));
  EXPECT_EQ(result.classes.missed, Indices(expected, "missed"));
  EXPECT_EQ(result.classes.extra, Indices(expected, "extra"));
  EXPECT_EQ(result.classes.longshort, Indices(expected, "longshort"));
  EXPECT_EQ(result.counts, Indices(expected, "count_per_pass"));
  const std::vector<double> corrected = IntervalsMsOf(result.beats_us);
  const std::vector<double> wanted = JsonNumbers(expected, "corrected_rr_ms");
  ASSERT_EQ(corrected.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(corrected[i], wanted[i], 0.02) << i;
}

TEST(ArtefactOracleTest, PublishedFormAgreesWithThePeer) {
  const std::string real = Read("expected_lipponen_real.json");
  const auto real_cases = Cases("input_real.csv");
  const std::string synthetic = Read("expected_synthetic.json");
  const auto synthetic_cases = Cases("input_synthetic.csv");
  const auto check = [](const auto& cases, const std::string& json, const char* name) {
    SCOPED_TRACE(name);
    const std::string_view person = JsonAt(json, name);
    ExpectPublishedForm(cases.at(name), JsonAt(person, "single"), false);
    ExpectPublishedForm(cases.at(name), JsonAt(person, "iterative"), true);
  };
  for (const char* name : kReal) check(real_cases, real, name);
  for (const char* name : kSynthetic) check(synthetic_cases, synthetic, name);
}

TEST(ArtefactOracleTest, EveryStepOfThePublishedFormAgrees) {
  const LipponenSeries series = LipponenSeriesOf(BeatsUsOf(Cases("input_real.csv").at("nsr016")));
  auto csv = testing::ReadCsv(std::string(kFolder) + "debug_nsr016.csv");
  const std::pair<const char*, const std::vector<double>*> columns[] = {
      {"rr", &series.rr},   {"drrs", &series.d},  {"mrrs", &series.m},  {"s12", &series.s12},
      {"s22", &series.s22}, {"th1", &series.th1}, {"th2", &series.th2}, {"medrr", &series.med}};
  for (const auto& [name, ours] : columns) {
    const std::vector<double> expected = testing::ToDoubles(csv[name]);
    ASSERT_EQ(ours->size(), expected.size()) << name;
    for (size_t k = 0; k < expected.size(); ++k) {
      // The file has 12 digits; a difference of nearly equal intervals has fewer of its own.
      const double tolerance = std::max(1e-9 * std::fabs(expected[k]), 1e-11);
      ASSERT_NEAR((*ours)[k], expected[k], tolerance) << name << " " << k;
    }
  }
}

// The peer divides by a threshold of 0 (a metronome); here equal intervals are not artefacts and
// the others are.
TEST(ArtefactOracleTest, ThresholdsOfZeroAreNotDividedBy) {
  std::vector<double> rr(100, 800);
  EXPECT_EQ(FindLipponen(BeatsUsOf(rr)).count(), 0u);
  rr[50] = 1600;
  const LipponenClasses classes = FindLipponen(BeatsUsOf(rr));
  EXPECT_GE(classes.count(), 1u);
  EXPECT_LE(classes.count(), 2u);
  for (const size_t few : {0u, 1u, 2u, 3u}) {
    EXPECT_EQ(Lipponen(BeatsUsOf(std::vector<double>(few, 800)), true).classes.count(), 0u);
  }
}

// systole is a second implementation with faults of its own: it lets a beat with only |m| > 3 be
// examined (NeuroKit and we do not), its next-interval rule never fires, and its edges are 0. Where
// both look, they flag the same beats.
TEST(ArtefactOracleTest, SecondImplementationFlagsTheSameBeats) {
  const std::string json = Read("expected_systole.json");
  for (const auto& [name, rr] : Cases("input_real.csv")) {
    const std::string_view theirs = JsonAt(json, name);
    std::set<size_t> flagged;
    for (const char* kind : {"ectopic", "missed", "extra", "long", "short"}) {
      for (const size_t k : Indices(theirs, kind)) flagged.insert(k);
    }
    const LipponenClasses ours = FindLipponen(BeatsUsOf(rr));
    size_t both = 0, all = 0;
    for (const auto* list : {&ours.ectopic, &ours.missed, &ours.extra, &ours.longshort}) {
      for (const size_t k : *list) {
        ++all;
        both += flagged.count(k);
      }
    }
    EXPECT_EQ(both, static_cast<size_t>(testing::JsonNumber(theirs, "flagged_by_both"))) << name;
    EXPECT_EQ(all - both, static_cast<size_t>(testing::JsonNumber(theirs, "only_neurokit")))
        << name;
  }
}

// The peer's Acar rule compares with the accepted of the last nine rows; after nine removals in a
// row there are none, and it removes all the rest, 219 beats here. We go on with the nine that
// were accepted last.
void ExpectSameUntilTheDeadEnd(const std::vector<size_t>& ours, const std::vector<size_t>& theirs,
                               size_t rows) {
  size_t dead_end = 0;  // in theirs: the last of the first nine in a row
  for (size_t i = 0, in_a_row = 0; dead_end == 0 && i < theirs.size(); ++i) {
    in_a_row = i > 0 && theirs[i] == theirs[i - 1] + 1 ? in_a_row + 1 : 1;
    if (in_a_row == 9) dead_end = i;
  }
  ASSERT_GT(dead_end, 0u);
  ASSERT_GT(ours.size(), dead_end);
  for (size_t i = 0; i <= dead_end; ++i) EXPECT_EQ(ours[i], theirs[i]);
  EXPECT_EQ(theirs.size() - dead_end, rows - theirs[dead_end]);  // all the rest
  EXPECT_LT(ours.size(), theirs.size() / 2);
}

TEST(ArtefactOracleTest, PercentageRulesAgreeWithThePeer) {
  const std::pair<const char*, PercentRule> rules[] = {{"range_300_2000", PercentRule::kRange},
                                                       {"malik", PercentRule::kMalik},
                                                       {"kamath", PercentRule::kKamath},
                                                       {"karlsson", PercentRule::kKarlsson},
                                                       {"acar", PercentRule::kAcar}};
  const auto check = [&rules](const auto& cases, const std::string& json) {
    for (const auto& [name, rr] : cases) {
      const std::string_view expected = JsonAt(json, name);
      for (const auto& [key, rule] : rules) {
        const std::vector<size_t> ours = RemovedRows(rr, rule);
        const std::vector<size_t> theirs = Indices(expected, key);
        if (rule == PercentRule::kAcar && name == "syn_nsr010") {
          ExpectSameUntilTheDeadEnd(ours, theirs, rr.size());
          continue;
        }
        EXPECT_EQ(ours, theirs) << name << " " << key;
        if (rule == PercentRule::kRange) continue;
        const std::vector<double> nn = NnIntervalsMs(rr, rule);
        double mean = 0, squares = 0;
        for (const double x : nn) mean += x / static_cast<double>(nn.size());
        for (const double x : nn) squares += (x - mean) * (x - mean);
        const double sd = std::sqrt(squares / static_cast<double>(nn.size() - 1));
        const std::vector<double> moments =
            JsonNumbers(expected, "get_nn_intervals_" + std::string(key) + "_mean_sd");
        ASSERT_EQ(moments.size(), 2u);
        EXPECT_NEAR(mean, moments[0], 1e-9 * moments[0]) << name << " " << key;
        EXPECT_NEAR(sd, moments[1], 1e-9 * moments[1]) << name << " " << key;
      }
    }
  };
  check(Cases("input_real.csv"), Read("expected_filters_real.json"));
  check(Cases("input_synthetic.csv"), Read("expected_filters_synthetic.json"));
}

TEST(ArtefactOracleTest, RowsAreFilledOnLines) {
  EXPECT_EQ(FillRows({800, 1, 2, 1100, 9}, {1, 2, 4}),
            (std::vector<double>{800, 900, 1000, 1100, 1100}));
  EXPECT_TRUE(std::isnan(FillRows({1, 800}, {0})[0]));
  EXPECT_TRUE(FillRows({}, {}).empty());
}

}  // namespace
}  // namespace attune::synchrony
