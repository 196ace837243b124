#include "services/synchrony/testing/couples.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>

#include "services/synchrony/testing/test_data.h"

namespace attune::synchrony::testing {
namespace {

constexpr double kRate = 4;
constexpr double kSwingMs = 30;

std::vector<double> IntervalsByBeginning(double mean_ms, const std::vector<double>& waves) {
  std::vector<double> rr;
  for (double t = 0; t * kRate + 8 < static_cast<double>(waves.size());) {
    rr.push_back(mean_ms + kSwingMs * waves[static_cast<size_t>(t * kRate)]);
    t += rr.back() / 1000;
  }
  return rr;
}

std::vector<double> IntervalsByIntegral(double mean_ms, const std::vector<double>& waves) {
  constexpr double kStepS = 0.002;
  std::vector<double> rr;
  double integral = 0, last_s = 0;
  for (double t = 0; t * kRate + 8 < static_cast<double>(waves.size()); t += kStepS) {
    const double at = t * kRate;
    const size_t k = static_cast<size_t>(at);
    const double wave = waves[k] + (at - static_cast<double>(k)) * (waves[k + 1] - waves[k]);
    const double step = kStepS * 1000 / (mean_ms + kSwingMs * wave);
    if (integral + step >= 1) {
      const double now_s = t + kStepS * (1 - integral) / step;
      rr.push_back((now_s - last_s) * 1000);
      last_s = now_s;
      integral -= 1;
    }
    integral += step;
  }
  return rr;
}

}  // namespace

std::vector<double> Waves(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto noise = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53 - 0.5; };
  double fast = 0, slow = 0, squares = 0;
  std::vector<double> waves;
  for (int i = 0; i < kCoupleSamples; ++i) {
    fast += 0.4 * (noise() - fast);
    slow += 0.08 * (fast - slow);
    waves.push_back(fast - slow);
    squares += waves.back() * waves.back();
  }
  const double sd = std::sqrt(squares / kCoupleSamples);
  for (double& w : waves) w /= sd;
  return waves;
}

std::vector<Beat> Heart(double mean_ms, const std::vector<double>& waves, HeartModel model) {
  return BeatsFromMs(model == HeartModel::kByIntegral ? IntervalsByIntegral(mean_ms, waves)
                                                      : IntervalsByBeginning(mean_ms, waves));
}

Couple CoupleOf(std::vector<std::vector<double>> waves, double correlation, int lag_s,
                HeartModel model) {
  const std::vector<double>& shared = waves[0];
  const int samples = static_cast<int>(shared.size());
  for (int i = 0; i < 2; ++i) {
    std::vector<double>& own = waves[static_cast<size_t>(1 + i)];
    for (int k = 0; k < samples; ++k) {
      const int at = std::clamp(k - (i == 1 ? 4 * lag_s : 0), 0, samples - 1);
      double& value = own[static_cast<size_t>(k)];
      value = value * std::sqrt(1 - correlation) +
              shared[static_cast<size_t>(at)] * std::sqrt(correlation);
    }
  }
  return {Heart(820, waves[1], model), Heart(730, waves[2], model)};
}

Couple CoupleOf(uint64_t seed, double correlation, int lag_s, HeartModel model) {
  return CoupleOf({Waves(3 * seed), Waves(3 * seed + 1), Waves(3 * seed + 2)}, correlation, lag_s,
                  model);
}

}  // namespace attune::synchrony::testing
