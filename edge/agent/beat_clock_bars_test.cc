// What the beat clock promises of its times, on a real strap with an ECG beside it and on many
// simulated ones.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "edge/agent/beat_clock.h"
#include "edge/agent/strap_for_test.h"
#include "edge/source/rr_file.h"

namespace attune::edge {
namespace {

constexpr double kSdBarMs = 8;
constexpr double kMostBarMs = 25;

std::vector<ClockedBeat> ClockAll(BeatClock& clock, const std::vector<ToldBeat>& told) {
  std::vector<ClockedBeat> beats;
  for (size_t i = 0; i < told.size(); ++i) {
    clock.Drain(told[i].arrival_us - 1, &beats);
    clock.Add(told[i].rr_1024, told[i].arrival_us, false, i + 1);
  }
  clock.Finish();
  clock.Drain(INT64_MAX / 4, &beats);
  return beats;
}

// Errors of one stretch, their mean removed.
struct Spread {
  double sd_ms = 0;
  double most_ms = 0;
  double covered = 0;  // share within the published jitter
};
Spread SpreadOf(const std::vector<std::pair<double, double>>& error_and_jitter_ms) {
  Spread spread;
  double mean = 0;
  for (const auto& [error, jitter] : error_and_jitter_ms) mean += error;
  const double n = static_cast<double>(error_and_jitter_ms.size());
  mean /= n;
  for (const auto& [error, jitter] : error_and_jitter_ms) {
    const double away = std::abs(error - mean);
    spread.sd_ms += away * away / n;
    spread.most_ms = std::max(spread.most_ms, away);
    spread.covered += (away <= jitter) / n;
  }
  spread.sd_ms = std::sqrt(spread.sd_ms);
  return spread;
}

TEST(BeatClockBars, OnARealStrapAgainstItsEcg) {
  const auto recording = ReadRecording("tests/data/polar-h10/polar_h10_rr_notifications.csv");
  ASSERT_TRUE(recording.ok()) << recording.status();
  // Row of the recording -> time of the R peak. Intervals that the strap merged over an early beat
  // end at a beat all the same; the beats within them have no row.
  std::map<size_t, double> peak_s;
  std::ifstream file("tests/data/reference-values/h10/expected_beats.csv");
  ASSERT_TRUE(file.is_open());
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::stringstream fields(line);
    std::string beat, time, rr, row;
    std::getline(fields, beat, ',');
    std::getline(fields, time, ',');
    std::getline(fields, rr, ',');
    std::getline(fields, row, ',');
    if (!row.empty()) peak_s[std::stoul(row)] = std::stod(time);
  }
  ASSERT_EQ(peak_s.size(), 412u);

