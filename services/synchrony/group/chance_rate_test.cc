// How often groups of independent people look synchronous. The people of nsr2db were recorded
// alone, and here each is taken from another time: every p <= 0.05 is a false alarm. Measures of
// which the rate could not be held have no p (stretch_measures.h, HasChance).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/synchrony/chance/split_mix.h"
#include "services/synchrony/group/stretch_measures.h"
#include "services/synchrony/params.h"
#include "services/synchrony/signal/stretch.h"
#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int kPeople = 54;
constexpr int kFirst = 120, kLast = 4200;  // seconds of the recordings that are used

struct Slot {
  int person = 0;
  Stretch stretch;
};

std::vector<Slot> Slots(int seconds, int people) {
  const Params params;
  std::vector<Slot> slots;
  for (int person = 1; person <= people; ++person) {
    const std::vector<Beat> beats = testing::BeatsFromMs(testing::ReadNsr(person));
    for (int from = kFirst; from + seconds <= kLast; from += seconds) {
      if ((from + seconds) * kSecond > beats.back().time_us) break;
      slots.push_back(
          {person, BuildStretch(beats, {}, from * kSecond, (from + seconds) * kSecond, params)});
    }
  }
  return slots;
}

struct Rate {
  int looks = 0;
  int significant = 0;
  int without = 0;  // no value or no chance level

  double Share() const { return static_cast<double>(significant) / std::max(looks, 1); }
};
using Rates = std::map<Measure, Rate>;

std::vector<Measure> WithChance() {
  std::vector<Measure> measures;
  for (const MeasureInfo& info : Catalogue()) {
    if (info.subject == Subject::kGroup && HasChance(info.measure)) {
      measures.push_back(info.measure);
    }
  }
  return measures;
}

// `rounds` times all slots dealt into as many groups of different people as they make, but at most
// `groups` groups in all.
Rates Measured(std::vector<Slot> slots, size_t people, int rounds, int groups, int draws) {
  const Params params;
  const std::vector<Measure> measures = WithChance();
  Rates rates;
  SplitMix64 random(20261122);
  for (int round = 0; round < rounds; ++round) {
    for (size_t k = slots.size(); k > 1; --k) {
      std::swap(slots[k - 1], slots[static_cast<size_t>(random.Below(static_cast<int>(k)))]);
    }
    std::vector<bool> used(slots.size(), false);
    for (;;) {
      std::vector<const Stretch*> group;
      std::vector<size_t> chosen;
      for (size_t k = 0; k < slots.size() && chosen.size() < people; ++k) {
        const bool again = std::any_of(chosen.begin(), chosen.end(), [&](size_t c) {
          return slots[c].person == slots[k].person;
        });
        if (used[k] || again) continue;
        chosen.push_back(k);
        group.push_back(&slots[k].stretch);
      }
      if (chosen.size() < people || groups-- <= 0) break;
      for (size_t k : chosen) used[k] = true;
      const std::vector<Number> numbers = MeasureGroup(measures, group, false, params, draws);
      for (size_t m = 0; m < measures.size(); ++m) {
        Rate& rate = rates[measures[m]];
        if (!numbers[m].has_chance) {
          ++rate.without;
          continue;
        }
        ++rate.looks;
        rate.significant += numbers[m].chance.p <= 0.05 ? 1 : 0;
      }
    }
  }
  for (const auto& [measure, rate] : rates) {
    std::printf("%2zu people %-24s p <= 0.05 in %.3f of %d looks (%d without)\n", people,
                std::string(FindMeasure(measure)->name).c_str(), rate.Share(), rate.looks,
                rate.without);
  }
  return rates;
}

// The sum over all group sizes.
Rates Together(const std::vector<Rates>& all) {
  Rates sum;
  for (const Rates& rates : all) {
    for (const auto& [measure, rate] : rates) {
      sum[measure].looks += rate.looks;
      sum[measure].significant += rate.significant;
    }
  }
  return sum;
}

// A rate of 0.05 stays below 0.12 in 100 looks in 996 of 1000 draws of a hundred.
TEST(ChanceRateTest, Short) {
  const Rates rates = Measured(Slots(300, 30), 4, 1, 100, 39);
  ASSERT_EQ(rates.size(), 4u);
  for (const auto& [measure, rate] : rates) {
    EXPECT_GE(rate.looks, 60) << FindMeasure(measure)->name;
    EXPECT_LE(rate.Share(), 0.12) << FindMeasure(measure)->name;
  }
}

// Every recording serves in several groups, so the looks are not quite independent.
TEST(ChanceRateTest, Full) {
  const std::vector<Slot> slots = Slots(600, kPeople);
  const std::vector<Rates> by_size = {Measured(slots, 4, 6, 350, 99),
                                      Measured(slots, 8, 12, 350, 99),
                                      Measured(slots, 16, 24, 350, 99)};
  for (const Rates& rates : by_size) {
    ASSERT_EQ(rates.size(), 4u);
    for (const auto& [measure, rate] : rates) {
      EXPECT_LE(rate.Share(), 0.10) << FindMeasure(measure)->name;
    }
  }
  for (const auto& [measure, rate] : Together(by_size)) {
    EXPECT_GE(rate.looks, 700) << FindMeasure(measure)->name;
    EXPECT_GE(rate.Share(), 0.03) << FindMeasure(measure)->name;
    EXPECT_LE(rate.Share(), 0.07) << FindMeasure(measure)->name;
    std::printf("all      %-24s p <= 0.05 in %.3f of %d looks\n",
                std::string(FindMeasure(measure)->name).c_str(), rate.Share(), rate.looks);
  }
}

}  // namespace
}  // namespace attune::synchrony
