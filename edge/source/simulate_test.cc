#include "edge/source/simulate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace attune::edge {
namespace {

std::vector<SourceBeat> Beats(const SimulateOptions& options, int64_t start_us = 0,
                              int64_t step_us = INT64_MAX, uint64_t after = 0,
                              int64_t until_us = 0) {
  auto source = MakeSimulate(options);
  EXPECT_TRUE(source.ok()) << source.status();
  (*source)->Begin(start_us, after);
  std::vector<SourceBeat> beats;
  if (until_us == 0) until_us = start_us + 600'000'000;
  for (int64_t now_us = start_us; now_us < until_us;) {
    now_us = step_us > until_us - now_us ? until_us : now_us + step_us;
    while ((*source)->Poll(now_us, &beats) < now_us) {
    }
  }
  return beats;
}

double Correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  const double ma = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mb = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return ab / std::sqrt(aa * bb);
}

// Instantaneous interval at 4 Hz, linear between beats; the value belongs to the middle of the
// interval.
std::vector<double> Series(const std::vector<SourceBeat>& beats, double from_s, double to_s) {
  std::vector<double> values;
  size_t i = 1;
  const auto middle_s = [&](size_t k) {
    return static_cast<double>(beats[k].time_us) / 1e6 - beats[k].rr_1024 / 2048.0;
  };
  for (double t = from_s; t < to_s; t += 0.25) {
    while (i + 1 < beats.size() && middle_s(i) < t) ++i;
    const double part = (t - middle_s(i - 1)) / (middle_s(i) - middle_s(i - 1));
    values.push_back((1 - part) * beats[i - 1].rr_1024 + part * beats[i].rr_1024);
  }
  return values;
}