  constexpr int64_t kStartUs = 10'000'000;
  std::vector<ToldBeat> told;
  for (const auto& interval : recording->intervals) {
    told.push_back({interval.rr_1024, kStartUs + std::llround(interval.arrival_s * 1e6), 0, 0});
  }
  BeatClock clock;
  const auto beats = ClockAll(clock, told);
  ASSERT_EQ(beats.size(), told.size());
  EXPECT_EQ(clock.epochs(), 1u) << "no gap is invented";
  std::vector<std::pair<double, double>> by_clock, by_arrival;
  for (size_t row = 0; row < beats.size(); ++row) {
    EXPECT_FALSE(beats[row].beat.gap_before);
    const auto peak = peak_s.find(row);
    if (peak == peak_s.end()) continue;
    const StampedBeat& beat = beats[row].beat;
    const double true_us = static_cast<double>(kStartUs) + peak->second * 1e6;
    const double error_us = static_cast<double>(beat.time_session_us) - true_us;
    EXPECT_LE(std::abs(error_us), beat.offset_bound_us) << "row " << row;
    EXPECT_LE(beat.offset_bound_us, 2'500'000u);
    if (peak->second < 30) continue;
    by_clock.emplace_back(error_us / 1e3, beat.jitter_us / 1e3);
    by_arrival.emplace_back((static_cast<double>(told[row].arrival_us) - true_us) / 1e3, 0);
  }
  ASSERT_GT(by_clock.size(), 360u);
  const Spread clock_spread = SpreadOf(by_clock);
  const Spread arrival_spread = SpreadOf(by_arrival);
  std::printf(
      "H10: beat clock SD %.1f ms, most %.1f ms; stamped by arrival SD %.0f ms, most %.0f\n",
      clock_spread.sd_ms, clock_spread.most_ms, arrival_spread.sd_ms, arrival_spread.most_ms);
  EXPECT_LE(clock_spread.sd_ms, kSdBarMs);
  EXPECT_LE(clock_spread.most_ms, kMostBarMs);
  EXPECT_GE(clock_spread.covered, 0.95);
  EXPECT_NEAR(arrival_spread.sd_ms, 415, 15);
}

TEST(BeatClockBars, OnManySimulatedStraps) {
  double worst_sd_ms = 0, worst_most_ms = 0, least_covered = 1;
  int scenarios = 0;
  double beats_seen = 0, within_bound = 0;
  for (const Delivery delivery : kDeliveries) {
    for (const double drift_ppm : {-50.0, 50.0}) {
      for (uint64_t seed = 1; seed <= 15; ++seed) {
        StrapModel model;
        model.seed = seed;
        model.delivery = delivery;
        model.drift_ppm = drift_ppm;
        model.mean_rr_s = 0.6 + 0.03 * static_cast<double>(seed);
        const auto told = Tell(model);
        BeatClock clock;
        const auto beats = ClockAll(clock, told);
        ASSERT_EQ(beats.size(), told.size());
        EXPECT_EQ(clock.epochs(), 1u) << "no gap is invented";
        std::vector<std::pair<double, double>> errors;
        for (size_t i = 0; i < beats.size(); ++i) {
          const double error_us =
              static_cast<double>(beats[i].beat.time_session_us - told[i].true_us);
          ++beats_seen;
          within_bound += std::abs(error_us) <= beats[i].beat.offset_bound_us;
          if (told[i].true_us < told[0].true_us + 30'000'000) continue;
          errors.emplace_back(error_us / 1e3, beats[i].beat.jitter_us / 1e3);
        }
        const Spread spread = SpreadOf(errors);
        EXPECT_LE(spread.sd_ms, kSdBarMs)
            << "delivery " << static_cast<int>(delivery) << " seed " << seed << " " << drift_ppm;
        EXPECT_LE(spread.most_ms, kMostBarMs);
        EXPECT_GE(spread.covered, 0.95);
        worst_sd_ms = std::max(worst_sd_ms, spread.sd_ms);
        worst_most_ms = std::max(worst_most_ms, spread.most_ms);
        least_covered = std::min(least_covered, spread.covered);
        ++scenarios;
      }
    }
  }
  EXPECT_GE(within_bound / beats_seen, 0.99);
  std::printf(
      "%d straps: worst SD %.1f ms, most %.1f ms, least share within the jitter %.3f, "
      "share within the offset bound %.4f\n",
      scenarios, worst_sd_ms, worst_most_ms, least_covered, within_bound / beats_seen);
}

TEST(BeatClockBars, ThreeHoursInventNoGapAndStayWithinTheBounds) {
  for (const Delivery delivery : kDeliveries) {
    for (const double drift_ppm : {-50.0, 50.0}) {
      StrapModel model;
      model.seed = 3;
      model.delivery = delivery;
      model.drift_ppm = drift_ppm;
      model.seconds = 3 * 3600;
      const auto told = Tell(model);
      BeatClock clock;
      const auto beats = ClockAll(clock, told);
      EXPECT_EQ(clock.epochs(), 1u);
      size_t outside = 0, stretch_begins = 0;
      std::vector<std::pair<double, double>> stretch;  // of five minutes
      for (size_t i = 0; i < beats.size(); ++i) {
        const double error_us =
            static_cast<double>(beats[i].beat.time_session_us - told[i].true_us);
        outside += std::abs(error_us) > beats[i].beat.offset_bound_us;
        if (told[i].true_us - told[stretch_begins].true_us > 270'000'000) {
          const Spread spread = SpreadOf(stretch);
          EXPECT_LE(spread.sd_ms, kSdBarMs) << static_cast<int>(delivery) << " " << drift_ppm;
          EXPECT_LE(spread.most_ms, kMostBarMs);
          EXPECT_GE(spread.covered, 0.95);
          stretch.clear();
          stretch_begins = i;
        }
        if (told[i].true_us > told[0].true_us + 30'000'000) {
          stretch.emplace_back(error_us / 1e3, beats[i].beat.jitter_us / 1e3);
        }
      }
      EXPECT_LE(outside, beats.size() / 200) << static_cast<int>(delivery) << " " << drift_ppm;
    }
  }
}

// One notification goes missing after five minutes. Until that is found out the beats are stamped
// early by what it held, and the offset bound says so; then comes a gap, and right times again.
TEST(BeatClockBars, ALostNotificationBecomesAGapAndIsBoundedUntilThen) {
  struct Limit {
    Delivery delivery;
    double median_s, most_s;  // to find it
    int not_found;            // of 60, in 15 minutes
  };
  const Limit limits[] = {{Delivery::kPrompt, 40, 60, 0},
                          {Delivery::kStalls, 40, 60, 0},
                          {Delivery::kTails, 40, 60, 0},
                          {Delivery::kCongested, 60, 600, 3},
                          {Delivery::kSpread, 150, 600, 3}};
  for (const Limit& limit : limits) {
    std::vector<double> took_s;
    size_t early = 0, outside = 0, outside_after = 0, after = 0, all = 0;
    int not_found = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      StrapModel model;
      model.seed = seed;
      model.delivery = limit.delivery;
      model.drift_ppm = seed % 2 == 0 ? 50 : -50;
      model.seconds = 1200;
      model.losses_s = {310};
      model.mean_rr_s = 0.55 + 0.008 * static_cast<double>(seed);
      const auto told = Tell(model);
      BeatClock clock;
      const auto beats = ClockAll(clock, told);
      ASSERT_EQ(beats.size(), told.size());
      bool found = false;
      double lost_at_s = 0;
      for (size_t i = 0; i < beats.size(); ++i) {
        const StampedBeat& beat = beats[i].beat;
        const double error_us = static_cast<double>(beat.time_session_us - told[i].true_us);
        const double arrival_s = static_cast<double>(told[i].arrival_us) * 1e-6;
        if (told[i].after_losses == 1 && lost_at_s == 0) lost_at_s = arrival_s;
        if (beat.gap_before && told[i].after_losses == 1 && !found) {
          found = true;
          took_s.push_back(arrival_s - lost_at_s);
        }
        ++all;
        const bool out = std::abs(error_us) > beat.offset_bound_us;
        outside += out;
        early += told[i].after_losses == 1 && !found;
        after += found;
        outside_after += found && out;
      }
      not_found += !found;
      EXPECT_EQ(clock.losses_found(), clock.epochs() - 1);
    }
    std::sort(took_s.begin(), took_s.end());
    const double median_s = took_s[took_s.size() / 2];
    std::printf(
        "delivery %d: found after %.0f s (median), %.0f s (most); not found %d of 60; "
        "%.0f beats stamped early each; outside the bound %zu of %zu\n",
        static_cast<int>(limit.delivery), median_s, took_s.back(), not_found,
        static_cast<double>(early) / 60, outside, all);
    EXPECT_LE(median_s, limit.median_s);
    EXPECT_LE(took_s.back(), limit.most_s);
    EXPECT_LE(not_found, limit.not_found);
    EXPECT_LE(outside, all / 100);
    EXPECT_LE(outside_after, after / 50);
  }
}

// A heart so steady that its beats drift slowly against the strap's own second looks like a lost
// notification for minutes on end.
TEST(BeatClockBars, SteadyHeartsSeldomLookLikeALoss) {
  uint64_t epochs = 0, hours = 0;
  for (const double mean_rr_s : {0.5, 0.8, 1.0}) {
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      StrapModel model;
      model.seed = seed;
      model.seconds = 3600;
      model.mean_rr_s = mean_rr_s;
      model.variability = 0.01;
      model.period_s = 1.12;
      BeatClock clock;
      ClockAll(clock, Tell(model));
      epochs += clock.epochs() - 1;
      ++hours;
    }
  }
  std::printf("%llu gaps invented in %llu hours\n", static_cast<unsigned long long>(epochs),
              static_cast<unsigned long long>(hours));
  EXPECT_LE(epochs, 1u);
}

}  // namespace
}  // namespace attune::edge
