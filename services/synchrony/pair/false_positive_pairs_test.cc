// How often the measures of a recording call two people synchronous who were recorded alone. The
// rates measured here are stated in README.md; a measure that leaves the bars loses its p.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "services/synchrony/pair/stretch_measures.h"
#include "services/synchrony/signal/stretch.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int kPeople = 54;
constexpr int64_t kSecond = 1'000'000;

struct Rate {
  int looks = 0;
  int significant = 0;  // p <= 0.05
  double Share() const { return static_cast<double>(significant) / looks; }
};

// `pairs` times two different people of nsr2db, each at another time of their recording.
std::map<std::string, Rate> Rates(int pairs, int64_t seconds,
                                  const std::vector<Measure>& measures) {
  std::vector<std::vector<Beat>> people;
  for (int person = 1; person <= kPeople; ++person) {
    people.push_back(testing::BeatsFromMs(testing::ReadNsr(person)));
  }
  const Params params;
  std::mt19937_64 random(20261122);
  std::map<std::string, Rate> rates;
  for (int k = 0; k < pairs; ++k) {
    const size_t a = random() % kPeople, b = (a + 1 + random() % (kPeople - 1)) % kPeople;
    const auto stretch = [&](size_t person) {
      const int64_t from = static_cast<int64_t>(random() % 2900) * kSecond;
      return BuildStretch(people[person], {}, from, from + seconds * kSecond, params);
    };
    const Stretch sa = stretch(a), sb = stretch(b);
    PairAnalysis analysis(sa, sb, 0.1, false, params, kPairChanceShifts);
    for (Measure measure : measures) {
      const Number number = analysis.Of(measure);
      if (!number.has_chance) continue;
      Rate& rate = rates[std::string(FindMeasure(measure)->name)];
      ++rate.looks;
      rate.significant += number.chance.p <= 0.05 ? 1 : 0;
    }
  }
  for (const auto& [name, rate] : rates) {
    std::printf("%3d s  %-24s p<=.05 in %.3f of %d pairs\n", static_cast<int>(seconds),
                name.c_str(), rate.Share(), rate.looks);
  }
  return rates;
}

const std::vector<Measure> kOfFiveMinutes = {
    Measure::kRMeanWindowed,      Measure::kPlvLf,
    Measure::kConcordanceIndex,   Measure::kPlvRsa,
    Measure::kPlvPacer,           Measure::kSusyEs,
    Measure::kSusyEsSigned,       Measure::kGrangerAToB,
    Measure::kGrangerBToA,        Measure::kTransferEntropyAToB,
    Measure::kTransferEntropyBToA};
const std::vector<Measure> kOfTenMinutes = {Measure::kCoherenceLf, Measure::kCoherenceRsa};
const std::vector<Measure> kOfLiveWindow = {Measure::kSusyEs, Measure::kSusyEsSigned};

TEST(FalsePositivePairsTest, TheListsHoldAllThatHasChance) {
  for (const MeasureInfo& info : Catalogue()) {
    int listed = 0;
    for (Measure measure : kOfFiveMinutes) listed += measure == info.measure ? 1 : 0;
    for (Measure measure : kOfTenMinutes) listed += measure == info.measure ? 1 : 0;
    EXPECT_EQ(listed, PairHasChance(info.measure) ? 1 : 0) << info.name;
  }
}

// Two hundred pairs tell a broken test from a good one, not more: 0.05 may show as 0.02 to 0.09.
TEST(FalsePositivePairsTest, TwoHundredPairs) {
  for (const auto& [name, rate] : Rates(200, 300, kOfFiveMinutes)) {
    EXPECT_GT(rate.looks, 140) << name;
    EXPECT_GE(rate.Share(), 0.01) << name;
    EXPECT_LE(rate.Share(), 0.10) << name;
  }
}

TEST(FullFalsePositivePairsTest, FifteenHundredPairs) {
  std::map<std::string, Rate> rates = Rates(1500, 300, kOfFiveMinutes);
  rates.merge(Rates(2000, 600, kOfTenMinutes));
  // Who is a and who is b is chance, so both directions are one measure.
  for (const std::string name : {"granger", "transfer_entropy"}) {
    const Rate ab = rates[name + "_a_to_b"], ba = rates[name + "_b_to_a"];
    rates.erase(name + "_a_to_b");
    rates.erase(name + "_b_to_a");
    rates[name] = {ab.looks + ba.looks, ab.significant + ba.significant};
  }
  for (const auto& [name, rate] : rates) {
    EXPECT_GT(rate.looks, 1000) << name;
    EXPECT_GE(rate.Share(), 0.03) << name;
    EXPECT_LE(rate.Share(), 0.07) << name;
  }
}

// What a live session asks for has its p over 180 s.
TEST(FullFalsePositivePairsTest, SurrogateSynchronyOverTheLiveWindow) {
  for (const auto& [name, rate] : Rates(2000, 180, kOfLiveWindow)) {
    EXPECT_GT(rate.looks, 1000) << name;
    EXPECT_GE(rate.Share(), 0.03) << name;
    EXPECT_LE(rate.Share(), 0.07) << name;
  }
}

}  // namespace
}  // namespace attune::synchrony
