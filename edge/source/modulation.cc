#include "edge/source/modulation.h"

#include <cmath>
#include <numbers>

#include "services/base/random.h"

namespace attune::edge {
namespace {

constexpr int kWavesPerPart = 32;
constexpr double kTwoPi = 2 * std::numbers::pi;

double Gaussian(SeededRandom& random) {  // Box-Muller
  const double u = 1 - random.Unit();
  return std::sqrt(-2 * std::log(u)) * std::cos(kTwoPi * random.Unit());
}

}  // namespace

Modulation::Modulation(uint64_t seed, const ModulationShape& shape) {
  // Neighbouring seeds must not give neighbouring numbers.
  SeededRandom random(SeededRandom(seed ^ 0x5eed0fa77u).Uint64());
  depth_ = std::sqrt(shape.resp_depth * shape.resp_depth + shape.lf_depth * shape.lf_depth +
                     shape.vlf_depth * shape.vlf_depth);
  const double scale = depth_ > 0 ? 1 / depth_ : 0;
  const auto add = [&](double hz, double part_depth) {
    waves_.push_back(
        {kTwoPi * hz, kTwoPi * random.Unit(), part_depth * scale * std::sqrt(2.0 / kWavesPerPart)});
  };
  for (int i = 0; i < kWavesPerPart; ++i) {
    add(std::max(0.05, shape.resp_hz + 0.010 * Gaussian(random)), shape.resp_depth);
    add(std::max(0.05, 0.1 + 0.012 * Gaussian(random)), shape.lf_depth);
    // Log-uniform frequencies of equal power: power density falls as 1/f.
    add(0.004 * std::pow(10, random.Unit()), shape.vlf_depth);
  }
}

double Modulation::At(double session_s) const {
  double sum = 0;
  for (const Wave& wave : waves_) {
    sum += wave.amplitude * std::cos(wave.omega * session_s + wave.phase);
  }
  return sum;
}

double Modulation::IntegralAt(double session_s) const {
  double sum = 0;
  for (const Wave& wave : waves_) {
    sum += wave.amplitude / wave.omega * std::sin(wave.omega * session_s + wave.phase);
  }
  return sum;
}

Drive::Drive(Modulation own, Modulation other, double strength, double lag_s)
    : own_(std::move(own)),
      other_(std::move(other)),
      own_weight_(std::sqrt(1 - strength * strength)),
      strength_(strength),
      lag_s_(lag_s) {}

double Drive::At(double session_s) const {
  const double own = own_weight_ * own_.At(session_s);
  return strength_ == 0 ? own : own + strength_ * other_.At(session_s - lag_s_);
}

double Drive::IntegralAt(double session_s) const {
  const double own = own_weight_ * own_.IntegralAt(session_s);
  return strength_ == 0 ? own : own + strength_ * other_.IntegralAt(session_s - lag_s_);
}

}  // namespace attune::edge
