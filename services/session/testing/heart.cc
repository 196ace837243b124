#include "services/session/testing/heart.h"

#include <cmath>

#include "services/base/random.h"

namespace attune::session::testing {

std::vector<HeartBeat> Heart(const HeartSpec& spec) {
  SeededRandom random(spec.seed);
  SeededRandom wave_random(spec.wave_seed);
  const double breath_hz = 0.2 + 0.1 * random.Unit();
  const double breath_phase = 6.283185307179586 * random.Unit();
  // A slow wave whose phase wanders: held for 5 s, then turned.
  std::vector<double> turns;
  double turned = 6.283185307179586 * wave_random.Unit();
  for (int64_t t = 0; t <= spec.to_us + 5'000'000; t += 5'000'000) {
    turns.push_back(turned);
    turned += 1.5 * (wave_random.Unit() - 0.5);
  }
  std::vector<HeartBeat> beats;
  int64_t now_us = spec.from_us + static_cast<int64_t>(500'000 * random.Unit());
  while (true) {
    const double t = static_cast<double>(now_us) / 1e6;
    const double turn = turns[static_cast<size_t>(now_us / 5'000'000)];
    double rr = spec.mean_rr_s;
    rr += 0.025 * std::sin(6.283185307179586 * breath_hz * t + breath_phase);
    rr += 0.045 * std::sin(6.283185307179586 * 0.1 * t + turn);
    rr += 0.008 * (random.Unit() - 0.5);
    const auto rr_1024 = static_cast<uint32_t>(rr * 1024);
    now_us += int64_t{rr_1024} * 1'000'000 / 1024;
    if (now_us > spec.to_us) return beats;
    beats.push_back({now_us, rr_1024});
  }
}

}  // namespace attune::session::testing
