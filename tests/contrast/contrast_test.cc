// What the demo shows must hold whatever the seed: the simulated couple comes out coupled, people
// who were recorded alone do not.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/source/simulate.h"
#include "services/synchrony/engine.h"

namespace attune {
namespace {

constexpr int kSeeds = 20;
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kLengthUs = 595 * kSecondUs;  // the demo's headless run: ten minutes
// The demo's strangers (deploy/demo.py), pair by pair.
const char* const kStrangers[] = {"nsr010", "nsr013", "nsr021", "nsr023"};

void AddSimulated(const edge::SimulateOptions& options, int person, synchrony::Engine& engine) {
  auto source = edge::MakeSimulate(options);
  ASSERT_TRUE(source.ok()) << source.status();
  (*source)->Begin(0, 0);
  std::vector<edge::SourceBeat> beats;
  for (int64_t now_us = 0; now_us <= kLengthUs; now_us += kSecondUs) {
    (*source)->Poll(now_us, &beats);
  }
  engine.AddPerson(person);
  for (const edge::SourceBeat& beat : beats) {
    engine.AddBeat(person, {beat.time_us, static_cast<uint16_t>(beat.rr_1024), beat.gap_before});
  }
}

// The recording from `from_s` on.
void AddRecorded(const std::string& name, double from_s, int person, synchrony::Engine& engine) {
  std::ifstream file("tests/data/nsr2db/" + name + ".rr");
  ASSERT_TRUE(file.good()) << name;
  engine.AddPerson(person);
  double time_ms = -from_s * 1000;
  for (double rr_ms; file >> rr_ms;) {
    time_ms += rr_ms;
    if (time_ms < 0) continue;
    if (time_ms * 1000 > kLengthUs) break;
    engine.AddBeat(person, {static_cast<int64_t>(time_ms * 1000),
                            static_cast<uint16_t>(rr_ms * 1.024 + 0.5), false});
  }
}

TEST(Contrast, TheCoupleIsAboveChanceAndStrangersAreNot) {
  int couples_above = 0;
  int strangers_above = 0;
  int strangers = 0;
  int demo_strangers_above = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    synchrony::Engine engine{synchrony::Params()};
    // As deploy/demo.py makes them.
    edge::SimulateOptions first;
    first.seed = static_cast<uint64_t>(100 * seed + 1);
    first.hr_bpm = 64;
    edge::SimulateOptions second;
    second.seed = static_cast<uint64_t>(100 * seed + 2);
    second.hr_bpm = 70;
    second.couple_seed = first.seed;
    second.strength = 0.9;
    second.lag_ms = 250;
    AddSimulated(first, 1, engine);
    AddSimulated(second, 2, engine);
    // Another stretch of the strangers for every seed; the first is the demo's own.
    for (int i = 0; i < 4; ++i) AddRecorded(kStrangers[i], 120.0 * (seed - 1), 3 + i, engine);

    synchrony::Engine::Selection selection;
    selection.people = {1, 2, 3, 4, 5, 6};
    selection.group = selection.people;
    selection.pairs = {{1, 2}, {3, 4}, {5, 6}};
    synchrony::Frame frame;
    for (int64_t end_us = kSecondUs; end_us + 3 * kSecondUs <= kLengthUs; end_us += kSecondUs) {
      frame = engine.Evaluate(end_us, selection);
    }
    ASSERT_EQ(frame.pairs.size(), 3u);
    for (const synchrony::PairNumbers& pair : frame.pairs) {
      const synchrony::Number& r = pair.r_mean_windowed;
      std::printf("seed %2d pair %d-%d: ", seed, pair.a, pair.b);
      if (r.absent != synchrony::Absence::kNone) {
        std::printf("absent %d\n", static_cast<int>(r.absent));
        EXPECT_NE(pair.a, 1) << "the simulated couple has clean data";
        continue;
      }
      std::printf("r %+.3f chance %+.3f..%+.3f p %.4f%s\n", r.value, r.chance.low, r.chance.high,
                  r.chance.p, r.chance.above ? " above" : "");
      if (pair.a == 1) {
        couples_above += r.chance.above;
      } else {
        ++strangers;
        strangers_above += r.chance.above;
        if (seed == 1) demo_strangers_above += r.chance.above;
      }
    }
  }
  EXPECT_EQ(couples_above, kSeeds);
  EXPECT_EQ(demo_strangers_above, 0);
  EXPECT_GE(strangers, kSeeds) << "the recordings are mostly clean";
  // Nominal 0.05 after correction for three pairs, one of which is truly coupled: of 40 strangers
  // at most 2 are expected; 5 or more would come by chance once in twenty.
  EXPECT_LE(strangers_above, 4) << "of " << strangers;
}

}  // namespace
}  // namespace attune
