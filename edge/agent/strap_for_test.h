// A strap as it could be, for tests of the beat clock: a heart, a clock of its own that drifts, and
// ways for its notifications to be late or lost.
#ifndef ATTUNE_EDGE_AGENT_STRAP_FOR_TEST_H_
#define ATTUNE_EDGE_AGENT_STRAP_FOR_TEST_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "services/base/random.h"

namespace attune::edge {

enum class Delivery {
  kPrompt,     // at once
  kSpread,     // each beat up to 4 s late, each notification another time
  kStalls,     // now and then nothing for up to 3 s, then all together
  kTails,      // exponential, 0.3 s
  kCongested,  // now and then 1..2 s later for some seconds
};
inline constexpr Delivery kDeliveries[] = {Delivery::kPrompt, Delivery::kSpread, Delivery::kStalls,
                                           Delivery::kTails, Delivery::kCongested};

struct StrapModel {
  uint64_t seed = 1;
  Delivery delivery = Delivery::kPrompt;
  double drift_ppm = 0;  // its clock runs slow by so much: intervals come out short
  double seconds = 300;
  double mean_rr_s = 0.8;
  double variability = 0.05;
  double period_s = 1.0;         // of the notifications
  std::vector<double> losses_s;  // the notification after each of these moments is lost
};

struct ToldBeat {
  uint32_t rr_1024 = 0;
  int64_t arrival_us = 0;
  int64_t true_us = 0;
  int after_losses = 0;
};

// Beats in the order of their arrival, from 10 s on.
inline std::vector<ToldBeat> Tell(const StrapModel& model) {
  SeededRandom random(model.seed);
  const double start_s = 10;
  const double latency_s = 0.1 + 0.85 * random.Unit();
  double beat_s = start_s, strap_s = 0, wave = 0, last_arrival_s = 0, until_s = 0;
  double tick_s = start_s + random.Unit() * model.period_s;
  double told_1024 = 0;
  size_t lost = 0;
  std::vector<ToldBeat> told, pending;
  while (beat_s < start_s + model.seconds) {
    wave = 0.9 * wave + 0.6 * (random.Unit() - 0.5) * 1.7;
    const double breath = 0.7 * std::sin(2 * M_PI * 0.25 * beat_s);
    const double rr_s = model.mean_rr_s * (1 + model.variability * (breath + 0.5 * wave));
    beat_s += rr_s;
    strap_s += rr_s * (1 - model.drift_ppm * 1e-6);
    while (tick_s < beat_s + latency_s) {  // a notification of what was detected until then
      double arrival_s = tick_s;
      if (model.delivery == Delivery::kSpread) arrival_s += random.Unit() * (3 - latency_s);
      if (model.delivery == Delivery::kTails) arrival_s -= 0.3 * std::log(1 - random.Unit());
      if (model.delivery == Delivery::kStalls) {
        if (tick_s > until_s && random.Unit() < 0.03) until_s = tick_s + 3 * random.Unit();
        arrival_s = std::max(arrival_s, until_s);
      }
      if (model.delivery == Delivery::kCongested) {
        if (random.Unit() < 0.01) until_s = tick_s + 15 * random.Unit();
        if (tick_s < until_s) arrival_s += 1 + random.Unit();
      }
      arrival_s = last_arrival_s = std::max(arrival_s, last_arrival_s);
      if (!pending.empty() && lost < model.losses_s.size() && tick_s > model.losses_s[lost]) {
        ++lost;
        pending.clear();
      }
      for (ToldBeat& beat : pending) {
        beat.arrival_us = std::llround(arrival_s * 1e6);
        beat.after_losses = static_cast<int>(lost);
        told.push_back(beat);
      }
      pending.clear();
      tick_s += model.period_s;
    }
    // A counter of 1/1024 s, as in straps: roundings do not add up.
    const double counter = std::round(strap_s * 1024);
    pending.push_back({static_cast<uint32_t>(counter - told_1024), 0,
                       static_cast<int64_t>(std::llround(beat_s * 1e6)), 0});
    told_1024 = counter;
  }
  return told;
}

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_STRAP_FOR_TEST_H_
