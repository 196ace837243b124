#include "edge/source/polar/synthetic_ecg.h"

#include <algorithm>
#include <cmath>

#include "services/base/random.h"

namespace attune::edge {
namespace {

constexpr double kTwoPi = 6.283185307179586;

struct Wave {
  double at_s;
  double height;  // of R
  double width_s;
};

class Noise {
 public:
  explicit Noise(uint64_t seed) : random_(seed) {}
  double Uniform() { return (static_cast<double>(random_.Below(1u << 30)) + 0.5) / (1u << 30); }
  double Normal() { return std::sqrt(-2 * std::log(Uniform())) * std::cos(kTwoPi * Uniform()); }

 private:
  SeededRandom random_;
};

// Waves other than R stand further off when the heart is slow.
std::vector<Wave> NormalBeat(double rr_s) {
  const double stretch = std::sqrt(std::clamp(rr_s, 0.3, 1.2));
  return {{-0.19 * stretch, 0.13, 0.025},
          {-0.030, -0.12, 0.010},
          {0, 1, 0.011},
          {0.032, -0.28, 0.011},
          {0.27 * stretch, 0.30, 0.050 * stretch}};
}

std::vector<Wave> EctopicBeat(double rr_s) {
  const double stretch = std::sqrt(std::clamp(rr_s, 0.3, 1.2));
  return {{0, 1.3, 0.024}, {0.085, -0.8, 0.030}, {0.32 * stretch, -0.35, 0.060 * stretch}};
}

}  // namespace

SyntheticEcg MakeSyntheticEcg(const SyntheticEcgOptions& options) {
  Noise noise(options.seed);
  SyntheticEcg ecg;
  const auto samples = static_cast<size_t>(options.seconds * options.rate_hz);
  std::vector<double> v(samples, 0.0);

  double t = 0.4;
  bool pause = false;
  while (t < options.seconds - 0.6) {
    const double mean_s = 60 / options.bpm;
    double rr_s = mean_s * (1 + 0.05 * std::sin(kTwoPi * 0.1 * t) +
                            0.03 * std::sin(kTwoPi * 0.25 * t) + 0.01 * noise.Normal());
    SyntheticBeat beat;
    beat.ectopic = !pause && noise.Uniform() < options.ectopic;
    if (beat.ectopic) rr_s *= 0.65;
    if (pause) rr_s *= 1.3;
    pause = beat.ectopic;
    t += rr_s;
    beat.time_s = t;
    const bool off = t > options.lead_off_from_s && t < options.lead_off_to_s;
    if (!off && t < options.seconds - 0.6) ecg.beats.push_back(beat);
    const double height = options.r_microvolts *
                          (1 + options.breathing_depth * std::sin(kTwoPi * 0.25 * t)) *
                          (t >= options.half_from_s ? 0.5 : 1);
    const std::vector<Wave> waves = beat.ectopic ? EctopicBeat(rr_s) : NormalBeat(rr_s);
    for (const Wave& wave : waves) {
      const double middle = (t + wave.at_s) * options.rate_hz;
      const double width = wave.width_s * options.rate_hz;
      const auto from = static_cast<int64_t>(std::max(0.0, middle - 5 * width));
      const auto to = std::min<int64_t>(static_cast<int64_t>(middle + 5 * width),
                                        static_cast<int64_t>(samples) - 1);
      for (int64_t i = from; i <= to; ++i) {
        const double z = (static_cast<double>(i) - middle) / width;
        v[static_cast<size_t>(i)] += height * wave.height * std::exp(-z * z / 2);
      }
    }
  }

  double walk = 0;
  double last_white = 0;
  double pop = 0;
  for (size_t i = 0; i < samples; ++i) {
    const double now_s = static_cast<double>(i) / options.rate_hz;
    if (now_s > options.lead_off_from_s && now_s < options.lead_off_to_s) v[i] = 0;
    const double white = noise.Normal();
    const double difference = (white - last_white) / std::sqrt(2.0);
    last_white = white;
    const bool burst = std::fmod(now_s, 10) >= 7 && std::fmod(now_s, 10) < 8;
    walk += (noise.Normal() / std::sqrt(options.rate_hz) - walk / options.rate_hz);
    pop *= 1 - 1 / (0.3 * options.rate_hz);
    if (i % static_cast<size_t>(15 * options.rate_hz) == static_cast<size_t>(options.rate_hz)) {
      pop = options.pop * (noise.Uniform() < 0.5 ? -1 : 1);
    }
    v[i] += options.sensor * noise.Normal() + options.muscle * difference +
            (burst ? options.muscle_burst * difference : 0) +
            options.mains * std::sin(kTwoPi * 50 * now_s) +
            options.wander * (std::sin(kTwoPi * 0.25 * now_s) + walk) + pop;
    ecg.microvolts.push_back(static_cast<int32_t>(std::lround(options.inverted ? -v[i] : v[i])));
  }
  return ecg;
}

}  // namespace attune::edge