TEST(Simulate, IsAFunctionOfSeedStartAndOptions) {
  SimulateOptions options;
  options.seed = 5;
  options.missed = 0.01;
  options.ectopic = 0.01;
  options.extra = 0.005;
  options.dropout_every_s = 60;
  options.dropout_s = 8;
  const auto once = Beats(options);
  const auto in_steps = Beats(options, 0, 137'000);
  ASSERT_EQ(once.size(), in_steps.size());
  for (size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(once[i].time_us, in_steps[i].time_us);
    EXPECT_EQ(once[i].rr_1024, in_steps[i].rr_1024);
    EXPECT_EQ(once[i].gap_before, in_steps[i].gap_before);
    EXPECT_EQ(once[i].position, i + 1);
  }
  const auto after = Beats(options, 0, INT64_MAX, 100);
  ASSERT_EQ(after.size() + 100, once.size());
  EXPECT_EQ(after[0].time_us, once[100].time_us);
  options.seed = 6;
  EXPECT_NE(Beats(options)[50].time_us, once[50].time_us);
}

TEST(Simulate, HasTheAskedRateAndPlausibleVariability) {
  SimulateOptions options;
  options.hr_bpm = 64;
  const auto beats = Beats(options, 0, INT64_MAX, 0, 1'800'000'000);
  const double minutes = static_cast<double>(beats.back().time_us - beats[0].time_us) / 60e6;
  EXPECT_NEAR(static_cast<double>(beats.size() - 1) / minutes, 64, 1);
  double sum = 0, squares = 0, differences = 0;
  for (size_t i = 0; i < beats.size(); ++i) {
    const double rr_ms = beats[i].rr_1024 / 1.024;
    sum += rr_ms;
    squares += rr_ms * rr_ms;
    if (i > 0) {
      // Without artefacts the stamps are the intervals' sum.
      EXPECT_LE(std::abs(beats[i].time_us - beats[i - 1].time_us - RrMicros(beats[i].rr_1024)), 1);
      const double difference = rr_ms - beats[i - 1].rr_1024 / 1.024;
      differences += difference * difference;
    }
  }
  const auto n = static_cast<double>(beats.size());
  const double sdnn = std::sqrt(squares / n - (sum / n) * (sum / n));
  // The depths add up to 5.2 % of 937 ms.
  EXPECT_NEAR(sdnn, 49, 10);
  const double rmssd = std::sqrt(differences / (n - 1));
  EXPECT_GT(rmssd, 15);
  EXPECT_LT(rmssd, 70);
}

TEST(Simulate, StrengthIsTheCorrelationOfTheDrivingSignalsAtTheLag) {
  for (const double strength : {0.0, 0.5, 0.8, 1.0}) {
    double at_lag = 0, at_wrong_lag = 0;
    constexpr int kSeeds = 20;
    for (int seed = 1; seed <= kSeeds; ++seed) {
      SimulateOptions leader;
      leader.seed = static_cast<uint64_t>(1000 + seed);
      SimulateOptions follower;
      follower.seed = static_cast<uint64_t>(2000 + seed);
      follower.couple_seed = leader.seed;
      follower.strength = strength;
      follower.lag_ms = 2500;
      const Drive a = DriveOf(leader), b = DriveOf(follower);
      std::vector<double> x, y, wrong;
      for (double t = 100; t < 1000; t += 0.25) {
        x.push_back(a.At(t - 2.5));
        wrong.push_back(a.At(t + 2.5));
        y.push_back(b.At(t));
      }
      at_lag += Correlation(x, y) / kSeeds;
      at_wrong_lag += Correlation(wrong, y) / kSeeds;
    }
    EXPECT_NEAR(at_lag, strength, 0.05) << strength;
    if (strength > 0) {
      EXPECT_LT(at_wrong_lag, at_lag - 0.2);
    }
  }
}

TEST(Simulate, CoupledHeartsShowItAtFourHertzAndIndependentOnesDoNot) {
  double coupled = 0, independent = 0, largest_independent = 0;
  constexpr int kSeeds = 10;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    SimulateOptions leader;
    leader.seed = static_cast<uint64_t>(seed);
    SimulateOptions follower;
    follower.seed = static_cast<uint64_t>(500 + seed);
    follower.couple_seed = leader.seed;
    follower.strength = 0.9;
    SimulateOptions stranger;
    stranger.seed = static_cast<uint64_t>(900 + seed);
    // The two start at different moments: only session time counts.
    const auto a = Series(Beats(leader, 0), 30, 590);
    const auto b = Series(Beats(follower, 7'300'000), 30, 590);
    const auto c = Series(Beats(stranger, 0), 30, 590);
    coupled += Correlation(a, b) / kSeeds;
    independent += Correlation(a, c) / kSeeds;
    largest_independent = std::max(largest_independent, std::abs(Correlation(a, c)));
  }
  EXPECT_GT(coupled, 0.75);
  EXPECT_NEAR(independent, 0, 0.1);
  EXPECT_LT(largest_independent, 0.35);
}

TEST(Simulate, ArtefactsComeAsOftenAsAsked) {
  SimulateOptions options;
  options.hr_bpm = 60;
  options.resp_depth = options.lf_depth = options.vlf_depth = 0.005;
  options.missed = 0.05;
  options.extra = 0.04;
  options.ectopic = 0.03;
  const auto beats = Beats(options, 0, INT64_MAX, 0, 7'200'000'000);
  int64_t previous_us = 0;
  double longer = 0, shorter = 0;
  for (const SourceBeat& beat : beats) {
    longer += beat.rr_1024 > 1600;
    shorter += beat.rr_1024 < 870;
    EXPECT_GE(beat.time_us, previous_us);
    previous_us = beat.time_us;
  }
  const double true_beats = 7200;
  EXPECT_NEAR(longer / true_beats, 0.05, 0.015);
  EXPECT_NEAR(shorter / true_beats, 2 * 0.04 + 0.03, 0.02);
}

TEST(Simulate, DropoutsLoseTheirBeatsAndLeaveAGap) {
  SimulateOptions options;
  options.hr_bpm = 75;
  options.dropout_every_s = 60;
  options.dropout_s = 10;
  const auto beats = Beats(options);
  int gaps = 0;
  for (size_t i = 1; i < beats.size(); ++i) {
    const int64_t step_us = beats[i].time_us - beats[i - 1].time_us;
    EXPECT_EQ(beats[i].gap_before, step_us > 5'000'000);
    gaps += beats[i].gap_before;
  }
  EXPECT_NEAR(gaps, 10, 1);
}

TEST(Simulate, SecondsEndItAndOptionsAreChecked) {
  SimulateOptions options;
  options.seconds = 30;
  auto source = *MakeSimulate(options);
  source->Begin(1'000'000, 0);
  std::vector<SourceBeat> beats;
  source->Poll(100'000'000, &beats);
  EXPECT_TRUE(source->finished());
  EXPECT_LE(beats.back().time_us, 31'000'000);
  EXPECT_GT(beats.back().time_us, 29'000'000);
  const auto refused = [](auto set, const char* word) {
    SimulateOptions wrong;
    set(wrong);
    const auto result = MakeSimulate(wrong);
    ASSERT_FALSE(result.ok()) << word;
    EXPECT_NE(result.status().message().find(word), std::string::npos) << result.status();
  };
  refused([](auto& o) { o.hr_bpm = 500; }, "hr");
  refused([](auto& o) { o.strength = NAN; }, "strength");
  refused([](auto& o) { o.missed = -1; }, "missed");
  refused([](auto& o) { o.couple_seed = o.seed; }, "own seed");
  refused([](auto& o) { o.dropout_every_s = 1; }, "dropout_every_s");
  refused([](auto& o) { o.lag_ms = 1e9; }, "lag_ms");
}

}  // namespace
}  // namespace attune::edge
