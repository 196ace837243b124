// The slow signals that modulate a simulated person's heart rate, at any moment of session time.
//
// A Gaussian process of three parts, each a sum of sinusoids with random frequencies and phases
// (spectral representation; Shinozuka & Deodatis, Appl. Mech. Rev. 44:191, 1991):
//   respiration  around `resp_hz`, narrow: rate and depth wander over about a minute
//   LF waves     around 0.1 Hz (Mayer waves), wider: they come and go within tens of seconds
//   VLF          0.004 .. 0.04 Hz, 1/f-like
// A function of the seed and of time alone: two programs that know a seed know the same signal.
#ifndef ATTUNE_EDGE_SOURCE_MODULATION_H_
#define ATTUNE_EDGE_SOURCE_MODULATION_H_

#include <cstdint>
#include <vector>

namespace attune::edge {

// Standard deviations are relative to the mean rate.
struct ModulationShape {
  double resp_hz = 0.25;
  double resp_depth = 0.030;
  double lf_depth = 0.035;
  double vlf_depth = 0.025;
};

// Immutable.
class Modulation {
 public:
  Modulation(uint64_t seed, const ModulationShape& shape);
  // Unit variance over the ensemble of seeds, mean 0.
  double At(double session_s) const;
  // Antiderivative of At.
  double IntegralAt(double session_s) const;
  // Standard deviation relative to the mean rate: what At is to be multiplied by.
  double depth() const { return depth_; }

 private:
  struct Wave {
    double omega;  // rad/s
    double phase;
    double amplitude;
  };
  std::vector<Wave> waves_;
  double depth_ = 0;
};

// What drives one person: the own signal, and another's with a delay.
//
//   m(t) = sqrt(1 - s^2) own(t) + s other(t - lag)
//
// Both have unit variance and are independent, so s is the correlation between m(t) and
// other(t - lag). The measured correlation of two recorded heart rates is smaller: each beat
// samples the signal once per interval and artefacts add.
class Drive {
 public:
  Drive(Modulation own, Modulation other, double strength, double lag_s);
  explicit Drive(Modulation own) : Drive(own, own, 0, 0) {}
  double At(double session_s) const;
  double IntegralAt(double session_s) const;
  double depth() const { return own_.depth(); }

 private:
  Modulation own_;
  Modulation other_;
  double own_weight_;
  double strength_;
  double lag_s_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_MODULATION_H_
